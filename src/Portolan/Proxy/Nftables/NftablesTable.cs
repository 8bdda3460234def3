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
    private readonly NftBatch _batch;
    private readonly TableDifference _difference;
    private readonly Dictionary<ServicePortKey, PortSlots> _ports = [];
    private readonly NumberPool _numbers = new(FrontValue.PortStep);
    private readonly SourceRangeLists _ranges = new();
    private readonly CountedSet<IpAddress> _hairpins = new();
    private readonly CountedSet<IpAddress> _addresses = new();
    private readonly CountedSet<IpAddress> _clusterIPs = new();
    private readonly CountedSet<int> _affinityTimes = new();
    private readonly HashSet<int> _affinityChains = [];
    private readonly TableContents _before = new();
    private readonly TableContents _after = new();
    private TableSettings _settings;
    private Shape _shape;

    internal NftablesTable(NftConnection connection, IpFamily family, TableSettings settings)
    {
        _connection = connection;
        _family = family;
        _nftFamily = TableKeys.Family(family);
        _settings = settings;
        _shape = new Shape(_nftFamily, settings);
        _batch = new NftBatch(_nftFamily, Shape.Table);
        _difference = new TableDifference(_batch);
    }

    /// <summary>What the table depends on besides the Services. A change takes effect with the next <see cref="Reconcile"/>.</summary>
    internal TableSettings Settings
    {
        get => _settings;
        set
        {
            if (_settings == value)
                return;
            _settings = value;
            _shape = new Shape(_nftFamily, value);
        }
    }

    /// <summary>Of which family the table is.</summary>
    internal IpFamily Family => _family;

    /// <summary>Brings the kernel from what we last told it to what is wanted now.</summary>
    /// <returns>The number of elements that changed.</returns>
    /// <exception cref="Linux.Netlink.NetlinkException">The kernel refused: nothing changed there, and <see cref="Reconcile"/> is due.</exception>
    internal int Apply(IReadOnlyCollection<ServicePortChange> changes)
    {
        _before.Clear();
        _after.Clear();
        _batch.Reset();
        foreach (var change in changes)
        {
            if (change.Key.Family != _family)
                continue;
            var port = _ports.GetValueOrDefault(change.Key);
            port?.AddTo(_before);
            Remember(change.Key, port, change.Old, change.New)?.AddTo(_after);
        }

        _hairpins.TakeChanges(_before.Hairpins, _after.Hairpins);
        _addresses.TakeChanges(_before.Addresses, _after.Addresses);
        _clusterIPs.TakeChanges(_before.ClusterIPs, _after.ClusterIPs);
        AddAffinityChains();
        _difference.Write(_before, _after);
        _connection.Commit(_batch, "program the changed Services");
        return _batch.ElementCount;
    }

    /// <summary>Compares the whole table with the kernel's and writes the difference. At the first call it takes over what an earlier process left there.</summary>
    /// <param name="plans">Every plan in force, of both families.</param>
    /// <returns>The number of messages sent: 0 where the kernel had it all.</returns>
    /// <exception cref="Linux.Netlink.NetlinkException">The kernel refused, or changed meanwhile (ERESTART): call again.</exception>
    internal int Reconcile(IEnumerable<ServicePortPlan> plans)
    {
        var wanted = plans.Where(plan => plan.Key.Family == _family).ToDictionary(plan => plan.Key);
        var generation = _connection.Generation();
        _batch.Reset(generation);
        int[] times = [.. wanted.Values.Select(plan => AffinityTime.Round(plan.AffinitySeconds)).Where(seconds => seconds > 0).Distinct().Order()];
        ShapeInstaller.Repair(_connection, _nftFamily, Shape.Table, _shape.Sets, [.. _shape.Chains, .. times.Select(_shape.AffinityChain)], _batch, out var rebuilt);
        var found = rebuilt.Count == _shape.Sets.Count ? new TableContents() : TableReader.Read(_connection, _nftFamily);

        foreach (var key in _ports.Keys.Where(key => !wanted.ContainsKey(key)).ToList())
            _ports.Remove(key);
        _numbers.Restart(_ports.Values.Select(port => port.Id).Concat(found.Fronts.Values.Select(value => value.Port)));
        _ranges.Restart(found.SourceRanges);
        _hairpins.Clear();
        _addresses.Clear();
        _clusterIPs.Clear();
        _affinityTimes.Clear();
        _affinityChains.Clear();
        _affinityChains.UnionWith(times);
        var slots = found.Endpoints.ToLookup(endpoint => endpoint.Key.Set, endpoint => (endpoint.Key.Slot, endpoint.Value));
        var adopted = _ports.Values.Select(port => port.Id).ToHashSet();
        var after = new TableContents();
        _after.Clear();
        foreach (var plan in wanted.Values.OrderBy(plan => plan.Key))
        {
            var port = _ports.GetValueOrDefault(plan.Key) ?? Adopt(plan, found, slots, adopted);
            Remember(plan.Key, port, null, plan)?.AddTo(after);
        }

        after.SourceRanges.UnionWith(_after.SourceRanges);
        _ranges.DropUnused();
        foreach (var (number, verdict) in _shape.Verdicts)
            after.Verdicts[number] = verdict;
        foreach (var (number, verdict) in times.Select(ShapeVerdicts.OfAffinity))
            after.Verdicts[number] = verdict;
        _hairpins.TakeChanges(_before.Hairpins, after.Hairpins);
        _addresses.TakeChanges(_before.Addresses, after.Addresses);
        _clusterIPs.TakeChanges(_before.ClusterIPs, after.ClusterIPs);
        after.ClusterCidrs.UnionWith(Edges(_settings.ClusterCidrs));
        after.NodePortAddresses.UnionWith(Edges([.. _settings.NodePortAddresses, .. _shape.LoopbackAddresses]));
        after.ServiceCidrs.UnionWith(Edges(_settings.ServiceCidrs));
        _difference.Write(found, after);
        _connection.Commit(_batch, "program the table");
        _numbers.Restart(_ports.Values.Select(port => port.Id));
        return _batch.Count;
    }

    private IEnumerable<RangeEdge> Edges(IEnumerable<IpPrefix> prefixes) => RangeEdge.Of(prefixes.Where(prefix => prefix.Address.Family == _family));

    /// <summary>A Service port that the kernel knows from before keeps its number and its real servers their slots.</summary>
    private static PortSlots? Adopt(ServicePortPlan plan, TableContents found, ILookup<uint, (uint Slot, RealServer Server)> slots, HashSet<uint> adopted)
    {
        foreach (var server in plan.VirtualServers)
        {
            if (!found.Fronts.TryGetValue(server.Front, out var value) || value.Port == 0 || value.Affinity != AffinityTime.Round(plan.AffinitySeconds)
                || !adopted.Add(value.Port))
                continue;
            return new PortSlots(value.Port, plan, InOrder(value.Port), InOrder(value.Port | FrontValue.LocalSet));
        }

        return null;

        RealServer[] InOrder(uint set) => [.. slots[set].OrderBy(slot => slot.Slot).Select(slot => slot.Server)];
    }

    private void AddAffinityChains()
    {
        foreach (var seconds in _affinityTimes.Members)
        {
            if (!_affinityChains.Add(seconds))
                continue;
            ShapeInstaller.Add(_shape.AffinityChain(seconds), _batch);
            var (key, verdict) = ShapeVerdicts.OfAffinity(seconds);
            _after.Verdicts[key] = verdict;
        }
    }

    private PortSlots? Remember(ServicePortKey key, PortSlots? port, ServicePortPlan? old, ServicePortPlan? now)
    {
        var ranges = _ranges.Add(now?.SourceRanges, _after.SourceRanges);
        if (now is not null)
            Count(now);
        if (old is not null)
            Uncount(old);
        if (now is null)
        {
            if (port is not null)
                _numbers.Free(port.Id);
            _ports.Remove(key);
            return null;
        }

        // Clients that are remembered by the old number are forgotten with it.
        if (port is not null && old is { AffinitySeconds: > 0 } && old.AffinitySeconds != now.AffinitySeconds)
        {
            _numbers.Free(port.Id);
            port = null;
        }

        return _ports[key] = (port ?? new PortSlots(_numbers.Take(), now, [], [])).With(now, ranges);
    }

    private void Count(ServicePortPlan plan)
    {
        foreach (var server in plan.Local.Servers)
            _hairpins.Add(server.Address);
        foreach (var server in plan.VirtualServers)
        {
            if (IsOurs(server.Kind))
                _addresses.Add(server.Front.Address);
            if (server.Masquerade is MasqueradePolicy.OffCluster)
                _clusterIPs.Add(server.Front.Address);
        }

        if (plan.AffinitySeconds > 0)
            _affinityTimes.Add(AffinityTime.Round(plan.AffinitySeconds));
    }

    private void Uncount(ServicePortPlan plan)
    {
        foreach (var server in plan.Local.Servers)
            _hairpins.Remove(server.Address);
        foreach (var server in plan.VirtualServers)
        {
            if (IsOurs(server.Kind))
                _addresses.Remove(server.Front.Address);
            if (server.Masquerade is MasqueradePolicy.OffCluster)
                _clusterIPs.Remove(server.Front.Address);
        }

        if (plan.AffinitySeconds > 0)
            _affinityTimes.Remove(AffinityTime.Round(plan.AffinitySeconds));
        _ranges.Remove(plan.SourceRanges, _before.SourceRanges);
    }

    // An external IP may be any host's: its other ports are none of our business.
    private static bool IsOurs(FrontKind kind) => kind is FrontKind.ClusterIP or FrontKind.LoadBalancer;
}
