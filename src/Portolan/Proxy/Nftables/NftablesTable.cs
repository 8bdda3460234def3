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
    private Dictionary<ServicePortKey, PortSlots> _ports = [];
    private TableSettings _settings;
    private bool _isFull; // a set has no room for what is wanted
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
            if (Remember(change.Key, port, change.Old, change.New) is not { } now)
                continue;
            now.AddTo(_after);
            Need(now);
        }

        _hairpins.TakeChanges(_before.Hairpins, _after.Hairpins);
        _addresses.TakeChanges(_before.Addresses, _after.Addresses);
        _clusterIPs.TakeChanges(_before.ClusterIPs, _after.ClusterIPs);
        TakeNeeded(_after, _addChain);
        _difference.Write(_before, _after);
        Commit("program the changed Services");
        return _batch.ElementCount;
    }

    /// <summary>Compares the whole table with the kernel's and writes the difference. At the first call it takes over what an earlier process left there.</summary>
    /// <param name="plans">Every plan in force, of both families.</param>
    /// <returns>The number of messages sent: 0 where the kernel had it all.</returns>
    /// <exception cref="NetlinkException">The kernel refused, or changed meanwhile (ERESTART): call again.</exception>
    internal int Reconcile(IEnumerable<ServicePortPlan> plans)
    {
        if (_isFull)
            Widen();
        var wanted = TableSize.Of(plans, _family);
        var generation = _connection.Generation();
        _batch.Reset(generation);
        var installer = ShapeInstaller.Read(_connection, _nftFamily, Shape.Table, _isFull ? _shape.UnlimitedSets : wanted.Fit(_shape.Sets), _shape.Chains);
        var found = installer.StartsAnew ? new TableContents() : TableReader.Read(_connection, _nftFamily);
        var isFirst = found.IsWithoutServices;

        Remember(wanted, found);
        var after = new TableContents();
        foreach (var port in _ports.Values)
            Need(port);
        var chains = new List<ShapeChain>();
        TakeNeeded(after, chains.Add);
        foreach (var (number, verdict) in _shape.Verdicts)
            after.Verdicts[number] = verdict;
        after.SourceRanges.UnionWith(_after.SourceRanges);
        after.ClusterCidrs.UnionWith(Edges(_settings.ClusterCidrs));
        after.NodePortAddresses.UnionWith(Edges([.. _settings.NodePortAddresses, .. _shape.LoopbackAddresses]));
        after.ServiceCidrs.UnionWith(_settings.ServiceCidrs is { } ranges ? Edges(ranges) : found.ServiceCidrs);
        KeepSpare(found, after, chains);
        if (isFirst)
            _batch.Expect(wanted.Bytes);
        installer.Write(chains, found.Verdicts.Values.Select(verdict => verdict.Chain), _batch);
        if (isFirst)
        {
            _difference.WriteAll(_ports.Values);
            _difference.WriteAll(_hairpins, _addresses, _clusterIPs);
        }
        else
        {
            foreach (var port in _ports.Values)
                port.AddTo(after, found);
            _hairpins.AddTo(after.Hairpins, found.Hairpins);
            _addresses.AddTo(after.Addresses, found.Addresses);
            _clusterIPs.AddTo(after.ClusterIPs, found.ClusterIPs);
        }

        _difference.Write(found, after);
        Commit("program the table");
        _isFull = false;
        var messages = _batch.Count;
        DeleteLeft(installer);
        _numbers.Restart(_ports.Values.Select(port => port.Id));
        return messages;
    }

    private void Commit(string operation)
    {
        try
        {
            _connection.Commit(_batch, operation);
        }
        catch (NetlinkException refusal) when (refusal.Errno == Errors.SetFull)
        {
            _isFull = true;
            throw;
        }
    }

    // Room for what does not fit any more. The kernel widens a set in place from Linux 6.5 on, and then searches it a little longer; before, it refuses or
    // ignores this, and the table is made anew: it forgets its clients with affinity and its counts.
    private void Widen()
    {
        _batch.Reset();
        foreach (var set in _connection.Sets(_nftFamily, Shape.Table))
        {
            if (ShapeSets.GrowsWithServices(set.Name) && !ShapeSets.IsUnlimited(set))
                _batch.AddSet(set with { Size = ShapeSets.Unlimited });
        }

        try
        {
            _connection.Commit(_batch, "widen the sets that are full");
        }
        catch (NetlinkException refusal) when (refusal.Errno is Errors.Exists or Errors.NotSupported)
        {
            // An older kernel.
        }
    }

    // Every plan in force, with the numbers and the slots that this process or an earlier one gave it.
    private void Remember(TableSize wanted, TableContents found)
    {
        var (known, adopted) = (_ports, new HashSet<uint>());
        _ports = new Dictionary<ServicePortKey, PortSlots>(wanted.Plans.Count);
        if (known.Count > 0)
        {
            foreach (var plan in wanted.Plans)
            {
                if (known.TryGetValue(plan.Key, out var port) && adopted.Add(port.Id))
                    _ports.Add(plan.Key, port);
            }
        }

        _numbers.Restart(adopted.Concat(found.Fronts.Values.Select(value => value.Port)));
        _ranges.Restart(found.SourceRanges);
        _needed.Clear();
        _onDemand.Clear();
        _after.Clear();
        _hairpins.BeginFilling(wanted.LocalServers);
        _addresses.BeginFilling(wanted.Fronts);
        _clusterIPs.BeginFilling(wanted.Plans.Count);
        foreach (var plan in wanted.Plans)
            Remember(plan.Key, _ports.GetValueOrDefault(plan.Key) ?? Adopt(plan, found, adopted), null, plan);
        _hairpins.EndFilling();
        _addresses.EndFilling();
        _clusterIPs.EndFilling();
        _ranges.DropUnused();
    }

    /// <summary>Whether as many clients are remembered as can be; false where the kernel does not count (before Linux 6.16).</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    internal bool IsAffinityFull() => _connection.ElementCount(_nftFamily, Shape.Table, ShapeSets.Affinity) >= _settings.MaxAffinityClients;

    private IEnumerable<RangeEdge> Edges(IEnumerable<IpPrefix> prefixes) => RangeEdge.Of(prefixes.Where(prefix => prefix.Address.Family == _family));

    /// <summary>A Service port that the kernel knows from before keeps its number and its real servers their slots.</summary>
    private static PortSlots? Adopt(ServicePortPlan plan, TableContents found, HashSet<uint> adopted)
    {
        if (found.Fronts.Count == 0)
            return null;
        foreach (var server in plan.VirtualServers)
        {
            if (!found.Fronts.TryGetValue(server.Front, out var value) || value.Port == 0 || value.Affinity != AffinityTime.Round(plan.AffinitySeconds)
                || !adopted.Add(value.Port))
                continue;
            return new PortSlots(value.Port, plan, InOrder(value.Port), InOrder(value.Port | FrontValue.LocalSet));
        }

        return null;

        List<RealServer> InOrder(uint set)
        {
            var slots = new List<RealServer>();
            while (found.Endpoints.TryGetValue((set, (uint)slots.Count), out var server))
                slots.Add(server);
            return slots;
        }
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

    // What the fronts of a Service port need for the first time since the last comparison with the kernel.
    private void Need(PortSlots port)
    {
        foreach (ref readonly var server in port.VirtualServers)
            NeededVerdict.Collect(server.Front.IsNodePort, port.Value(server), _needed, _newlyNeeded);
    }

    private void TakeNeeded(TableContents contents, Action<ShapeChain> onNewChain)
    {
        foreach (var verdict in _newlyNeeded)
        {
            var chain = verdict.Chain(_shape);
            contents.Verdicts[(ShapeSets.VerdictMaps[(int)verdict.Map], verdict.Number)] = ShapeVerdicts.Goto(chain.Name);
            if (_onDemand.Add(chain.Name))
                onNewChain(chain);
        }

        _newlyNeeded.Clear();
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

        return _ports[key] = (port ?? new PortSlots(_numbers.Take(), now, [], [])).With(now, ranges, _settings.LeavesToIpvs);
    }

    private void Count(ServicePortPlan plan)
    {
        foreach (var server in plan.Local.Servers)
            _hairpins.Add(server.Address);
        foreach (var server in plan.VirtualServers)
        {
            if (IsOurs(server))
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
            if (IsOurs(server))
                _addresses.Remove(server.Front.Address);
            if (server.Masquerade is MasqueradePolicy.OffCluster)
                _clusterIPs.Remove(server.Front.Address);
        }

        _ranges.Remove(plan.SourceRanges, _before.SourceRanges);
    }

    // An external IP may be any host's: its other ports are none of our business. Where IPVS forwards, it is made this node's, unless it is already.
    private bool IsOurs(in VirtualServer server) => _settings.LeavesToIpvs
        ? server.Kind is not FrontKind.NodePort && !_settings.OwnAddresses.Contains(server.Front.Address)
        : server.Kind is FrontKind.ClusterIP or FrontKind.LoadBalancer;
}
