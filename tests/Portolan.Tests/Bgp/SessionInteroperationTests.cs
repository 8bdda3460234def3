using Portolan.Bgp;
using Portolan.Core.Addresses;
using Portolan.Protocols.Bgp.Routes;
using Portolan.Protocols.Bgp.Sessions;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Tests.Bgp;

/// <summary>How sessions with other people's BGP come, go, and are refused.</summary>
public sealed class SessionInteroperationTests
{
    private const string Route = "203.0.113.7/32";

    [Theory]
    [InlineData("bird", false)]
    [InlineData("bird", true)]
    [InlineData("frr", false)]
    [InlineData("frr", true)]
    [InlineData("gobgp", false)]
    [InlineData("exabgp", true)]
    [InlineData("openbgpd", true)]
    public void TheyConnect_WhereWeWait(string daemon, bool ipv6)
    {
        using var wire = new BgpWire();
        using var us = new BgpSide(wire.Us);
        us.Announce(Route, PathAttributes.Default);
        us.Speak(BgpWire.Neighbor(ipv6 ? BgpWire.TheirsV6 : BgpWire.Theirs, change: session => session with { IsPassive = true }));
        using var them = ForeignSpeaker.Create(daemon, wire.Them, BgpWire.Peering(ipv6) with { Waits = false });
        them.Start();
        us.AwaitUp();
        them.Await(Route);
    }

    [Theory]
    [InlineData("bird")]
    [InlineData("frr")]
    public void OneSessionIsLeft_WhereBothConnect(string daemon)
    {
        using var wire = new BgpWire();
        using var them = ForeignSpeaker.Create(daemon, wire.Them, BgpWire.Peering() with { Waits = false });
        them.Start();
        using var us = new BgpSide(wire.Us);
        us.Announce(Route, PathAttributes.Default);
        us.Speak(BgpWire.Neighbor(), BgpWire.Waited());
        for (var i = 1; i <= 4; i++)
        {
            us.Await("them", status => status is { State: SessionState.Established, IsSynchronized: true } && status.Counts.Established >= i);
            them.Await(Route);
            Patience.Until(() => Connections().Length == 1, () => $"connections: {string.Join('\n', Connections())}\n{us.Log}\n{them.Log}");
            us.Loop.Reset("them", BgpError.Cease(CeaseSubcode.AdministrativeReset, "for the test", $"the {i}th"));
        }

        string[] Connections() => wire.Us.RunInside("ss", "-Htn state established").Split('\n', StringSplitOptions.RemoveEmptyEntries);
    }

    [Fact]
    public void RangesAreServed_UpToTheirLimit()
    {
        using var wire = new BgpWire();
        wire.Them.Link("addr add 192.168.100.102/24 dev eth0");
        using var us = new BgpSide(wire.Us);
        us.Announce(Route, PathAttributes.Default);
        us.Speak(BgpWire.Neighbor(change: session => session with { PeerAsn = null }) with
        {
            Name = "range", Address = null, ListenRanges = new ListenRanges([IpPrefix.Containing(IpAddress.Parse("192.168.100.96"), 28), IpPrefix.Containing(IpAddress.Parse("fd00::"), 64)], 1), Password = "for all of them",
        });
        using var one = ForeignSpeaker.Create("bird", wire.Them, BgpWire.Peering() with { Waits = false, Password = "for all of them" });
        using var other = ForeignSpeaker.Create("bird", wire.Them, BgpWire.Peering() with { Local = "192.168.100.102", LocalAsn = 65003, Waits = false, Password = "for all of them" });
        one.Start();
        Assert.Equal(BgpWire.TheirAsn, us.AwaitUp("range/192.168.100.101").PeerAsn);
        one.Await(Route);
        other.Start();
        Patience.Until(() => us.Log.Contains("192.168.100.102 is refused", StringComparison.Ordinal), () => us.Log);
        Assert.Single(us.Shown);

        one.Kill();
        Assert.Equal(65003u, us.AwaitUp("range/192.168.100.102").PeerAsn);
        other.Await(Route);
        Patience.Until(() => us.Shown.Count == 1, () => string.Join('\n', us.Shown));
    }

