using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Bgp.Sessions;

/// <summary>Which AS a peer of no given number may be in.</summary>
public enum PeerRelation : byte
{
    /// <summary>Any.</summary>
    Either,

    /// <summary>Ours (iBGP).</summary>
    Internal,

    /// <summary>Not ours (eBGP).</summary>
    External,
}

/// <summary>What we promise about our restarts (RFC 4724); without it the capability is not offered.</summary>
/// <param name="Time">Seconds until we are back: 1..4095.</param>
/// <param name="Preserved">Families whose traffic is still forwarded while we are away (F bit).</param>
/// <param name="AfterNotification">Routes are kept after a NOTIFICATION too, unless it is a Hard Reset (N bit, RFC 8538).</param>
public sealed record RestartOffer(ushort Time, BgpFamilies Preserved, bool AfterNotification);

/// <summary>How to speak with a neighbour.</summary>
public sealed record PeerSettings
{
    private const long Second = 1_000_000;

    /// <summary>The AS number that is shown to the peer: 1..4294967295.</summary>
    public required uint LocalAsn { get; init; }

    /// <summary>Our BGP identifier, not 0 (RFC 6286).</summary>
    public required uint Identifier { get; init; }

    /// <summary>The peer's AS number, or null: as <see cref="Relation"/> says.</summary>
    public uint? PeerAsn { get; init; }

    /// <summary>Where <see cref="PeerAsn"/> is not given.</summary>
    public PeerRelation Relation { get; init; }

    /// <summary>Seconds of silence until a side is given up: 0 (never), or 3..65535. The smaller of both sides' is used.</summary>
    public ushort HoldTime { get; init; } = 90;

    /// <summary>Seconds between our KEEPALIVEs; never more than a third of the agreed hold time, which 0 stands for.</summary>
    public ushort KeepaliveTime { get; init; }

    /// <summary>Microseconds after which an attempt to connect is given up and another one made (RFC 4271: ConnectRetryTime).</summary>
    public long ConnectTime { get; init; } = 10 * Second;

    /// <summary>Microseconds: the pause after a failure is at first a second, then twice as long each time, up to this.</summary>
    public long LongestPause { get; init; } = 30 * Second;

    /// <summary>
    /// Microseconds that a peer may be connected without its OPEN. RFC 4271 §8.2.2 suggests four minutes; but a speaker sends its OPEN as soon as it is connected,
    /// so that one who has not for so long hangs, or means to keep a place from others.
    /// </summary>
    public long OpenTime { get; init; } = 30 * Second;

    /// <summary>Never connect, only accept.</summary>
    public bool IsPassive { get; init; }

    /// <summary>The families offered, at least one.</summary>
    public BgpFamilies Families { get; init; } = BgpFamilies.IPv4Unicast;

    /// <summary>Offer that IPv4 routes may have an IPv6 next hop (RFC 8950).</summary>
    public bool ExtendedNextHop { get; init; }

    /// <summary>Offer to receive messages of up to 65535 bytes (RFC 8654).</summary>
    public bool ExtendedMessage { get; init; }

    /// <summary>Offer to send everything anew when asked (RFC 2918).</summary>
    public bool RouteRefresh { get; init; } = true;

    /// <summary>Offer to mark the begin and the end of that (RFC 7313).</summary>
    public bool EnhancedRouteRefresh { get; init; } = true;

    /// <summary>Offer that a next hop may be a link-local address alone.</summary>
    public bool LinkLocalNextHop { get; init; }

    /// <summary>What we promise about our restarts, or null.</summary>
    public RestartOffer? Restart { get; init; }

    /// <summary>The program has just started, and the peer may still have our routes: said by the R bit until the first session (RFC 4724 §4.1).</summary>
    public bool IsRestarting { get; init; }

    /// <summary>The most prefixes that the peer may have announced at a time, or null: they are not kept count of.</summary>
    public int? MaxPrefixes { get; init; }

    /// <summary>Microseconds that bytes of ours may wait for the peer before <see cref="IPeerSink{TConnection}.Stalled"/> tells of it.</summary>
    public long StallTime { get; init; } = 10 * Second;
}
