using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Core.Announcements.Bgp;

/// <summary>
/// Peers that hear the same: one table of routes serves them all. The object stays the same as long as the class does, whatever becomes of its
/// routes and whoever joins or leaves it.
/// </summary>
public sealed class PeerClass
{
    internal PeerClass(int number) => Number = number;

    /// <summary>From 1 on; no two classes of an index ever have the same.</summary>
    public int Number { get; }

    /// <summary>Names of BGPPeers, in order, at least one.</summary>
    public IReadOnlyList<string> Peers { get; internal set; } = [];

    /// <summary>How many routes there are.</summary>
    public int Count => Table.Count;

    /// <summary>All routes, in no order.</summary>
    public IEnumerable<(IpPrefix Prefix, RouteAttributes Attributes)> Routes => Table.All;

    /// <summary>What is said of a prefix; null: it is not announced.</summary>
    public RouteAttributes? this[IpPrefix prefix] => Table.Find(prefix);

    internal RouteTable Table { get; set; } = new();

    /// <inheritdoc/>
    public override string ToString() => $"{Number}: {string.Join(", ", Peers)}";
}

/// <summary>One route of a class is another now.</summary>
/// <param name="Class">Whose.</param>
/// <param name="Prefix">The prefix.</param>
/// <param name="Attributes">What is said of it from now on; null: it is announced no longer.</param>
public readonly record struct RouteChange(PeerClass Class, IpPrefix Prefix, RouteAttributes? Attributes);

/// <summary>What one change led to.</summary>
/// <param name="Routes">The routes that are others now, none twice. Of a class that is new: all. Of one that is gone: none.</param>
/// <param name="Services">The Services whose plan is another now.</param>
/// <param name="Moved">The peers that are in another class than before, or are new, or gone.</param>
public sealed record BgpChanges(IReadOnlyList<RouteChange> Routes, IReadOnlyList<ObjectKey> Services, IReadOnlyList<string> Moved)
{
    /// <summary>Nothing.</summary>
    public static readonly BgpChanges None = new([], [], []);
}
