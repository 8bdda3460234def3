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
        foreach (var isNodePort in (ReadOnlySpan<bool>)[false, true])
        {
            Numbers(isNodePort ? Shape.NodePorts : Shape.Fronts, from.Fronts, to.Fronts, isNodePort);
            Numbers(isNodePort ? Shape.ExternalNodePorts : Shape.ExternalFronts, from.ExternalFronts, to.ExternalFronts, isNodePort);
            Numbers(isNodePort ? Shape.InternalNodePorts : Shape.InternalFronts, from.InternalFronts, to.InternalFronts, isNodePort);
        }

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
                _batch.DeleteElement(Shape.Endpoints, TableKeys.Write(slot, _key));
        }

        foreach (var (slot, server) in to.Endpoints)
        {
            if (!from.Endpoints.TryGetValue(slot, out var found) || found != server)
                _batch.AddElement(Shape.Endpoints, TableKeys.Write(slot, _key), TableKeys.Write(server, _data));
        }

        foreach (var address in from.Hairpins)
        {
            if (!to.Hairpins.Contains(address))
                _batch.DeleteElement(Shape.Hairpins, TableKeys.WriteHairpin(address, _key));
        }

        foreach (var address in to.Hairpins)
        {
            if (!from.Hairpins.Contains(address))
                _batch.AddElement(Shape.Hairpins, TableKeys.WriteHairpin(address, _key));
        }

        Ranges(Shape.ClusterCidrs, from.ClusterCidrs, to.ClusterCidrs);
        Ranges(Shape.NodePortAddresses, from.NodePortAddresses, to.NodePortAddresses);
    }

    private void Numbers(string map, Dictionary<Front, uint> from, Dictionary<Front, uint> to, bool isNodePort)
    {
        foreach (var (front, number) in from)
        {
            if (front.IsNodePort == isNodePort && (!to.TryGetValue(front, out var wanted) || wanted != number))
                _batch.DeleteElement(map, TableKeys.Write(front, _key));
        }

        foreach (var (front, number) in to)
        {
            if (front.IsNodePort == isNodePort && (!from.TryGetValue(front, out var found) || found != number))
                _batch.AddElement(map, TableKeys.Write(front, _key), TableKeys.Write(number, _data));
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
