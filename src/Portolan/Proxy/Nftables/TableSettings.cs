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

    /// <summary>The node's own address in each family whose node ports answer at loopback, too: what is sent to them there leaves with it.</summary>
    internal IReadOnlyList<IpAddress> LoopbackSources { get; init; } = [];

    /// <summary>The cluster's ranges for ClusterIPs: connections to addresses in them that no Service has are dropped. Null: not known yet, what the kernel has stays.</summary>
    internal IReadOnlyList<IpPrefix>? ServiceCidrs { get; init; } = [];

    /// <summary>
    /// The bit of a packet's mark that says, between routing decisions, that its source address is to be replaced (0..31; kube-proxy's
    /// <c>masqueradeBit</c>). The bit after it is used likewise for clients to be remembered. Only the first packet of a connection carries them.
    /// </summary>
    internal int MasqueradeBit { get; init; } = 14;

    /// <summary>
    /// Clients with affinity that are remembered at once in a family, some 150 bytes each: who comes when there are so many is balanced as without affinity.
    /// </summary>
    internal uint MaxAffinityClients { get; init; } = 1 << 20;

    /// <summary>
    /// Connections are left to IPVS where that can serve them: what is done here is what it has no notion of (who may come in, whose source address is replaced,
    /// clients inside the cluster that get other real servers than those outside).
    /// </summary>
    internal bool LeavesToIpvs { get; init; }

    /// <summary>Addresses of Services that this node has otherwise, too: their other ports are the node's business. Needed where <see cref="LeavesToIpvs"/>.</summary>
    internal IReadOnlySet<IpAddress> OwnAddresses { get; init; } = new HashSet<IpAddress>();

    /// <summary>By value, lists included.</summary>
    public bool Equals(TableSettings? other) => other is not null && MasqueradeBit == other.MasqueradeBit && MaxAffinityClients == other.MaxAffinityClients && PodInterface == other.PodInterface && IsInterfacePrefix == other.IsInterfacePrefix
        && ClusterCidrs.SequenceEqual(other.ClusterCidrs) && NodePortAddresses.SequenceEqual(other.NodePortAddresses) && (ServiceCidrs is null ? other.ServiceCidrs is null : other.ServiceCidrs is { } cidrs && ServiceCidrs.SequenceEqual(cidrs))
        && LoopbackSources.SequenceEqual(other.LoopbackSources) && LeavesToIpvs == other.LeavesToIpvs && OwnAddresses.SetEquals(other.OwnAddresses);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(ClusterCidrs.Count, PodInterface, NodePortAddresses.Count);
}
