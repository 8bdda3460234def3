using Portolan.Core.Addresses;
using Portolan.Core.Forwarding;
using Portolan.Linux.Nftables;

namespace Portolan.Proxy.Nftables;

/// <summary>The elements of our table in one family: what is, what was, or what should be. A front's form says which of two maps it is in.</summary>
internal sealed class TableContents
{
    /// <summary><see cref="ShapeSets.Fronts"/> and <see cref="ShapeSets.NodePorts"/>.</summary>
    internal Dictionary<Front, FrontValue> Fronts { get; } = [];

    /// <summary>The verdict maps.</summary>
    internal Dictionary<(string Map, uint Number), NftVerdict> Verdicts { get; } = [];

    /// <summary><see cref="ShapeSets.Endpoints"/>.</summary>
    internal Dictionary<(uint Set, uint Slot), RealServer> Endpoints { get; } = [];

    /// <summary><see cref="ShapeSets.Members"/>.</summary>
    internal HashSet<(RealServer Server, uint Set)> Members { get; } = [];

    /// <summary><see cref="ShapeSets.Addresses"/>.</summary>
    internal HashSet<IpAddress> Addresses { get; } = [];

    /// <summary><see cref="ShapeSets.ClusterIPs"/>.</summary>
    internal HashSet<IpAddress> ClusterIPs { get; } = [];

    /// <summary><see cref="ShapeSets.SourceRanges"/>.</summary>
    internal HashSet<NumberedRange> SourceRanges { get; } = [];

    /// <summary><see cref="ShapeSets.ServiceCidrs"/>.</summary>
    internal HashSet<RangeEdge> ServiceCidrs { get; } = [];

    /// <summary><see cref="ShapeSets.Hairpins"/>.</summary>
    internal HashSet<IpAddress> Hairpins { get; } = [];

    /// <summary><see cref="ShapeSets.ClusterCidrs"/>.</summary>
    internal HashSet<RangeEdge> ClusterCidrs { get; } = [];

    /// <summary><see cref="ShapeSets.NodePortAddresses"/>.</summary>
    internal HashSet<RangeEdge> NodePortAddresses { get; } = [];

    /// <summary>Nothing of any Service is there.</summary>
    internal bool IsWithoutServices =>
        Fronts.Count == 0 && Endpoints.Count == 0 && Members.Count == 0 && Addresses.Count == 0 && ClusterIPs.Count == 0 && Hairpins.Count == 0;

    internal void Clear()
    {
        Fronts.Clear();
        Members.Clear();
        Addresses.Clear();
        ClusterIPs.Clear();
        SourceRanges.Clear();
        ServiceCidrs.Clear();
        Verdicts.Clear();
        Endpoints.Clear();
        Hairpins.Clear();
        ClusterCidrs.Clear();
        NodePortAddresses.Clear();
    }
}
