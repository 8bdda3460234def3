namespace Portolan.Protocols.Bgp.Wire;

/// <summary>What a family's entry in the Graceful Restart capability says (RFC 4724 §3).</summary>
/// <param name="Family">The family.</param>
/// <param name="KeepsForwarding">The F bit: what was forwarded before the restart still is.</param>
public readonly record struct RestartFamily(BgpFamily Family, bool KeepsForwarding);

/// <summary>The Graceful Restart capability (RFC 4724 §3, RFC 8538 §2).</summary>
/// <param name="IsRestarting">The R bit: the sender has restarted.</param>
/// <param name="KeepsAfterNotification">The N bit: routes survive a NOTIFICATION that is no Hard Reset.</param>
/// <param name="RestartTime">Seconds, 0..4095.</param>
/// <param name="Families">The families whose routes are kept over a restart; may be empty.</param>
public sealed record GracefulRestart(bool IsRestarting, bool KeepsAfterNotification, ushort RestartTime, IReadOnlyList<RestartFamily> Families);

/// <summary>What a side offers in its OPEN (RFC 5492).</summary>
public sealed record Capabilities
{
    /// <summary>Multiprotocol (1, RFC 4760); none: IPv4 unicast alone.</summary>
    public BgpFamilies Families { get; init; }

    /// <summary>Route Refresh (2, RFC 2918).</summary>
    public bool RouteRefresh { get; init; }

    /// <summary>Enhanced Route Refresh (70, RFC 7313).</summary>
    public bool EnhancedRouteRefresh { get; init; }

    /// <summary>Extended Next Hop Encoding (5, RFC 8950): IPv4 unicast with a next hop of IPv6.</summary>
    public bool ExtendedNextHop { get; init; }

    /// <summary>Extended Message (6, RFC 8654).</summary>
    public bool ExtendedMessage { get; init; }

    /// <summary>Four-octet AS number (65, RFC 6793), or null without the capability.</summary>
    public uint? FourOctetAsn { get; init; }

    /// <summary>Graceful Restart (64, RFC 4724), or null without the capability.</summary>
    public GracefulRestart? GracefulRestart { get; init; }

    /// <summary>Link-Local Next Hop (77).</summary>
    public bool LinkLocalNextHop { get; init; }

    /// <summary>Codes of other capabilities, to show; they are not sent.</summary>
    public IReadOnlyList<byte> Others { get; init; } = [];
}
