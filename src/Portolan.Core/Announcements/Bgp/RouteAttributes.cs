using System.Globalization;
using Portolan.Core.Configuration;

namespace Portolan.Core.Announcements.Bgp;

/// <summary>What is said of a prefix to the peers of one class. Equal by value, so that routes with equal attributes can share one message.</summary>
public sealed record RouteAttributes
{
    /// <summary>So many communities at most: as large ones (RFC 8092) they take 3060 of a message's 4096 octets.</summary>
    public const int MostCommunities = 255;

    // The administrator of the well-known communities (RFC 1997).
    private const uint WellKnown = 0xFFFF;

    /// <summary>Nothing but the prefix.</summary>
    public static readonly RouteAttributes None = new();

    /// <summary>LOCAL_PREF, for internal peers only; null: the protocol's default.</summary>
    public uint? LocalPref { get; init; }

    /// <summary>MULTI_EXIT_DISC; null: not sent.</summary>
    public uint? Med { get; init; }

    /// <summary>How many times more than needed our AS number stands in AS_PATH: 0..16.</summary>
    public int Prepend { get; init; }

    /// <summary>In ascending order, none twice, at most <see cref="MostCommunities"/>: of more the well-known ones and then the lowest are kept.</summary>
    public IReadOnlyList<BgpCommunity> Communities { get; init => field = Kept(value); } = [];

    /// <summary>The link bandwidth extended community (draft-ietf-idr-link-bandwidth), bytes per second; null: none.</summary>
    public float? LinkBandwidth { get; init; }

    /// <summary>
    /// What is said of a prefix that several Services have: the communities of all, the highest of each number. The order of the Services does
    /// not matter.
    /// </summary>
    public RouteAttributes Union(RouteAttributes other) => Equals(other) ? this : new RouteAttributes
    {
        LocalPref = Higher(LocalPref, other.LocalPref),
        Med = Higher(Med, other.Med),
        Prepend = Math.Max(Prepend, other.Prepend),
        Communities = Communities.SequenceEqual(other.Communities) ? Communities : [.. Communities, .. other.Communities],
        LinkBandwidth = Higher(LinkBandwidth, other.LinkBandwidth),
    };

    /// <inheritdoc/>
    public bool Equals(RouteAttributes? other) =>
        other is not null && LocalPref == other.LocalPref && Med == other.Med && Prepend == other.Prepend && LinkBandwidth == other.LinkBandwidth
        && (ReferenceEquals(Communities, other.Communities) || Communities.SequenceEqual(other.Communities));

    /// <inheritdoc/>
    public override int GetHashCode()
    {
        var hash = HashCode.Combine(LocalPref, Med, Prepend, LinkBandwidth);
        foreach (var community in Communities)
            hash = HashCode.Combine(hash, community);
        return hash;
    }

    /// <summary>What is set, in words.</summary>
    public override string ToString() => string.Join(' ', new[]
    {
        LocalPref is { } localPref ? $"localPref {localPref}" : "",
        Med is { } med ? $"med {med}" : "",
        Prepend > 0 ? $"prepend {Prepend}" : "",
        Communities.Count > 0 ? $"communities {string.Join(',', Communities)}" : "",
        LinkBandwidth is { } bandwidth ? $"linkBandwidth {bandwidth.ToString("0.###", CultureInfo.InvariantCulture)}" : "",
    }.Where(word => word.Length > 0));

    private static T? Higher<T>(T? one, T? other)
        where T : struct, IComparable<T> => one is null || (other is { } number && number.CompareTo(one.Value) > 0) ? other : one;

    // What a well-known community asks for (e.g. no-export) must not get lost among others.
    private static IReadOnlyList<BgpCommunity> Kept(IReadOnlyList<BgpCommunity> communities)
    {
        if (IsKept(communities))
            return communities;
        var kept = communities.Distinct().Order();
        return [.. kept.OrderBy(community => community.IsLarge || community.Administrator != WellKnown).Take(MostCommunities).Order()];
    }

    private static bool IsKept(IReadOnlyList<BgpCommunity> communities)
    {
        if (communities.Count > MostCommunities)
            return false;
        for (var i = 1; i < communities.Count; i++)
            if (communities[i - 1].CompareTo(communities[i]) >= 0)
                return false;
        return true;
    }
}
