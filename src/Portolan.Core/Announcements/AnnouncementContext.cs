using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Core.Announcements;

/// <summary>What the announcement of every Service depends on besides the Service itself. Two speakers with equal contexts elect the same nodes.</summary>
public sealed record AnnouncementContext
{
    /// <summary>Nothing known yet.</summary>
    public static readonly AnnouncementContext Empty = new();

    /// <summary>The pools in force.</summary>
    public PoolSet Pools { get; init; } = PoolSet.Empty;

    /// <summary>The L2Advertisements in force.</summary>
    public IReadOnlyList<Layer2Advertisement> Advertisements { get; init; } = [];

    /// <summary>The cluster's nodes.</summary>
    public IReadOnlyList<NodeFacts> Nodes { get; init; } = [];

    /// <summary>The nodes whose speakers live, by name.</summary>
    public IReadOnlySet<string> LivingSpeakers { get; init; } = new HashSet<string>();

    /// <summary>What the living speakers say of their own nodes; one that is missing says that all is well.</summary>
    public IReadOnlyDictionary<string, NodeReport> Reports { get; init; } = new Dictionary<string, NodeReport>();

    /// <summary>The AnnouncementPolicies in force, by name.</summary>
    public IReadOnlyList<AnnouncementPolicy> Policies { get; init; } = [];

    /// <summary>Nodes labelled as excluded from load balancers count nevertheless (<c>--ignore-exclude-lb</c>).</summary>
    public bool IgnoreExcludeLabel { get; init; }

    /// <summary>The Services that are ours: with exactly this loadBalancerClass, or, when null, with none.</summary>
    public string? LoadBalancerClass { get; init; }
}
