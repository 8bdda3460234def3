using Portolan.Core.Addresses;
using Portolan.Core.Forwarding;
using Portolan.Linux.Nftables;

namespace Portolan.Proxy.Nftables;

/// <summary>
/// Our table of one family: remembers what it should hold, and brings the kernel there by one transaction a change.
/// After a refused transaction, or when somebody else changed the table, <see cref="Reconcile"/> compares everything with the kernel.
/// </summary>
internal sealed class NftablesTable
{
    private readonly NftConnection _connection;
    private readonly NftFamily _nftFamily;
    private readonly IpFamily _family;
    private readonly Shape _shape;
    private readonly NftBatch _batch;
    private readonly TableDifference _difference;
    private readonly RangeEdge[] _clusterCidrs;
    private readonly RangeEdge[] _nodePortAddresses;
    private readonly Dictionary<ServicePortKey, PortSlots> _ports = [];
    private readonly Dictionary<IpAddress, int> _hairpins = [];
    private readonly ServicePortIds _ids = new();
    private readonly TableContents _before = new();
    private readonly TableContents _after = new();

    internal NftablesTable(NftConnection connection, IpFamily family, IEnumerable<IpPrefix> clusterCidrs, IEnumerable<IpPrefix> nodePortAddresses)
    {
        _connection = connection;
        _family = family;
        _nftFamily = TableKeys.Family(family);
        _shape = new Shape(_nftFamily);
        _batch = new NftBatch(_nftFamily, Shape.Table);
        _difference = new TableDifference(_batch);
        _clusterCidrs = [.. RangeEdge.Of(clusterCidrs.Where(prefix => prefix.Address.Family == family))];
        _nodePortAddresses = [.. RangeEdge.Of(nodePortAddresses.Where(prefix => prefix.Address.Family == family))];
    }

    /// <summary>Brings the kernel from what we last told it to what is wanted now.</summary>
    /// <returns>The number of elements that changed.</returns>
    /// <exception cref="Linux.Netlink.NetlinkException">The kernel refused: nothing changed there, and <see cref="Reconcile"/> is due.</exception>
    internal int Apply(IReadOnlyCollection<ServicePortChange> changes)
    {
        _before.Clear();
        _after.Clear();
        foreach (var change in changes)
        {
            NoteHairpins(change.Old);
            NoteHairpins(change.New);
        }

        var touched = _before.Hairpins.ToList();
        _before.Hairpins.RemoveWhere(address => !_hairpins.ContainsKey(address));
        foreach (var change in changes)
        {
            if (change.Key.Family != _family)
                continue;
            var port = _ports.GetValueOrDefault(change.Key);
            port?.AddTo(_before);
            Remember(change.Key, port, change.Old, change.New)?.AddTo(_after);
        }

        foreach (var address in touched)
        {
            if (_hairpins.ContainsKey(address))
                _after.Hairpins.Add(address);
        }

        _batch.Reset();
        _difference.Write(_before, _after);
        _connection.Commit(_batch, "program the changed Services");
        return _batch.ElementCount;
    }

    private void NoteHairpins(ServicePortPlan? plan)
    {
        if (plan?.Key.Family != _family)
            return;
        foreach (var server in plan.Local.Servers)
            _before.Hairpins.Add(server.Address);
    }

    /// <summary>Compares the whole table with the kernel's and writes the difference. At the first call it takes over what an earlier process left there.</summary>
    /// <param name="plans">Every plan in force, of both families.</param>
    /// <returns>The number of messages sent: 0 where the kernel had it all.</returns>
    /// <exception cref="Linux.Netlink.NetlinkException">The kernel refused, or changed meanwhile (ERESTART): call again.</exception>
    internal int Reconcile(IEnumerable<ServicePortPlan> plans)
    {
        var generation = _connection.Generation();
        _batch.Reset(generation);
        ShapeInstaller.Repair(_connection, _nftFamily, _shape, _batch, out var rebuilt);
        var found = rebuilt.Count == _shape.Sets.Count ? new TableContents() : TableReader.Read(_connection, _nftFamily);

        var wanted = plans.Where(plan => plan.Key.Family == _family).ToDictionary(plan => plan.Key);
        foreach (var key in _ports.Keys.Where(key => !wanted.ContainsKey(key)).ToList())
            _ports.Remove(key);
        _ids.Restart(_ports.Values.Select(port => port.Id).Concat(found.Fronts.Values.Select(PortNumber)));
        _hairpins.Clear();
        var slots = found.Endpoints.ToLookup(endpoint => endpoint.Key.Set, endpoint => (endpoint.Key.Slot, endpoint.Value));
        var adopted = _ports.Values.Select(port => port.Id).ToHashSet();
        var after = new TableContents();
        foreach (var plan in wanted.Values.OrderBy(plan => plan.Key))
        {
            var port = _ports.GetValueOrDefault(plan.Key) ?? Adopt(plan, found, slots, adopted);
            Remember(plan.Key, port, null, plan)?.AddTo(after);
        }

        foreach (var (number, verdict) in _shape.Verdicts)
            after.Verdicts[number] = verdict;
        after.Hairpins.UnionWith(_hairpins.Keys);
        after.ClusterCidrs.UnionWith(_clusterCidrs);
        after.NodePortAddresses.UnionWith(_nodePortAddresses);
        _difference.Write(found, after);
        _connection.Commit(_batch, "program the table");
        _ids.Restart(_ports.Values.Select(port => port.Id));
        return _batch.Count;
    }

    /// <summary>A Service port that the kernel knows from before keeps its number and its real servers their slots.</summary>
    private static PortSlots? Adopt(ServicePortPlan plan, TableContents found, ILookup<uint, (uint Slot, RealServer Server)> slots, HashSet<uint> adopted)
    {
        foreach (var server in plan.VirtualServers)
        {
            if (!found.Fronts.TryGetValue(server.Front, out var value) || PortNumber(value) == 0 || !adopted.Add(PortNumber(value)))
                continue;
            var id = PortNumber(value);
            return new PortSlots(id, plan, InOrder(id), InOrder(id | FrontValue.LocalSet));
        }

        return null;

        RealServer[] InOrder(uint set) => [.. slots[set].OrderBy(slot => slot.Slot).Select(slot => slot.Server).Distinct()];
    }

    private static uint PortNumber(uint frontValue) => frontValue & FrontValue.SetMask & ~FrontValue.LocalSet;

    private PortSlots? Remember(ServicePortKey key, PortSlots? port, ServicePortPlan? old, ServicePortPlan? now)
    {
        foreach (var server in now?.Local.Servers ?? [])
            _hairpins[server.Address] = _hairpins.GetValueOrDefault(server.Address) + 1;
        foreach (var server in old?.Local.Servers ?? [])
        {
            if (--_hairpins[server.Address] == 0)
                _hairpins.Remove(server.Address);
        }

        if (now is null)
        {
            if (port is not null)
                _ids.Free(port.Id);
            _ports.Remove(key);
            return null;
        }

        return _ports[key] = port?.With(now) ?? new PortSlots(_ids.Take(), now, [], []).With(now);
    }
}
