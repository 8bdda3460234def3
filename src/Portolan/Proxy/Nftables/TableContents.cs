using Portolan.Core.Addresses;
using Portolan.Core.Forwarding;
using Portolan.Linux.Nftables;

namespace Portolan.Proxy.Nftables;

/// <summary>The elements of our table in one family: what is, what was, or what should be. A front's form says which of two maps it is in.</summary>
internal sealed class TableContents
{
    /// <summary><see cref="Shape.Fronts"/> and <see cref="Shape.NodePorts"/>.</summary>
    internal Dictionary<Front, uint> Fronts { get; } = [];

    /// <summary><see cref="Shape.ExternalFronts"/> and <see cref="Shape.ExternalNodePorts"/>.</summary>
    internal Dictionary<Front, uint> ExternalFronts { get; } = [];

    /// <summary><see cref="Shape.InternalFronts"/> and <see cref="Shape.InternalNodePorts"/>.</summary>
    internal Dictionary<Front, uint> InternalFronts { get; } = [];

    /// <summary>The verdict maps.</summary>
    internal Dictionary<(string Map, uint Number), NftVerdict> Verdicts { get; } = [];

    /// <summary><see cref="Shape.Endpoints"/>.</summary>
    internal Dictionary<(uint Set, uint Slot), RealServer> Endpoints { get; } = [];

    /// <summary><see cref="Shape.Hairpins"/>.</summary>
    internal HashSet<IpAddress> Hairpins { get; } = [];

    /// <summary><see cref="Shape.ClusterCidrs"/>.</summary>
    internal HashSet<RangeEdge> ClusterCidrs { get; } = [];

    /// <summary><see cref="Shape.NodePortAddresses"/>.</summary>
    internal HashSet<RangeEdge> NodePortAddresses { get; } = [];

    internal void Clear()
    {
        Fronts.Clear();
        ExternalFronts.Clear();
        InternalFronts.Clear();
        Verdicts.Clear();
        Endpoints.Clear();
        Hairpins.Clear();
        ClusterCidrs.Clear();
        NodePortAddresses.Clear();
    }
}

/// <summary>Where a range of addresses starts, or the first address after it.</summary>
internal readonly record struct RangeEdge(IpAddress Address, bool IsEnd)
{
    /// <summary>The edges of what these prefixes of one family cover together; overlapping and adjacent ones become one range.</summary>
    internal static IEnumerable<RangeEdge> Of(IEnumerable<IpPrefix> prefixes)
    {
        IpAddress? start = null, last = null;
        foreach (var prefix in prefixes.OrderBy(prefix => prefix.Address).ThenBy(prefix => prefix.Length))
        {
            if (last is { } before && (prefix.Address <= before || Next(before) == prefix.Address))
            {
                last = prefix.Last > before ? prefix.Last : before;
                continue;
            }

            foreach (var edge in Close(start, last))
                yield return edge;
            (start, last) = (prefix.Address, prefix.Last);
        }

        foreach (var edge in Close(start, last))
            yield return edge;
    }

    private static IEnumerable<RangeEdge> Close(IpAddress? start, IpAddress? last)
    {
        if (start is { } from)
            yield return new RangeEdge(from, false);
        if (last is { } to && Next(to) is { } end)
            yield return new RangeEdge(end, true);
    }

    // A range up to the family's highest address has no end.
    private static IpAddress? Next(IpAddress address) =>
        address.Value == (address.IsIPv4 ? uint.MaxValue : UInt128.MaxValue) ? null : IpAddress.Of(address.Family, address.Value + 1);
}
