using System.Buffers.Binary;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Bgp.Sessions;

/// <summary>Our OPEN, and what follows from theirs.</summary>
public static class Negotiation
{
    /// <summary>The OPEN that we send.</summary>
    /// <param name="settings">What to offer.</param>
    /// <param name="isRestarting">No session has been established since the program started (RFC 4724 §4.1).</param>
    public static OpenMessage Offer(PeerSettings settings, bool isRestarting) => new(settings.LocalAsn, settings.HoldTime, settings.Identifier, new Capabilities
    {
        Families = settings.Families,
        RouteRefresh = settings.RouteRefresh,
        EnhancedRouteRefresh = settings.RouteRefresh && settings.EnhancedRouteRefresh,
        ExtendedNextHop = settings.ExtendedNextHop,
        ExtendedMessage = settings.ExtendedMessage,
        FourOctetAsn = settings.LocalAsn,
        LinkLocalNextHop = settings.LinkLocalNextHop,
        GracefulRestart = settings.Restart is not { } restart ? null : new GracefulRestart(
            isRestarting,
            restart.AfterNotification,
            restart.Time,
            [.. Each(settings.Families).Select(family => new RestartFamily(family, restart.Preserved.Has(family)))]),
    });

    /// <summary>Whether we can speak with one who sent this OPEN (RFC 4271 §6.2).</summary>
    /// <returns>The answer, or <see cref="BgpError.None"/>.</returns>
    public static BgpError Check(PeerSettings settings, OpenMessage open)
    {
        var isInternal = open.Asn == settings.LocalAsn;
        if (settings.PeerAsn is { } asn && asn != open.Asn)
            return BgpError.Open(OpenSubcode.BadPeerAs, $"the peer is AS {open.Asn}, not {asn}");
        if (settings.PeerAsn is null && settings.Relation is PeerRelation.Internal && !isInternal)
            return BgpError.Open(OpenSubcode.BadPeerAs, $"the peer is AS {open.Asn}, not in ours, {settings.LocalAsn}");
        if (settings.PeerAsn is null && settings.Relation is PeerRelation.External && isInternal)
            return BgpError.Open(OpenSubcode.BadPeerAs, $"the peer is in our AS, {open.Asn}");
        if (open.HoldTime is 1 or 2)
            return BgpError.Open(OpenSubcode.UnacceptableHoldTime, $"a hold time of {open.HoldTime} s");

        // Unique within an AS only (RFC 6286 §2.1).
        if (open.Identifier == 0 || (isInternal && open.Identifier == settings.Identifier))
            return BgpError.Open(OpenSubcode.BadIdentifier, open.Identifier == 0 ? "an identifier of 0" : "the peer has our identifier");

        // Without a family in common a session would be up and carry nothing. RFC 5492 §5 has this answer for a capability that is required, and FRR gives it
        // in the same case; its data names the capabilities.
        if ((open.Capabilities.Carried & settings.Families) == 0)
            return BgpError.Open(OpenSubcode.UnsupportedCapability, "no family in common", Multiprotocol(settings.Families));
        return BgpError.None;
    }

    /// <summary>What both sides' OPENs amount to.</summary>
    /// <param name="settings">What we offered.</param>
    /// <param name="open">Theirs; it passed <see cref="Check"/>.</param>
    public static SessionTerms Agree(PeerSettings settings, OpenMessage open)
    {
        var theirs = open.Capabilities;
        var families = theirs.Carried & settings.Families;
        return new SessionTerms
        {
            LocalAsn = settings.LocalAsn,
            PeerAsn = open.Asn,
            PeerIdentifier = open.Identifier,
            HoldTime = Math.Min(settings.HoldTime, open.HoldTime),
            Families = families,
            FourOctetAsn = theirs.FourOctetAsn is not null,
            ExtendedNextHop = settings.ExtendedNextHop && theirs.ExtendedNextHop && families.Has(BgpFamily.IPv4Unicast),
            LinkLocalNextHop = settings.LinkLocalNextHop && theirs.LinkLocalNextHop,
            // Each side says what it can receive, and may be sent that (RFC 8654 §4).
            LongestSent = theirs.ExtendedMessage ? BgpFraming.LongestExtended : BgpFraming.Longest,
            LongestReceived = settings.ExtendedMessage ? BgpFraming.LongestExtended : BgpFraming.Longest,
            RouteRefresh = settings.RouteRefresh,
            EnhancedRouteRefresh = settings.RouteRefresh && settings.EnhancedRouteRefresh && theirs.EnhancedRouteRefresh,
            PeerRestart = theirs.GracefulRestart,
            PeerKeepsRoutes = settings.Restart is not null && theirs.GracefulRestart is not null,
            PeerKeepsRoutesAfterNotification = settings.Restart is { AfterNotification: true } && theirs.GracefulRestart is { KeepsAfterNotification: true },
        };
    }

    private static IEnumerable<BgpFamily> Each(BgpFamilies families) => Enum.GetValues<BgpFamily>().Where(family => families.Has(family));

    private static byte[] Multiprotocol(BgpFamilies families)
    {
        const int Size = 6;
        var listed = Each(families).ToArray();
        var data = new byte[listed.Length * Size];
        for (var i = 0; i < listed.Length; i++)
        {
            var capability = data.AsSpan(i * Size, Size);
            (capability[0], capability[1], capability[5]) = ((byte)CapabilityCode.Multiprotocol, Size - 2, BgpFamilyCodes.Unicast);
            BinaryPrimitives.WriteUInt16BigEndian(capability[2..], listed[i].Afi());
        }

        return data;
    }
}