    [Theory]
    [InlineData("bird", "Bad peer AS")]
    [InlineData("frr", "OPEN Message Error/Bad Peer AS")]
    public void WrongAsIsTold_BothWays(string daemon, string said)
    {
        using var wire = new BgpWire();
        using (var them = ForeignSpeaker.Create(daemon, wire.Them, BgpWire.Peering()))
        {
            them.Start();
            using var us = new BgpSide(wire.Us);
            us.Speak(BgpWire.Neighbor(change: session => session with { PeerAsn = 4200000099 }));
            us.AwaitEnd("we ended it in OpenSent: OPEN Message Error/Bad Peer AS: the peer is AS 4200000002, not 4200000099");
            them.AwaitSaid(said);
        }

        using (var them = ForeignSpeaker.Create(daemon, wire.Them, BgpWire.Peering() with { PeerAsn = 4200000098 }))
        {
            them.Start();
            using var us = new BgpSide(wire.Us);
            us.Speak(BgpWire.Neighbor());
            Assert.Equal((SessionEndOrigin.Peer, BgpErrorCode.Open, (byte)OpenSubcode.BadPeerAs), End(us.AwaitEnd("OPEN Message Error/Bad Peer AS")));
        }
    }

    private static (SessionEndOrigin, BgpErrorCode, byte) End(NeighborStatus status) => (status.LastEnd!.Value.Origin, status.LastEnd.Value.Error.Code, status.LastEnd.Value.Error.Subcode);

    [Theory]
    [InlineData("bird")]
    [InlineData("frr")]
    public void SilenceEndsIt_OnWhicheverSide(string daemon)
    {
        using var wire = new BgpWire();
        using var them = ForeignSpeaker.Create(daemon, wire.Them, BgpWire.Peering() with { HoldTime = 3 });
        them.Start();
        using var us = new BgpSide(wire.Us);
        us.Announce(Route, PathAttributes.Default);
        us.Speak(BgpWire.Neighbor(change: session => session with { HoldTime = 3 }));
        Assert.Equal(3, us.AwaitUp().Terms!.HoldTime);
        them.Await(Route);

        them.Freeze(true);
        us.AwaitEnd("we ended it in Established: Hold Timer Expired");
        them.Freeze(false);
        us.Await("them", status => status is { State: SessionState.Established, Counts.Established: 2 });
        them.Await(Route);

        // What we say is lost, what we acknowledge is not.
        wire.Us.RunInside("nft", "\"add table inet cut; add chain inet cut out { type filter hook output priority 0; }; add rule inet cut out tcp flags & psh == psh drop\"");
        them.AwaitGone(Route);
        us.AwaitEnd("the peer ended it in Established: Hold Timer Expired");
        wire.Us.RunInside("nft", "delete table inet cut");
        us.Await("them", status => status is { State: SessionState.Established, Counts.Established: 3 });
        them.Await(Route);
    }

    [Fact]
    public void ASettledSessionOutlivesManyHoldTimes()
    {
        using var wire = new BgpWire();
        using var them = ForeignSpeaker.Create("bird", wire.Them, BgpWire.Peering() with { HoldTime = 3 });
        them.Start();
        using var us = new BgpSide(wire.Us);
        us.Speak(BgpWire.Neighbor(change: session => session with { HoldTime = 3 }));
        us.AwaitUp();
        us.Await("them", status => status.Counts is { KeepalivesSent: > 8, KeepalivesReceived: > 8 });
        Assert.Equal(1, us.Await("them", _ => true).Counts.Established);
    }

    [Fact]
    public void WordsOfTheirOperatorAreTold()
    {
        using var wire = new BgpWire();
        using var them = new BirdSpeaker(wire.Them, BgpWire.Peering());
        them.Start();
        using var us = new BgpSide(wire.Us);
        us.Speak(BgpWire.Neighbor());
        us.AwaitUp();
        them.Disable("back at noon");
        us.AwaitEnd("the peer ended it in Established: Cease/Administrative Shutdown: back at noon");
        // Nor is that forgotten when nobody answers from then on.
        us.Await("them", status => status.State is SessionState.Connect or SessionState.Idle or SessionState.Active);
        us.AwaitEnd("back at noon");
    }
}
