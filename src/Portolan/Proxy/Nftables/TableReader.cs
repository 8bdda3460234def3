using Portolan.Core.Addresses;
using Portolan.Core.Forwarding;
using Portolan.Linux.Nftables;

namespace Portolan.Proxy.Nftables;

/// <summary>Reads our table's elements back from the kernel. What is in it but not of a form we write is left out.</summary>
internal sealed class TableReader
{
    private readonly NftConnection _connection;
    private readonly NftFamily _nftFamily;
    private readonly IpFamily _family;
    private readonly int _addressSize;
    private readonly HashSet<string> _sets;
    private readonly TableContents _contents = new();

    private TableReader(NftConnection connection, NftFamily family)
    {
        _connection = connection;
        _nftFamily = family;
        _family = TableKeys.Family(family);
        _addressSize = IpAddress.Of(_family, 0).Size;
        _sets = [.. connection.Sets(family, Shape.Table).Select(set => set.Name)];
    }

    /// <summary>What the kernel has in our table of this family now; nothing where there is no such table.</summary>
    internal static TableContents Read(NftConnection connection, NftFamily family) => new TableReader(connection, family).Read();

    private TableContents Read()
    {
        ReadNumbers(Shape.Fronts, Shape.NodePorts, _contents.Fronts);
        ReadNumbers(Shape.ExternalFronts, Shape.ExternalNodePorts, _contents.ExternalFronts);
        ReadNumbers(Shape.InternalFronts, Shape.InternalNodePorts, _contents.InternalFronts);
        foreach (var map in (string[])[Shape.Actions, Shape.ExternalActions, Shape.InternalActions, Shape.Sources])
            ReadVerdicts(map);
        Elements(Shape.Endpoints, _contents.Endpoints.Clear, element =>
        {
            if (TableKeys.ReadSlot(element.Key) is { } slot && TableKeys.ReadServer(element.Data, _family) is { } server)
                _contents.Endpoints[slot] = server;
        });
        Elements(Shape.Hairpins, _contents.Hairpins.Clear, element =>
        {
            if (element.Key.Length == 2 * _addressSize)
                _contents.Hairpins.Add(IpAddress.Read(element.Key[.._addressSize]));
        });
        ReadRanges(Shape.ClusterCidrs, _contents.ClusterCidrs);
        ReadRanges(Shape.NodePortAddresses, _contents.NodePortAddresses);
        return _contents;
    }

    private void ReadNumbers(string fronts, string nodePorts, Dictionary<Front, uint> into)
    {
        Read(fronts, isNodePort: false);
        Read(nodePorts, isNodePort: true);

        void Read(string map, bool isNodePort) => Elements(map, () => Forget(into, isNodePort), element =>
        {
            if (TableKeys.ReadFront(element.Key, _family) is { } front)
                into[front] = TableKeys.ReadNumber(element.Data);
        });
    }

    private void ReadVerdicts(string map)
    {
        var found = new Dictionary<uint, NftVerdict>();
        Elements(map, found.Clear, element => found[TableKeys.ReadNumber(element.Key)] = element.Verdict ?? default);
        foreach (var (number, verdict) in found)
            _contents.Verdicts[(map, number)] = verdict;
    }

    private void ReadRanges(string set, HashSet<RangeEdge> into) => Elements(set, into.Clear, element =>
    {
        if (element.Key.Length == _addressSize)
            into.Add(new RangeEdge(IpAddress.Read(element.Key), element.IsIntervalEnd));
    });

    // A dump that starts again must forget what the interrupted one said, but not what came from the other map.
    private static void Forget(Dictionary<Front, uint> fronts, bool isNodePort)
    {
        foreach (var front in fronts.Keys.Where(front => front.IsNodePort == isNodePort).ToList())
            fronts.Remove(front);
    }

    private void Elements(string set, Action restart, NftElementHandler onElement)
    {
        if (_sets.Contains(set))
            _connection.Elements(_nftFamily, Shape.Table, set, restart, onElement);
    }
}
