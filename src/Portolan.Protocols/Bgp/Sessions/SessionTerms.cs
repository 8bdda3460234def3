using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Bgp.Sessions;

/// <summary>What both sides of an established session agreed on.</summary>
public sealed record SessionTerms
{
    /// <summary>The AS number that the peer knows us by.</summary>
    public required uint LocalAsn { get; init; }

    /// <summary>The peer's AS number.</summary>
    public required uint PeerAsn { get; init; }

    /// <summary>Whether both are in one AS (iBGP).</summary>
    public bool IsInternal => LocalAsn == PeerAsn;

    /// <summary>The peer's BGP identifier.</summary>
    public required uint PeerIdentifier { get; init; }

    /// <summary>Seconds; 0: neither side minds silence.</summary>
    public required ushort HoldTime { get; init; }

    /// <summary>Families that both have.</summary>
    public required BgpFamilies Families { get; init; }

    /// <summary>Both write AS numbers with four bytes.</summary>
    public required bool FourOctetAsn { get; init; }

    /// <summary>The peer takes IPv4 routes with an IPv6 next hop.</summary>
    public required bool ExtendedNextHop { get; init; }

    /// <summary>The peer understands a next hop that is a link-local address alone.</summary>
    public required bool LinkLocalNextHop { get; init; }

    /// <summary>The longest message that may be sent: 4096 or 65535 (RFC 8654).</summary>
    public required int LongestSent { get; init; }

    /// <summary>The longest message that may be received.</summary>
    public required int LongestReceived { get; init; }

    /// <summary>The peer may ask for everything anew.</summary>
    public required bool RouteRefresh { get; init; }

    /// <summary>The answer to that is marked at its begin and end (RFC 7313).</summary>
    public required bool EnhancedRouteRefresh { get; init; }

    /// <summary>What the peer said about restarts, or null.</summary>
    public required GracefulRestart? PeerRestart { get; init; }

    /// <summary>Whether the peer keeps our routes when the session ends without a NOTIFICATION.</summary>
    public required bool PeerKeepsRoutes { get; init; }

    /// <summary>Whether it also does with a NOTIFICATION that is no Hard Reset: both have the N bit (RFC 8538).</summary>
    public bool PeerKeepsRoutesAfterNotification { get; init; }
}
