using Portolan.Core.Addresses;
using Portolan.Core.Forwarding;
using Portolan.Linux.Netlink;
using Portolan.Linux.Nftables;

namespace Portolan.Proxy.Nftables;

/// <summary>
/// Our table of one family: remembers what it should hold, and brings the kernel there by one transaction a change.
/// After a refused transaction, or when somebody else changed the table, <see cref="Reconcile"/> compares everything with the kernel.
/// </summary>
internal sealed class NftablesTable
{
    private const int MostSpare = 32;
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
    private readonly HashSet<NeededVerdict> _needed = [];
    private readonly HashSet<string> _onDemand = [];
    private readonly List<NeededVerdict> _newlyNeeded = [];
    private readonly Action<ShapeChain> _addChain;
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
        _addChain = chain => ShapeInstaller.Add(chain, _batch);
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
    /// <exception cref="NetlinkException">The kernel refused: nothing changed there, and <see cref="Reconcile"/> is due.</exception>
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
        Need(_after, _addChain);
        _difference.Write(_before, _after);
        _connection.Commit(_batch, "program the changed Services");
        return _batch.ElementCount;
    }

    /// <summary>Compares the whole table with the kernel's and writes the difference. At the first call it takes over what an earlier process left there.</summary>
    /// <param name="plans">Every plan in force, of both families.</param>
    /// <returns>The number of messages sent: 0 where the kernel had it all.</returns>
    /// <exception cref="NetlinkException">The kernel refused, or changed meanwhile (ERESTART): call again.</exception>
    internal int Reconcile(IEnumerable<ServicePortPlan> plans)
    {
        var wanted = plans.Where(plan => plan.Key.Family == _family).ToDictionary(plan => plan.Key);
        var generation = _connection.Generation();
        _batch.Reset(generation);
        var installer = ShapeInstaller.Read(_connection, _nftFamily, Shape.Table, _shape.Sets, _shape.Chains);
        var found = installer.StartsAnew ? new TableContents() : TableReader.Read(_connection, _nftFamily);

        foreach (var key in _ports.Keys.Where(key => !wanted.ContainsKey(key)).ToList())
            _ports.Remove(key);
        _numbers.Restart(_ports.Values.Select(port => port.Id).Concat(found.Fronts.Values.Select(value => value.Port)));
        _ranges.Restart(found.SourceRanges);
        _hairpins.Clear();
        _addresses.Clear();
        _clusterIPs.Clear();
        _needed.Clear();
        _onDemand.Clear();
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
        _hairpins.TakeChanges(_before.Hairpins, after.Hairpins);
        _addresses.TakeChanges(_before.Addresses, after.Addresses);
        _clusterIPs.TakeChanges(_before.ClusterIPs, after.ClusterIPs);
        after.ClusterCidrs.UnionWith(Edges(_settings.ClusterCidrs));
        after.NodePortAddresses.UnionWith(Edges([.. _settings.NodePortAddresses, .. _shape.LoopbackAddresses]));
        after.ServiceCidrs.UnionWith(Edges(_settings.ServiceCidrs));
        var chains = new List<ShapeChain>();
        Need(after, chains.Add);
        KeepSpare(found, after, chains);
        installer.Write(chains, found.Verdicts.Values.Select(verdict => verdict.Chain), _batch);
        _difference.Write(found, after);
        _connection.Commit(_batch, "program the table");
        var messages = _batch.Count;
        DeleteLeft(installer);
        _numbers.Restart(_ports.Values.Select(port => port.Id));
        return messages;
    }

    /// <summary>Whether as many clients are remembered as can be; false where the kernel does not count (before Linux 6.16).</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    internal bool IsAffinityFull() => _connection.ElementCount(_nftFamily, Shape.Table, ShapeSets.Affinity) >= _settings.MaxAffinityClients;

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

    // On its own: a chain that somebody else's rule leads to cannot go, and must not hold up anything.
    private void DeleteLeft(ShapeInstaller installer)
    {
        foreach (var name in installer.Left)
        {
            _batch.Reset();
            _batch.DeleteChain(name);
            try
            {
                _connection.Commit(_batch, "delete a chain that nothing needs");
            }
            catch (NetlinkException refusal) when (refusal.Errno == Errors.Busy || refusal.IsNotFound)
            {
                // It stays, or is gone.
            }
        }
    }

    // What is not needed just now may be again soon, when the last rolling update is undone; a few spare chains cost nothing, many make each element dearer.
    private void KeepSpare(TableContents found, TableContents after, List<ShapeChain> chains)
    {
        var spare = new List<(NeededVerdict Verdict, ShapeChain Chain)>();
        foreach (var ((map, number), verdict) in found.Verdicts)
        {
            if (!after.Verdicts.ContainsKey((map, number)) && NeededVerdict.From(map, number) is { } known && known.Chain(_shape) is var chain && chain.Name == verdict.Chain)
                spare.Add((known, chain));
        }

        if (spare.Count > MostSpare)
            return;
        foreach (var (verdict, chain) in spare)
        {
            _needed.Add(verdict);
            after.Verdicts[(ShapeSets.VerdictMaps[(int)verdict.Map], verdict.Number)] = ShapeVerdicts.Goto(chain.Name);
            if (_onDemand.Add(chain.Name))
                chains.Add(chain);
        }
    }

    // What the fronts in these contents need for the first time since the last comparison with the kernel.
    private void Need(TableContents contents, Action<ShapeChain> onNewChain)
    {
        _newlyNeeded.Clear();
        foreach (var (front, value) in contents.Fronts)
            NeededVerdict.Collect(front.IsNodePort, value, _needed, _newlyNeeded);
        foreach (var verdict in _newlyNeeded)
        {
            var chain = verdict.Chain(_shape);
            contents.Verdicts[(ShapeSets.VerdictMaps[(int)verdict.Map], verdict.Number)] = ShapeVerdicts.Goto(chain.Name);
            if (_onDemand.Add(chain.Name))
                onNewChain(chain);
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
            var another = _numbers.Take(); // before the old one is free: it could be the same
            _numbers.Free(port.Id);
            port = new PortSlots(another, now, [], []);
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

        _ranges.Remove(plan.SourceRanges, _before.SourceRanges);
    }

    // An external IP may be any host's: its other ports are none of our business.
    private static bool IsOurs(FrontKind kind) => kind is FrontKind.ClusterIP or FrontKind.LoadBalancer;
}
