using Portolan.Core.Addresses;

namespace Portolan.Core.Cluster;

/// <summary>What the plans need to know of a Node.</summary>
public sealed record NodeFacts
{
    /// <summary>The Node's name.</summary>
    public required string Name { get; init; }

    /// <summary><c>metadata.labels</c>.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = new Dictionary<string, string>();

    /// <summary><c>status.addresses</c> of type InternalIP.</summary>
    public IReadOnlyList<IpAddress> InternalIPs { get; init; } = [];

    /// <summary><c>spec.podCIDRs</c>.</summary>
    public IReadOnlyList<IpPrefix> PodCIDRs { get; init; } = [];

    /// <summary>The condition <c>Ready</c> is True.</summary>
    public bool Ready { get; init; }

    /// <summary>The condition <c>NetworkUnavailable</c> is True.</summary>
    public bool NetworkUnavailable { get; init; }

    /// <summary><c>spec.unschedulable</c>.</summary>
    public bool Unschedulable { get; init; }

    /// <summary><c>metadata.deletionTimestamp</c> is set.</summary>
    public bool Deleting { get; init; }

    /// <summary>The keys of <c>spec.taints</c>.</summary>
    public IReadOnlyList<string> TaintKeys { get; init; } = [];
}
