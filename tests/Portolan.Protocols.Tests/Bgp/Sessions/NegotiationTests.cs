using Portolan.Protocols.Bgp.Sessions;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Tests.Bgp.Sessions;

public sealed class NegotiationTests
{
    private static readonly PeerSettings Everything = new()
    {
        LocalAsn = 4200000000,
        Identifier = 1,
        Families = BgpFamilies.IPv4Unicast | BgpFamilies.IPv6Unicast,
        ExtendedNextHop = true,
        ExtendedMessage = true,
        LinkLocalNextHop = true,
        Restart = new RestartOffer(120, BgpFamilies.IPv6Unicast, AfterNotification: true),
    };

    private static readonly PeerSettings Nothing = new() { LocalAsn = 64512, Identifier = 2, RouteRefresh = false, EnhancedRouteRefresh = false };

    [Fact]
    public void AgreesOnEverything_WhenBothOfferIt()
    {
        var terms = Negotiation.Agree(Everything, Negotiation.Offer(Everything, isRestarting: true));
        Assert.Equal(
            new SessionTerms
            {
                LocalAsn = 4200000000,
                PeerAsn = 4200000000,
                PeerIdentifier = 1,
                HoldTime = 90,
                Families = BgpFamilies.IPv4Unicast | BgpFamilies.IPv6Unicast,
                FourOctetAsn = true,
                ExtendedNextHop = true,
                LinkLocalNextHop = true,
                LongestSent = 65535,
                LongestReceived = 65535,
                RouteRefresh = true,
                EnhancedRouteRefresh = true,
                PeerRestart = new GracefulRestart(true, true, 120, [new(BgpFamily.IPv4Unicast, false), new(BgpFamily.IPv6Unicast, true)]),
                PeerKeepsRoutes = true,
                PeerKeepsRoutesAfterNotification = true,
            },
            terms);
        Assert.True(terms.IsInternal);
    }

    [Fact]
    public void AgreesOnNothingMore_WithAPeerWithoutCapabilities()
    {
        var terms = Negotiation.Agree(Everything, new OpenMessage(64513, 180, 3, new Capabilities()));
        Assert.Equal(
            new SessionTerms
            {
                LocalAsn = 4200000000,
                PeerAsn = 64513,
                PeerIdentifier = 3,
                HoldTime = 90,
                Families = BgpFamilies.IPv4Unicast,
                FourOctetAsn = false,
                ExtendedNextHop = false,
                LinkLocalNextHop = false,
                LongestSent = 4096,
                LongestReceived = 65535, // offered by us, and for each direction by itself (RFC 8654)
                RouteRefresh = true,
                EnhancedRouteRefresh = false,
                PeerRestart = null,
                PeerKeepsRoutes = false,
            },
            terms);
    }

    [Fact]
    public void AgreesOnNothingMore_WithoutOffersOfOurs()
    {
        var terms = Negotiation.Agree(Nothing, Negotiation.Offer(Everything, isRestarting: false));
        Assert.Equal(
            (BgpFamilies.IPv4Unicast, false, false, false, false, 4096, 65535),
            (terms.Families, terms.ExtendedNextHop, terms.LinkLocalNextHop, terms.RouteRefresh, terms.EnhancedRouteRefresh, terms.LongestReceived, terms.LongestSent));
        Assert.Equal((false, false), (terms.PeerKeepsRoutes, terms.PeerKeepsRoutesAfterNotification));
        Assert.False(terms.PeerRestart!.IsRestarting);
    }

    [Fact]
    public void HasNoFamilyInCommon_WithAPeerOfOtherFamiliesAlone()
    {
        var open = new OpenMessage(64513, 90, 3, new Capabilities { OtherFamilies = true });
        var error = Negotiation.Check(Everything, open);
        Assert.Equal((BgpErrorCode.Open, (byte)OpenSubcode.UnsupportedCapability), (error.Code, error.Subcode));
        Assert.Equal(Hex.Bytes("01 04 0001 00 01  01 04 0002 00 01"), error.Data.ToArray());
    }

    [Theory]
    [InlineData(0u, 1u, 90, BgpFamilies.IPv4Unicast, 60)]
    [InlineData(1u, 0u, 90, BgpFamilies.IPv4Unicast, 60)]
    [InlineData(1u, 1u, 2, BgpFamilies.IPv4Unicast, 60)]
    [InlineData(1u, 1u, 90, BgpFamilies.None, 60)]
    [InlineData(1u, 1u, 90, BgpFamilies.IPv4Unicast, 0)]
    [InlineData(1u, 1u, 90, BgpFamilies.IPv4Unicast, 4096)]
    public void RefusesSettings_ThatCannotBeWritten(uint asn, uint identifier, int holdTime, BgpFamilies families, int restartTime)
    {
        var settings = new PeerSettings
        {
            LocalAsn = asn,
            Identifier = identifier,
            HoldTime = (ushort)holdTime,
            Families = families,
            Restart = new RestartOffer((ushort)restartTime, families, AfterNotification: false),
        };
        Assert.Throws<ArgumentException>(() => new Recorder(settings));
    }
}
