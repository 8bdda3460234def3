using System.Text.RegularExpressions;
using Portolan.Core.Addresses;
using Portolan.Protocols.Bgp.Routes;
using Portolan.Protocols.Bgp.Sessions;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Tests.Bgp;

/// <summary>What no daemon is to be spared, and what takes its time: with all of them at once.</summary>
public sealed class AllDaemonsTests
{
    private const string Route = "203.0.113.7/32";

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void OneSessionIsLeft_WhereBothConnect(bool ipv6)
    {
        using var them = new AllDaemons(peering => peering with { Waits = false }, ipv6);
        them.Start();
        using var us = new BgpSide(them.Us);
        us.Announce(Route, PathAttributes.Default);
        us.Speak([.. them.Neighbors(), BgpWire.Waited(ipv6 ? "fd07::177" : "192.168.100.177")]);
        for (var i = 1; i <= 3; i++)
        {
            them.AwaitUp(us, times: i);
            them.Each((name, speaker) =>
            {
                speaker.Await(Route);
                Patience.Until(() => Connections(name).Length == 1, () => $"connections: {string.Join('\n', Connections(name))}\n{us.Log}\n{speaker.Log}");
                us.Loop.Reset(name, BgpError.Cease(CeaseSubcode.AdministrativeReset, "for the test", $"the {i}th"));
            });
        }

        string[] Connections(string name) => them.Us.RunInside("ss", $"-Htn state established dst [{them.AddressOf(name)}]").Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    [Fact]
    public void WrongAsIsTold_BothWays()
    {
        using var them = new AllDaemons();
        them.Start();
        using var us = new BgpSide(them.Us);
        us.Speak(them.Neighbors(session => session with { LocalAsn = 4200000098 }));
        them.Each((name, _) =>
        {
            var end = us.AwaitEnd("OPEN Message Error/Bad Peer AS", name).LastEnd!.Value;
            Assert.Equal((SessionEndOrigin.Peer, BgpErrorCode.Open, (byte)OpenSubcode.BadPeerAs), (end.Origin, end.Error.Code, end.Error.Subcode));
        });

        us.Speak(them.Neighbors(session => session with { PeerAsn = 4200000099 }));
        them.Each((name, speaker) =>
        {
            speaker.TryAgain();
            us.AwaitEnd("we ended it in OpenSent: OPEN Message Error/Bad Peer AS: the peer is AS 4200000002, not 4200000099", name);
            speaker.AwaitSaid(name switch
            {
                "bird" => "Received: Bad peer AS",
                "frr" => "received from neighbor 10.7.2.100 2/2",
                "openbgpd" => "received notification: error in OPEN message, AS unacceptable",
                "gobgp" => "\"ErrorCode\":2,\"ErrorSubcode\":2",
                _ => "Bad Peer AS",
            });
        });
    }

    [Fact]
    public void SilenceEndsIt_OnWhicheverSide()
    {
        using var them = new AllDaemons(peering => peering with { HoldTime = 3 });
        them.Start();
        using var us = new BgpSide(them.Us);
        us.Announce(Route, PathAttributes.Default);
        us.Speak(them.Neighbors(session => session with { HoldTime = 3 }));
        them.AwaitUp(us);
        them.Each((name, speaker) =>
        {
            Assert.Equal(3, us.AwaitUp(name).Terms!.HoldTime);
            speaker.Await(Route);
        });

        var began = DateTimeOffset.UtcNow;
        them.Each((_, speaker) => speaker.Freeze(true));
        them.Each((name, _) => us.AwaitEnd("we ended it in Established: Hold Timer Expired", name, began));
        them.Each((_, speaker) => speaker.Freeze(false));
        them.AwaitUp(us, times: 2);
        them.Each((_, speaker) => speaker.Await(Route));

        // What we say is lost, what we acknowledge is not: also a NOTIFICATION of ours, where it is we who miss something on a busy machine.
        began = DateTimeOffset.UtcNow;
        them.Us.RunInside("nft", "\"add table inet cut; add chain inet cut out { type filter hook output priority 0; }; add rule inet cut out tcp flags & psh == psh drop\"");
        them.Each((name, speaker) =>
        {
            speaker.AwaitGone(Route);
            us.AwaitEnd("ended it in Established: Hold Timer Expired", name, began);
        });
        them.Us.RunInside("nft", "delete table inet cut");
        them.AwaitUp(us, times: 3);
        them.Each((_, speaker) => speaker.Await(Route));
    }

    [Fact]
    public void AnotherKeyIsSilence_AndTheRightOneIsNot()
    {
        // OpenBGPD of Debian 12 (7.7) signs where it connects, but its listener asks for no key: its log says that there is no PF_KEY.
        using var them = new AllDaemons(peering => peering with { Password = "theirs" }, names: ["bird", "frr", "gobgp", "exabgp"]);
        them.Start();
        using var us = new BgpSide(them.Us);
        us.Announce(Route, PathAttributes.Default);
        us.Speak(them.Neighbors(password: "ours"));
        them.Each((name, _) => Assert.Equal(0, us.AwaitEnd("no answer; its TCP MD5 key may be another one", name).Counts.OpensSent));
        us.Speak(them.Neighbors(password: "theirs"));
        them.AwaitUp(us);
        them.Each((_, speaker) => speaker.Await(Route));
    }

    [Fact]
    public void TheirKeyIsAskedFor_WhereTheyConnect()
    {
        using var them = new AllDaemons(peering => peering with { Password = "theirs", Waits = false }, ipv6: true);
        them.Us.RunInside("nft", "\"add table inet seen; add chain inet seen in { type filter hook prerouting priority 0; }\"");
        foreach (var name in them.Names)
            them.Us.RunInside("nft", $"\"add counter inet seen {name}; add rule inet seen in iifname to-{name} tcp dport 179 tcp flags syn / fin,syn,rst,ack counter name {name}\"");
        them.Start();
        using var us = new BgpSide(them.Us);
        us.Announce(Route, PathAttributes.Default);
        us.Speak(them.Neighbors(session => session with { IsPassive = true }, "ours"));
        them.Each((name, speaker) =>
        {
            // It asks, and again, and is not answered.
            Patience.Until(() => Regex.IsMatch(them.Us.RunInside("nft", $"list counter inet seen {name}"), "packets ([2-9]|[1-9][0-9])"), () => speaker.Log);
            Assert.Equal((0, 0), (us.Await(name, _ => true).Counts.OpensSent, us.Await(name, _ => true).Counts.OpensReceived));
        });
        us.Speak(them.Neighbors(session => session with { IsPassive = true }, "theirs"));
        them.AwaitUp(us);
        them.Each((_, speaker) => speaker.Await(Route));
    }

    [Theory]
    [InlineData(false, "10.7.0.0", 16)]
    [InlineData(true, "fd07::", 16)]
    public void WhoeverConnectsFromARange_IsServed(bool ipv6, string range, int length)
    {
        using var them = new AllDaemons(peering => peering with { Waits = false }, ipv6);
        using var us = new BgpSide(them.Us);
        us.Announce(Route, PathAttributes.Default);
        us.Speak(BgpWire.Neighbor(change: session => session with { PeerAsn = null }) with
        {
            Name = "range", Address = null, ListenRanges = new([IpPrefix.Containing(IpAddress.Parse(range), length)], them.Names.Count),
        });
        them.Start();
        them.Each((name, speaker) =>
        {
            Assert.Equal(BgpWire.TheirAsn, us.AwaitUp($"range/{them.AddressOf(name)}").PeerAsn);
            speaker.Await(Route);
        });
    }
}
