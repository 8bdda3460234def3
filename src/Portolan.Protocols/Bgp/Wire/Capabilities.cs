namespace Portolan.Protocols.Bgp.Wire;

/// <summary>What a family's entry in the Graceful Restart capability says (RFC 4724 §3).</summary>
/// <param name="Family">The family.</param>
/// <param name="KeepsForwarding">The F bit: what was forwarded before the restart still is.</param>
public readonly record struct RestartFamily(BgpFamily Family, bool KeepsForwarding);

/// <summary>The Graceful Restart capability (RFC 4724 §3, RFC 8538 §2).</summary>
/// <param name="IsRestarting">The R bit: the sender has restarted.</param>
/// <param name="KeepsAfterNotification">The N bit: routes survive a NOTIFICATION that is no Hard Reset.</param>
/// <param name="RestartTime">Seconds, 0..4095.</param>
/// <param name="Families">The families whose routes are kept over a restart, each once; may be empty.</param>
public sealed record GracefulRestart(bool IsRestarting, bool KeepsAfterNotification, ushort RestartTime, IReadOnlyList<RestartFamily> Families)
{
    /// <summary>The longest restart time, in seconds: it has 12 bits.</summary>
    public const ushort MaxRestartTime = 4095;

    /// <summary>Equal families in equal order, too.</summary>
    public bool Equals(GracefulRestart? other) =>
        other is not null && (IsRestarting, KeepsAfterNotification, RestartTime) == (other.IsRestarting, other.KeepsAfterNotification, other.RestartTime) && Families.SequenceEqual(other.Families);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(IsRestarting, KeepsAfterNotification, RestartTime, Families.Count);

    /// <summary>For people: <c>graceful restart 60 s</c>, and what is special about it.</summary>
    public override string ToString() =>
        $"graceful restart {RestartTime} s{(IsRestarting ? ", restarting" : "")}{(KeepsAfterNotification ? ", also after notifications" : "")}";
}

/// <summary>What a side offers in its OPEN (RFC 5492).</summary>
public sealed record Capabilities
{
    /// <summary>Multiprotocol (1, RFC 4760); none: IPv4 unicast alone.</summary>
    public BgpFamilies Families { get; init; }

    /// <summary>Multiprotocol for families that are none of ours; it is not sent.</summary>
    public bool OtherFamilies { get; init; }

    /// <summary>The families that the side really carries: one that says nothing of families carries IPv4 unicast (RFC 4760 §8).</summary>
    public BgpFamilies Carried => Families is BgpFamilies.None && !OtherFamilies ? BgpFamilies.IPv4Unicast : Families;

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

    /// <summary>Equal lists are equal.</summary>
    public bool Equals(Capabilities? other) =>
        other is not null
        && (Families, OtherFamilies, RouteRefresh, EnhancedRouteRefresh, ExtendedNextHop, ExtendedMessage, LinkLocalNextHop)
            == (other.Families, other.OtherFamilies, other.RouteRefresh, other.EnhancedRouteRefresh, other.ExtendedNextHop, other.ExtendedMessage, other.LinkLocalNextHop)
        && FourOctetAsn == other.FourOctetAsn
        && Equals(GracefulRestart, other.GracefulRestart)
        && Others.SequenceEqual(other.Others);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Families, RouteRefresh, FourOctetAsn, GracefulRestart, Others.Count);

    /// <summary>For people: <c>4-byte AS, IPv4 unicast, route refresh, graceful restart 60 s</c>.</summary>
    public override string ToString()
    {
        List<string> said = [];
        if (FourOctetAsn is not null)
            said.Add("4-byte AS");
        if (Families.Has(BgpFamily.IPv4Unicast))
            said.Add(BgpFamily.IPv4Unicast.ToText());
        if (Families.Has(BgpFamily.IPv6Unicast))
            said.Add(BgpFamily.IPv6Unicast.ToText());
        if (OtherFamilies)
            said.Add("other families");
        if (ExtendedNextHop)
            said.Add("IPv4 by IPv6 next hops");
        if (LinkLocalNextHop)
            said.Add("link-local next hops");
        if (RouteRefresh)
            said.Add("route refresh");
        if (EnhancedRouteRefresh)
            said.Add("enhanced route refresh");
        if (ExtendedMessage)
            said.Add("extended messages");
        if (GracefulRestart is { } restart)
            said.Add(restart.ToString());
        if (Others.Count > 0)
            said.Add($"code {string.Join(" and ", Others)}");
        return said.Count == 0 ? "none" : string.Join(", ", said);
    }
}
