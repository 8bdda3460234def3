using Portolan.Core.Addresses;

namespace Portolan.Proxy.Nftables;

/// <summary>What our tables depend on besides the Services. Prefixes of both families; each table takes its own.</summary>
internal sealed record TableSettings
{
    /// <summary>The pods' addresses, where they are told by address (<c>--detect-local-mode</c> ClusterCIDR or NodeCIDR).</summary>
    internal IReadOnlyList<IpPrefix> ClusterCidrs { get; init; } = [];

    /// <summary>The pods' bridge (BridgeInterface), or what the names of their interfaces begin with (InterfaceNamePrefix); null where they are told by address.</summary>
    internal string? PodInterface { get; init; }

    /// <summary><see cref="PodInterface"/> is only the beginning of the name.</summary>
    internal bool IsInterfacePrefix { get; init; }

    /// <summary>Which of the node's own addresses node ports answer at; never loopback.</summary>
    internal IReadOnlyList<IpPrefix> NodePortAddresses { get; init; } = [];

    /// <summary>The cluster's ranges for ClusterIPs: connections to addresses in them that no Service has are dropped.</summary>
    internal IReadOnlyList<IpPrefix> ServiceCidrs { get; init; } = [];

    /// <summary>By value, lists included.</summary>
    public bool Equals(TableSettings? other) => other is not null && PodInterface == other.PodInterface && IsInterfacePrefix == other.IsInterfacePrefix
        && ClusterCidrs.SequenceEqual(other.ClusterCidrs) && NodePortAddresses.SequenceEqual(other.NodePortAddresses) && ServiceCidrs.SequenceEqual(other.ServiceCidrs);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(ClusterCidrs.Count, PodInterface, NodePortAddresses.Count);
}
