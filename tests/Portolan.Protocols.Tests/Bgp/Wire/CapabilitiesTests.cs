using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Tests.Bgp.Wire;

public sealed class CapabilitiesTests
{
    private static readonly Capabilities Some = new()
    {
        Families = BgpFamilies.IPv4Unicast,
        RouteRefresh = true,
        FourOctetAsn = 65001,
        GracefulRestart = new GracefulRestart(false, false, 60, [new(BgpFamily.IPv4Unicast, true)]),
        Others = [69],
    };

    [Fact]
    public void AreEqual_WhenTheyOfferTheSame()
    {
        var same = Some with { GracefulRestart = new GracefulRestart(false, false, 60, [new(BgpFamily.IPv4Unicast, true)]), Others = [69] };
        Assert.Equal(Some, same);
        Assert.Equal(Some.GetHashCode(), same.GetHashCode());
    }

    private static readonly Capabilities[] Different =
    [
        Some with { Families = BgpFamilies.IPv6Unicast },
        Some with { OtherFamilies = true },
        Some with { RouteRefresh = false },
        Some with { EnhancedRouteRefresh = true },
        Some with { ExtendedNextHop = true },
        Some with { ExtendedMessage = true },
        Some with { LinkLocalNextHop = true },
        Some with { FourOctetAsn = null },
        Some with { GracefulRestart = null },
        Some with { GracefulRestart = new GracefulRestart(true, false, 60, [new(BgpFamily.IPv4Unicast, true)]) },
        Some with { GracefulRestart = new GracefulRestart(false, true, 60, [new(BgpFamily.IPv4Unicast, true)]) },
        Some with { GracefulRestart = new GracefulRestart(false, false, 61, [new(BgpFamily.IPv4Unicast, true)]) },
        Some with { GracefulRestart = new GracefulRestart(false, false, 60, [new(BgpFamily.IPv4Unicast, false)]) },
        Some with { Others = [70] },
    ];

    [Fact]
    public void AreDifferent_WhenOneThingIs() => Assert.All(Different, other => Assert.NotEqual(Some, other));

    [Fact]
    public void SayWhatTheyOffer()
    {
        Assert.Equal("4-byte AS, IPv4 unicast, route refresh, graceful restart 60 s, code 69", Some.ToString());
        Assert.Equal("none", new Capabilities().ToString());
        Assert.Equal(
            "IPv4 unicast, IPv6 unicast, other families, IPv4 by IPv6 next hops, link-local next hops, route refresh, enhanced route refresh, extended messages, "
            + "graceful restart 120 s, restarting, also after notifications, code 69 and 73",
            new Capabilities
            {
                Families = BgpFamilies.IPv4Unicast | BgpFamilies.IPv6Unicast,
                OtherFamilies = true,
                RouteRefresh = true,
                EnhancedRouteRefresh = true,
                ExtendedNextHop = true,
                ExtendedMessage = true,
                LinkLocalNextHop = true,
                GracefulRestart = new GracefulRestart(true, true, 120, []),
                Others = [69, 73],
            }.ToString());
    }
}
