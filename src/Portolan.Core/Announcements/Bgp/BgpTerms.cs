using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Configuration;

namespace Portolan.Core.Announcements.Bgp;

/// <summary>Peers of this node that hear the same of every Service: the same advertisements reach them, and their policies say the same of routes.</summary>
/// <param name="Peers">Names of BGPPeers, in order, at least one.</param>
/// <param name="Advertisements">Which of <see cref="BgpTerms.Advertisements"/> reach them, by name.</param>
/// <param name="Med">By policy.</param>
/// <param name="Prepend">By policy.</param>
/// <param name="BandwidthPerEndpoint">By policy, bytes per second; null: no link bandwidth is sent.</param>
internal sealed record PeerGroup(IReadOnlyList<string> Peers, IReadOnlySet<string> Advertisements, uint? Med, int Prepend, float? BandwidthPerEndpoint)
{
    /// <summary>Whether the others hear the same.</summary>
    public bool HearsAs(PeerGroup other) =>
        Med == other.Med && Prepend == other.Prepend && BandwidthPerEndpoint == other.BandwidthPerEndpoint && Advertisements.SetEquals(other.Advertisements);

    /// <inheritdoc/>
    public bool Equals(PeerGroup? other) => other is not null && HearsAs(other) && Peers.SequenceEqual(other.Peers);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Peers.Count, Advertisements.Count, Med, Prepend);
}

/// <summary>A context worked out once for all Services: what of it matters on this node.</summary>
internal sealed class BgpTerms
{
    private const int MostShared = 4096;

    private readonly BgpContext _context;
    private readonly Dictionary<AddressPool, IReadOnlyList<BgpAdvertisement>> _byPool = [];
    private readonly Dictionary<RouteAttributes, RouteAttributes> _shared = [];

    private BgpTerms(BgpContext context, IReadOnlyList<BgpAdvertisement> advertisements, IReadOnlyList<PeerGroup> groups) =>
        (_context, Advertisements, Groups) = (context, advertisements, groups);

    /// <summary>Those that select this node, by name.</summary>
    public IReadOnlyList<BgpAdvertisement> Advertisements { get; }

    /// <summary>Every peer of this node, in the order of the groups' first peers.</summary>
    public IReadOnlyList<PeerGroup> Groups { get; }

    /// <summary>The pools in force.</summary>
    public PoolSet Pools => _context.Pools;

    /// <summary>The class of Services that are ours.</summary>
    public string? LoadBalancerClass => _context.LoadBalancerClass;

    /// <summary>Names for communities.</summary>
    public IReadOnlyDictionary<string, BgpCommunity> Aliases => _context.Aliases;

    /// <summary>This node's name; empty while it is not known.</summary>
    public string Node => _context.Node?.Name ?? "";

    /// <summary><see cref="WithdrawalReason.None"/>, or why this node announces nothing.</summary>
    public WithdrawalReason Verdict =>
        _context.Node is not { } node ? WithdrawalReason.None
        : node.NetworkUnavailable ? WithdrawalReason.NodeNetworkUnavailable
        : !_context.IgnoreExcludeLabel && node.Labels.ContainsKey(Election.ExcludeLabel) ? WithdrawalReason.NodeLabeledExcludeBalancers
        : WithdrawalReason.None;

    /// <summary>Works a context out.</summary>
    public static BgpTerms Of(BgpContext context)
    {
        if (context.Node is not { } node)
            return new BgpTerms(context, [], []);
        List<BgpAdvertisement> advertisements =
            [.. context.Advertisements.Where(advertisement => advertisement.Selects(node)).OrderBy(advertisement => advertisement.Name, StringComparer.Ordinal)];
        var groups = new List<PeerGroup>();
        foreach (var peer in context.Peers.Where(peer => FieldRules.Selects(peer.NodeSelectors, node.Labels)).OrderBy(peer => peer.Name, StringComparer.Ordinal))
        {
            var alone = GroupOf(peer, node, advertisements, context.Policies);
            var index = groups.FindIndex(alone.HearsAs);
            if (index < 0)
                groups.Add(alone);
            else
                groups[index] = alone with { Peers = [.. groups[index].Peers, peer.Name] };
        }

        return new BgpTerms(context, advertisements, groups);
    }

    /// <summary>The advertisements for addresses of a pool, Services aside.</summary>
    public IReadOnlyList<BgpAdvertisement> For(AddressPool pool)
    {
        if (!_byPool.TryGetValue(pool, out var covering))
            _byPool[pool] = covering = [.. Advertisements.Where(advertisement => advertisement.Covers(pool) && advertisement.Fits(pool))];
        return covering;
    }

    /// <summary>One object for equal attributes: a hundred thousand routes have few different ones.</summary>
    public RouteAttributes Shared(RouteAttributes attributes)
    {
        if (_shared.TryGetValue(attributes, out var known))
            return known;
        // Link bandwidths and annotations come and go.
        if (_shared.Count == MostShared)
            _shared.Clear();
        return _shared[attributes] = attributes;
    }

    /// <summary>Whether every Service gets the same plan from both.</summary>
    public bool SameAs(BgpTerms other) =>
        ReferenceEquals(Pools, other.Pools) && LoadBalancerClass == other.LoadBalancerClass && Node == other.Node && Verdict == other.Verdict
        && Advertisements.Count == other.Advertisements.Count && Groups.SequenceEqual(other.Groups)
        && Advertisements.Zip(other.Advertisements).All(pair => ReferenceEquals(pair.First, pair.Second) || pair.First.ToString() == pair.Second.ToString())
        && SameAliases(Aliases, other.Aliases);

    private static PeerGroup GroupOf(BgpPeer peer, NodeFacts node, List<BgpAdvertisement> advertisements, IReadOnlyList<BgpPolicy> policies)
    {
        var policy = BgpPolicy.For(peer, node, policies);
        var reaching = advertisements.Where(advertisement => advertisement.Reaches(peer)).Select(advertisement => advertisement.Name);
        return new PeerGroup([peer.Name], reaching.ToHashSet(StringComparer.Ordinal), policy.Med, policy.Prepend, policy.BandwidthPerEndpoint);
    }

    private static bool SameAliases(IReadOnlyDictionary<string, BgpCommunity> one, IReadOnlyDictionary<string, BgpCommunity> other) =>
        ReferenceEquals(one, other) || (one.Count == other.Count && one.All(alias => other.TryGetValue(alias.Key, out var value) && value == alias.Value));
}
