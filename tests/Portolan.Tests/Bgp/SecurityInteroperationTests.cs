using Portolan.Protocols.Bgp.Routes;
using Portolan.Protocols.Bgp.Sessions;

namespace Portolan.Tests.Bgp;

/// <summary>TCP MD5 signatures and TTL security with other people's BGP.</summary>
public sealed class SecurityInteroperationTests
{
    private const string Route = "203.0.113.7/32";

    [Theory]
    [InlineData("bird", false, true)]
    [InlineData("bird", true, false)]
    [InlineData("frr", false, false)]
    [InlineData("frr", true, true)]
    [InlineData("gobgp", false, true)]
    [InlineData("exabgp", false, false)]
    public void SignaturesAreMadeAndChecked_WhoeverConnects(string daemon, bool ipv6, bool weConnect)
    {
        using var wire = new BgpWire();
        using var us = new BgpSide(wire.Us);
        us.Announce(Route, PathAttributes.Default);
        us.Speak(BgpWire.Neighbor(ipv6 ? BgpWire.TheirsV6 : BgpWire.Theirs, change: session => session with { IsPassive = !weConnect }) with { Password = "s3cret" });
        using var them = ForeignSpeaker.Create(daemon, wire.Them, BgpWire.Peering(ipv6) with { Waits = weConnect, Password = "s3cret" });
        them.Start();
        us.AwaitUp();
        them.Await(Route);
    }

    [Fact]
    public void AnotherKeyIsSilence_AndThatIsExplained()
    {
        using var wire = new BgpWire();
        using var them = ForeignSpeaker.Create("bird", wire.Them, BgpWire.Peering() with { Password = "theirs" });
        them.Start();
        using var us = new BgpSide(wire.Us);
        us.Speak(BgpWire.Neighbor() with { Password = "ours" });
        Assert.Equal(0, us.AwaitEnd("the connection failed in Connect: no answer; its TCP MD5 key may be another one").Counts.OpensSent);

        // The right one, by a change of the settings.
        us.Speak(BgpWire.Neighbor() with { Password = "theirs" });
        us.AwaitUp();
        // And again another one.
        us.Speak(BgpWire.Neighbor() with { Password = "" });
        us.AwaitEnd("no answer");
    }

    [Fact]
    public void TheirWrongSignaturesAreCounted()
    {
        using var wire = new BgpWire();
        using var them = ForeignSpeaker.Create("bird", wire.Them, BgpWire.Peering() with { Password = "theirs", Waits = false });
        them.Start();
        using var us = new BgpSide(wire.Us);
        us.Speak(BgpWire.Neighbor() with { Password = "ours" }, BgpWire.Waited());
        Assert.Equal(0, us.AwaitEnd("TCP segments came whose MD5 signature was wrong or missing").Counts.Established);
    }

    [Theory]
    [InlineData("bird", false, true)]
    [InlineData("bird", true, false)]
    [InlineData("frr", false, true)]
    [InlineData("gobgp", false, true)]
    [InlineData("exabgp", false, false)]
    [InlineData("openbgpd", true, true)]
    public void NeighboursThatAreNearSpeak_WithTtlSecurity(string daemon, bool ipv6, bool weConnect)
    {
        using var wire = new BgpWire();
        using var us = new BgpSide(wire.Us);
        us.Announce(Route, PathAttributes.Default);
        us.Speak(BgpWire.Neighbor(ipv6 ? BgpWire.TheirsV6 : BgpWire.Theirs, change: session => session with { IsPassive = !weConnect }) with { TtlSecurityHops = 1 });
        using var them = ForeignSpeaker.Create(daemon, wire.Them, BgpWire.Peering(ipv6) with { Waits = weConnect, TtlSecurity = true });
        them.Start();
        us.AwaitUp();
        them.Await(Route);
    }

    [Theory]
    [InlineData(false)]
    [InlineData(true)]
    public void OneThatMayBeFarHasNoSession_WhereTtlIsChecked(bool ipv6)
    {
        // It sends with a TTL of 1, as is usual with external neighbours.
        using var wire = new BgpWire();
        using var us = new BgpSide(wire.Us);
        us.Announce(Route, PathAttributes.Default);
        var neighbor = BgpWire.Neighbor(ipv6 ? BgpWire.TheirsV6 : BgpWire.Theirs) with { TtlSecurityHops = 1 };
        using (var them = ForeignSpeaker.Create("bird", wire.Them, BgpWire.Peering(ipv6) with { Waits = false }))
        {
            them.Start();
            us.Speak(neighbor with { Session = neighbor.Session with { IsPassive = true } });
            Patience.Until(() => us.Log.Contains("cannot be used: it is further away than it may be", StringComparison.Ordinal), () => us.Log);
            Assert.Equal((0, 0), (us.Await("them", _ => true).Counts.OpensSent, us.Await("them", _ => true).Counts.OpensReceived));
        }

        // Its answer to our first packet has a TTL of 255, but no other packet.
        using (var them = ForeignSpeaker.Create("bird", wire.Them, BgpWire.Peering(ipv6)))
        {
            them.Start();
            us.Speak(neighbor);
            us.Await("them", status => status.State is SessionState.OpenSent);
            them.AwaitSaid("accepted");
            Assert.Equal(0, us.Await("them", status => status.State is SessionState.OpenSent).Counts.OpensReceived);
            Assert.Null(them.Find(Route));
        }
    }

    [Fact]
    public void WeHaveNoSession_WhereTheyCheckTheTtl()
    {
        using var wire = new BgpWire();
        using var us = new BgpSide(wire.Us);
        us.Announce(Route, PathAttributes.Default);
        using var them = ForeignSpeaker.Create("bird", wire.Them, BgpWire.Peering() with { TtlSecurity = true });
        them.Start();
        us.Speak(BgpWire.Neighbor());
        us.Await("them", status => status is { State: SessionState.OpenConfirm, Counts.OpensReceived: > 0 });
        Assert.Null(them.Find(Route));
    }
}
