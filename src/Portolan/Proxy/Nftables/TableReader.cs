using Portolan.Core.Addresses;
using Portolan.Core.Forwarding;
using Portolan.Linux.Nftables;

namespace Portolan.Proxy.Nftables;

/// <summary>Reads our table's elements back from the kernel. What is in it but not of a form we write is left out.</summary>
internal sealed class TableReader
{
    private const int MostExpected = 1 << 20;
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

    /// <summary>Connections that were sent to each real server of each set, since it has its slots there.</summary>
    internal static Dictionary<(uint Set, RealServer Server), ulong> ReadConnections(NftConnection connection, NftFamily family)
    {
        var reader = new TableReader(connection, family);
        var drawn = new Dictionary<(uint Set, RealServer Server), ulong>();
        var remembered = new Dictionary<(uint Set, RealServer Server), ulong>();
        reader.Elements(ShapeSets.Endpoints, drawn.Clear, element =>
        {
            if (TableKeys.ReadSlot(element.Key) is { } slot && TableKeys.ReadServer(element.Data, reader._family) is { } server)
                drawn[(slot.Set, server)] = drawn.GetValueOrDefault((slot.Set, server)) + element.Packets;
        });
        reader.Elements(ShapeSets.Members, remembered.Clear, element =>
        {
            if (TableKeys.ReadMember(element.Key, reader._family) is { } member)
                remembered[(member.Set, member.Server)] = element.Packets;
        });
        foreach (var (server, connections) in remembered)
            drawn[server] = drawn.GetValueOrDefault(server) + connections;
        return drawn;
    }

    private TableContents Read()
    {
        _contents.Fronts.EnsureCapacity(Count(ShapeSets.Fronts) + Count(ShapeSets.NodePorts));
        _contents.Endpoints.EnsureCapacity(Count(ShapeSets.Endpoints));
        _contents.Members.EnsureCapacity(Count(ShapeSets.Members));
        _contents.Hairpins.EnsureCapacity(Count(ShapeSets.Hairpins));
        _contents.Addresses.EnsureCapacity(Count(ShapeSets.Addresses));
        _contents.ClusterIPs.EnsureCapacity(Count(ShapeSets.ClusterIPs));
        ReadFronts(ShapeSets.Fronts, isNodePort: false);
        ReadFronts(ShapeSets.NodePorts, isNodePort: true);
        foreach (var map in ShapeSets.VerdictMaps)
            ReadVerdicts(map);
        Elements(ShapeSets.Endpoints, _contents.Endpoints.Clear, element =>
        {
            if (TableKeys.ReadSlot(element.Key) is { } slot && TableKeys.ReadServer(element.Data, _family) is { } server)
                _contents.Endpoints[slot] = server;
        });
        Elements(ShapeSets.Hairpins, _contents.Hairpins.Clear, element =>
        {
            if (element.Key.Length == 2 * _addressSize)
                _contents.Hairpins.Add(IpAddress.Read(element.Key[.._addressSize]));
        });
        Elements(ShapeSets.Members, _contents.Members.Clear, element =>
        {
            if (TableKeys.ReadMember(element.Key, _family) is { } member)
                _contents.Members.Add(member);
        });
        ReadAddresses(ShapeSets.Addresses, _contents.Addresses);
        ReadAddresses(ShapeSets.ClusterIPs, _contents.ClusterIPs);
        Elements(ShapeSets.SourceRanges, _contents.SourceRanges.Clear, element =>
        {
            // The kernel leaves the last key out where it is the first one.
            if (element.Key.Length == 4 + _addressSize && (element.KeyEnd.IsEmpty ? element.Key : element.KeyEnd) is var last && last.Length == element.Key.Length)
                _contents.SourceRanges.Add(new NumberedRange(TableKeys.ReadNumber(element.Key), new AddressRange(IpAddress.Read(element.Key[4..]), IpAddress.Read(last[4..]))));
        });
        ReadRanges(ShapeSets.ServiceCidrs, _contents.ServiceCidrs);
        ReadRanges(ShapeSets.ClusterCidrs, _contents.ClusterCidrs);
        ReadRanges(ShapeSets.NodePortAddresses, _contents.NodePortAddresses);
        return _contents;
    }

    private void ReadFronts(string map, bool isNodePort) => Elements(map, () => Forget(isNodePort), element =>
    {
        if (TableKeys.ReadFront(element.Key, _family) is { } front && TableKeys.ReadValue(element.Data) is { } value)
            _contents.Fronts[front] = value;
    });

    private void ReadVerdicts(string map)
    {
        var found = new Dictionary<uint, NftVerdict>();
        Elements(map, found.Clear, element => found[TableKeys.ReadNumber(element.Key)] = element.Verdict ?? default);
        foreach (var (number, verdict) in found)
            _contents.Verdicts[(map, number)] = verdict;
    }

    private void ReadAddresses(string set, HashSet<IpAddress> into) => Elements(set, into.Clear, element =>
    {
        if (element.Key.Length == _addressSize)
            into.Add(IpAddress.Read(element.Key));
    });

    private void ReadRanges(string set, HashSet<RangeEdge> into) => Elements(set, into.Clear, element =>
    {
        if (element.Key.Length == _addressSize)
            into.Add(new RangeEdge(IpAddress.Read(element.Key), element.IsIntervalEnd));
    });

    // A dump that starts again must forget what the interrupted one said, but not what came from the other map.
    private void Forget(bool isNodePort)
    {
        foreach (var front in _contents.Fronts.Keys.Where(front => front.IsNodePort == isNodePort).ToList())
            _contents.Fronts.Remove(front);
    }

    // How many there are about to be, as far as the kernel tells.
    private int Count(string set) =>
        _sets.Contains(set) && _connection.ElementCount(_nftFamily, Shape.Table, set) is { } count ? (int)Math.Min(count, MostExpected) : 0;

    private void Elements(string set, Action restart, NftElementHandler onElement)
    {
        if (_sets.Contains(set))
            _connection.Elements(_nftFamily, Shape.Table, set, restart, onElement);
    }
}
