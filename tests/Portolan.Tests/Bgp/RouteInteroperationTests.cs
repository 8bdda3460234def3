using Portolan.Protocols.Bgp.Routes;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Tests.Bgp;

/// <summary>What other people's BGP has in its table of what we say.</summary>
public sealed class RouteInteroperationTests
{
    private const string V4 = "203.0.113.7/32";
    private const string V6 = "2001:db8::7/128";

    // 125 MB/s, so 1 Gbit/s.
    private static readonly PathAttributes _everything = new()
    {
        Med = 7,
        LocalPref = 250,
        Prepend = 2,
        Communities = [64500u << 16 | 1, 64501u << 16 | 2],
        LargeCommunities = [new LargeCommunity(4200000000, 2, 3)],
        LinkBandwidth = 125_000_000,
    };

    [Theory]
    [InlineData("bird", false, false)]
    [InlineData("bird", true, true)]
    [InlineData("frr", false, false)]
    [InlineData("frr", true, true)]
    [InlineData("gobgp", false, false)]
    [InlineData("gobgp", true, true)]
    [InlineData("exabgp", false, false)]
    [InlineData("exabgp", true, true)]
    [InlineData("openbgpd", false, false)]
    [InlineData("openbgpd", true, true)]
    public void EverythingArrives_Changes_AndGoes(string daemon, bool ipv6, bool isInternal)
    {
        using var wire = new BgpWire();
        using var them = ForeignSpeaker.Create(daemon, wire.Them, BgpWire.Peering(ipv6, isInternal));
        them.Start();
        using var us = new BgpSide(wire.Us);
        us.Announce(V4, _everything);
        us.Announce(V6, _everything);
        us.Speak(BgpWire.Neighbor(ipv6 ? BgpWire.TheirsV6 : BgpWire.Theirs));
        var status = us.AwaitUp();
        Assert.Equal(isInternal, status.Terms!.IsInternal);
        Assert.Equal((isInternal ? BgpWire.OurAsn : BgpWire.TheirAsn, true, BgpFamilies.IPv4Unicast | BgpFamilies.IPv6Unicast), (status.PeerAsn!.Value, status.Terms.FourOctetAsn, status.Terms.Families));

        foreach (var (prefix, ours) in ((string, string)[])[(V4, BgpWire.Ours), (V6, BgpWire.OursV6)])
        {
            var route = them.Await(prefix);
            Assert.Equal(isInternal ? "" : "4200000001 4200000001 4200000001", route.Path);
            Assert.StartsWith(ours, route.NextHop, StringComparison.Ordinal);
            Assert.Equal(7u, route.Med);
            if (isInternal)
                Assert.Equal(250u, route.LocalPref);
            Assert.Equal("64500:1 64501:2", route.Communities.Replace("(", "", StringComparison.Ordinal).Replace(")", "", StringComparison.Ordinal).Replace(',', ':'));
            Assert.Equal("4200000000:2:3", route.Large.Trim('(', ')').Replace(", ", ":", StringComparison.Ordinal));
            // It is not transitive, so some forget it.
            if (isInternal || route.Extended.Length > 0)
                Assert.Contains(them.LinkBandwidth, route.Extended, StringComparison.Ordinal);
        }

        us.Announce(V4, _everything with { Med = 8, Communities = [] });
        them.Await(V4, route => route is { Med: 8, Communities: "" });
        us.Loop.SetLeaving(true);
        them.Await(V4, route => route.Communities.Contains("65535", StringComparison.Ordinal) || route.Communities.Contains("graceful", StringComparison.OrdinalIgnoreCase));
        if (isInternal)
            them.Await(V4, route => route.LocalPref == 0);
        us.Loop.SetLeaving(false);
        them.Await(V4, route => route.Communities == "");
        us.Announce(V6, null);
        them.AwaitGone(V6);
        Assert.NotNull(them.Find(V4));
        us.Announce(V4, null);
        them.AwaitGone(V4);
        Assert.Equal(1, us.Await("them", _ => true).Counts.Established);

        us.Stop(BgpError.Cease(CeaseSubcode.AdministrativeShutdown, "", "node7 is being drained"));
        if (daemon is not "exabgp")
            them.AwaitSaid("node7 is being drained");
    }

    [Fact]
    public void AnOldRouterIsToldAsTrans()
    {
        using var wire = new BgpWire();
        using var them = ForeignSpeaker.Create("frr", wire.Them, BgpWire.Peering() with { LocalAsn = 65002, IsOld = true });
        them.Start();
        using var us = new BgpSide(wire.Us);
        us.Announce(V4, _everything);
        us.Announce(V6, _everything);
        us.Speak(BgpWire.Neighbor(change: session => session with { PeerAsn = 65002 }));
        var terms = us.AwaitUp().Terms!;
        Assert.Equal((false, BgpFamilies.IPv4Unicast), (terms.FourOctetAsn, terms.Families));
        // It passes over AS4_PATH, as our OPEN said that we need none.
        Assert.Equal("23456 23456 23456", them.Await(V4).Path);
        Assert.Null(them.Find(V6));
    }

    [Theory]
    [InlineData("bird")]
    [InlineData("frr")]
    [InlineData("exabgp")]
    [InlineData("openbgpd")]
    public void EverythingComesAgain_WhenTheyAsk(string daemon)
    {
        using var wire = new BgpWire();
        using var them = ForeignSpeaker.Create(daemon, wire.Them, BgpWire.Peering());
        them.Start();
        using var us = new BgpSide(wire.Us);
        us.Announce(V4, PathAttributes.Default);
        us.Announce(V6, PathAttributes.Default);
        us.Speak(BgpWire.Neighbor());
        us.AwaitUp();
        them.Await(V4);
        them.Await(V6);
        var before = us.Await("them", _ => true).Counts;
        them.AskAgain();
        us.Await("them", status => status.Counts.RefreshesReceived >= before.RefreshesReceived + 2);

        // One message of each family.
        var after = us.Await("them", status => status.Counts.UpdatesSent >= before.UpdatesSent + 2);
        if (after.Terms!.EnhancedRouteRefresh)
            us.Await("them", status => status.Counts.RefreshesSent >= 4);
        else
            Assert.Equal(0, after.Counts.RefreshesSent);
        them.Await(V4);
        them.Await(V6);
        us.Announce(V4, null);
        them.AwaitGone(V4);
        Assert.Equal(1, us.Await("them", _ => true).Counts.Established);
    }
}
