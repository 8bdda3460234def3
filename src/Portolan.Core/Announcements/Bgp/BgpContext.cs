using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Configuration;

namespace Portolan.Core.Announcements.Bgp;

/// <summary>What the routes of every Service depend on besides the Service itself. Only this node matters: BGP speakers do not agree with each other on anything.</summary>
public sealed record BgpContext
{
    /// <summary>Nothing known yet.</summary>
    public static readonly BgpContext Empty = new();

    /// <summary>The pools in force.</summary>
    public PoolSet Pools { get; init; } = PoolSet.Empty;

    /// <summary>The BGPAdvertisements in force.</summary>
    public IReadOnlyList<BgpAdvertisement> Advertisements { get; init; } = [];

    /// <summary>The BGPPeers in force; those that do not select the node do not count.</summary>
    public IReadOnlyList<BgpPeer> Peers { get; init; } = [];

    /// <summary>The BGPPolicies in force.</summary>
    public IReadOnlyList<BgpPolicy> Policies { get; init; } = [];

    /// <summary>What the names stand for that Communities give to values.</summary>
    public IReadOnlyDictionary<string, BgpCommunity> Aliases { get; init; } = new Dictionary<string, BgpCommunity>();

    /// <summary>Our own node; null while it is not known, and nothing is announced.</summary>
    public NodeFacts? Node { get; init; }

    /// <summary>A node labelled as excluded from load balancers announces nevertheless (<c>--ignore-exclude-lb</c>).</summary>
    public bool IgnoreExcludeLabel { get; init; }

    /// <summary>The Services that are ours: with exactly this loadBalancerClass, or, when null, with none.</summary>
    public string? LoadBalancerClass { get; init; }

    /// <summary>The same, with everything that users configure as it is in force now.</summary>
    public BgpContext With(ConfigurationSet configuration) => this with
    {
        Pools = configuration.Pools,
        Advertisements = [.. configuration.BgpAdvertisements.Values],
        Peers = [.. configuration.BgpPeers.Values],
        Policies = [.. configuration.BgpPolicies.Values],
        Aliases = ConfigurationSet.Aliases(configuration.Communities.Values),
    };
}
