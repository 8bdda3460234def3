using Portolan.Core.Addresses;
using Portolan.Core.Forwarding;
using Portolan.Linux.Nftables;

namespace Portolan.Proxy.Nftables;

/// <summary>Writes what leads from one state of the table to another into a transaction: first what goes, then what comes, map by map.</summary>
internal sealed class TableDifference
{
    private readonly NftBatch _batch;
    private readonly byte[] _key = new byte[TableKeys.MaxLength];
    private readonly byte[] _data = new byte[TableKeys.MaxLength];

    internal TableDifference(NftBatch batch) => _batch = batch;

    internal void Write(TableContents from, TableContents to)
    {
        Fronts(ShapeSets.Fronts, from.Fronts, to.Fronts, isNodePort: false);
        Fronts(ShapeSets.NodePorts, from.Fronts, to.Fronts, isNodePort: true);
        foreach (var ((map, number), verdict) in from.Verdicts)
        {
            if (!to.Verdicts.TryGetValue((map, number), out var wanted) || wanted != verdict)
                _batch.DeleteElement(map, TableKeys.Write(number, _key));
        }

        foreach (var ((map, number), verdict) in to.Verdicts)
        {
            if (!from.Verdicts.TryGetValue((map, number), out var found) || found != verdict)
                _batch.AddElement(map, TableKeys.Write(number, _key), verdict);
        }

        foreach (var (slot, server) in from.Endpoints)
        {
            if (!to.Endpoints.TryGetValue(slot, out var wanted) || wanted != server)
                _batch.DeleteElement(ShapeSets.Endpoints, TableKeys.Write(slot, _key));
        }

        foreach (var (slot, server) in to.Endpoints)
        {
            if (!from.Endpoints.TryGetValue(slot, out var found) || found != server)
                _batch.AddElement(ShapeSets.Endpoints, TableKeys.Write(slot, _key), TableKeys.Write(server, _data));
        }

        foreach (var member in from.Members)
        {
            if (!to.Members.Contains(member))
                _batch.DeleteElement(ShapeSets.Members, TableKeys.Write(member, _key));
        }

        foreach (var member in to.Members)
        {
            if (!from.Members.Contains(member))
                _batch.AddElement(ShapeSets.Members, TableKeys.Write(member, _key));
        }

        Addresses(ShapeSets.Hairpins, from.Hairpins, to.Hairpins, TableKeys.WriteHairpin);
        Addresses(ShapeSets.Addresses, from.Addresses, to.Addresses, TableKeys.Write);
        Addresses(ShapeSets.ClusterIPs, from.ClusterIPs, to.ClusterIPs, TableKeys.Write);
        foreach (var range in from.SourceRanges)
        {
            if (!to.SourceRanges.Contains(range))
                _batch.DeleteRange(ShapeSets.SourceRanges, TableKeys.Write(range.List, range.Range.First, _key), TableKeys.Write(range.List, range.Range.Last, _data));
        }

        foreach (var range in to.SourceRanges)
        {
            if (!from.SourceRanges.Contains(range))
                _batch.AddRange(ShapeSets.SourceRanges, TableKeys.Write(range.List, range.Range.First, _key), TableKeys.Write(range.List, range.Range.Last, _data));
        }

        Ranges(ShapeSets.ClusterCidrs, from.ClusterCidrs, to.ClusterCidrs);
        Ranges(ShapeSets.NodePortAddresses, from.NodePortAddresses, to.NodePortAddresses);
        Ranges(ShapeSets.ServiceCidrs, from.ServiceCidrs, to.ServiceCidrs);
    }

    /// <summary>Writes the elements of all Service ports, where the kernel has none of any.</summary>
    internal void WriteAll(Dictionary<ServicePortKey, PortSlots>.ValueCollection ports)
    {
        AllFronts(ShapeSets.Fronts, ports, isNodePort: false);
        AllFronts(ShapeSets.NodePorts, ports, isNodePort: true);
        foreach (var port in ports)
        {
            AllSlots(port.Id, port.ClusterSlots);
            AllSlots(port.Id | FrontValue.LocalSet, port.LocalSlots);
        }

        foreach (var port in ports)
        {
            AllMembers(port.Id, port.ClusterMembers);
            AllMembers(port.Id | FrontValue.LocalSet, port.LocalMembers);
        }
    }

    private void AllFronts(string map, Dictionary<ServicePortKey, PortSlots>.ValueCollection ports, bool isNodePort)
    {
        foreach (var port in ports)
        {
            foreach (ref readonly var server in port.VirtualServers)
            {
                if (server.Front.IsNodePort == isNodePort)
                    _batch.AddElement(map, TableKeys.Write(server.Front, _key), TableKeys.Write(port.Value(server), _data));
            }
        }
    }

    private void AllSlots(uint set, IReadOnlyList<RealServer> slots)
    {
        for (var slot = 0; slot < slots.Count; slot++)
            _batch.AddElement(ShapeSets.Endpoints, TableKeys.Write((set, (uint)slot), _key), TableKeys.Write(slots[slot], _data));
    }

    private void AllMembers(uint set, ReadOnlySpan<RealServer> members)
    {
        foreach (var server in members)
            _batch.AddElement(ShapeSets.Members, TableKeys.Write((server, set), _key));
    }

    /// <summary>Writes the addresses of all Service ports, where the kernel has none of any.</summary>
    internal void WriteAll(CountedSet<IpAddress> hairpins, CountedSet<IpAddress> addresses, CountedSet<IpAddress> clusterIPs)
    {
        foreach (var address in hairpins.Members)
            _batch.AddElement(ShapeSets.Hairpins, TableKeys.WriteHairpin(address, _key));
        foreach (var address in addresses.Members)
            _batch.AddElement(ShapeSets.Addresses, TableKeys.Write(address, _key));
        foreach (var address in clusterIPs.Members)
            _batch.AddElement(ShapeSets.ClusterIPs, TableKeys.Write(address, _key));
    }

    private void Fronts(string map, Dictionary<Front, FrontValue> from, Dictionary<Front, FrontValue> to, bool isNodePort)
    {
        foreach (var (front, value) in from)
        {
            if (front.IsNodePort == isNodePort && (!to.TryGetValue(front, out var wanted) || wanted != value))
                _batch.DeleteElement(map, TableKeys.Write(front, _key));
        }

        foreach (var (front, value) in to)
        {
            if (front.IsNodePort == isNodePort && (!from.TryGetValue(front, out var found) || found != value))
                _batch.AddElement(map, TableKeys.Write(front, _key), TableKeys.Write(value, _data));
        }
    }

    private delegate ReadOnlySpan<byte> KeyWriter(IpAddress address, Span<byte> buffer);

    private void Addresses(string set, HashSet<IpAddress> from, HashSet<IpAddress> to, KeyWriter write)
    {
        foreach (var address in from)
        {
            if (!to.Contains(address))
                _batch.DeleteElement(set, write(address, _key));
        }

        foreach (var address in to)
        {
            if (!from.Contains(address))
                _batch.AddElement(set, write(address, _key));
        }
    }

    // Ranges change only with the proxy's configuration, and an edge without its other half would mean something else: all or none.
    private void Ranges(string set, HashSet<RangeEdge> from, HashSet<RangeEdge> to)
    {
        if (from.SetEquals(to))
            return;
        if (from.Count > 0)
            _batch.FlushSet(set);
        foreach (var edge in to.OrderBy(edge => edge.Address).ThenByDescending(edge => edge.IsEnd))
            _batch.AddElement(set, TableKeys.Write(edge.Address, _key), edge.IsEnd);
    }
}
