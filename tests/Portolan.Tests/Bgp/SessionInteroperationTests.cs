using Portolan.Bgp;
using Portolan.Core.Addresses;
using Portolan.Protocols.Bgp.Routes;
using Portolan.Protocols.Bgp.Sessions;

namespace Portolan.Tests.Bgp;

/// <summary>How sessions with other people's BGP come, go, and are refused.</summary>
public sealed class SessionInteroperationTests
{
    private const string Route = "203.0.113.7/32";

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
