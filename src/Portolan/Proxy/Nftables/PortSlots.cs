using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;

namespace Portolan.Proxy.Nftables;

/// <summary>A Service port as the table holds it: its number, its plan, and which real server is in which slot of its two sets.</summary>
internal sealed class PortSlots
{
    private readonly ServicePortPlan _plan;
    private readonly IReadOnlyList<RealServer> _cluster;
    private readonly IReadOnlyList<RealServer> _local;
    private readonly uint _ranges;
    private readonly int _affinitySeconds;
    private readonly bool _leavesToIpvs;

    internal PortSlots(uint id, ServicePortPlan plan, IReadOnlyList<RealServer> cluster, IReadOnlyList<RealServer> local, uint ranges = 0, bool leavesToIpvs = false)
    {
        _leavesToIpvs = leavesToIpvs;
        Id = id;
        _plan = plan;
        _cluster = cluster;
        _local = local;
        _ranges = ranges;
        _affinitySeconds = AffinityTime.Round(plan.AffinitySeconds);
    }

    /// <summary>The number of the cluster's real server set; <see cref="FrontValue.LocalSet"/> more is this node's.</summary>
    internal uint Id { get; }

    /// <summary>The list of source ranges, or 0.</summary>
    internal uint Ranges => _ranges;

    /// <summary>Which real server is in which slot of the cluster's set.</summary>
    internal IReadOnlyList<RealServer> ClusterSlots => _cluster;

    /// <summary>Which real server is in which slot of this node's set.</summary>
    internal IReadOnlyList<RealServer> LocalSlots => _local;

    /// <summary>The real servers that clients come back to in the cluster's set.</summary>
    internal ReadOnlySpan<RealServer> ClusterMembers => _affinitySeconds > 0 && _cluster.Count > 0 ? _plan.Cluster.Servers.AsSpan() : [];

    /// <summary>The real servers that clients come back to in this node's set.</summary>
    internal ReadOnlySpan<RealServer> LocalMembers => _affinitySeconds > 0 && _local.Count > 0 ? _plan.Local.Servers.AsSpan() : [];

    /// <summary>The fronts.</summary>
    internal ReadOnlySpan<VirtualServer> VirtualServers => _plan.VirtualServers.AsSpan();

    /// <summary>The same Service port with another plan. Real servers that stay keep their slots where they can, so that little changes in the kernel.</summary>
    /// <param name="plan">The plan.</param>
    /// <param name="ranges">The number of its list of source ranges, or 0.</param>
    /// <param name="leavesToIpvs">Real servers are chosen here only for clients that IPVS would send elsewhere.</param>
    internal PortSlots With(ServicePortPlan plan, uint ranges, bool leavesToIpvs)
    {
        var cluster = plan.VirtualServers.Any(server => server.ShortCircuit || (server.Policy is TrafficPolicy.Cluster && !leavesToIpvs));
        var local = !leavesToIpvs && plan.VirtualServers.Any(server => server.Policy is TrafficPolicy.Local);
        return new PortSlots(Id, plan, cluster ? SlotPlacement.Place(_cluster, plan.Cluster) : [], local ? SlotPlacement.Place(_local, plan.Local) : [], ranges, leavesToIpvs);
    }

    /// <summary>Adds the elements of this Service port.</summary>
    internal void AddTo(TableContents contents)
    {
        foreach (var server in _plan.VirtualServers)
            contents.Fronts[server.Front] = Value(server);
        Add(Id, _cluster, ClusterMembers);
        Add(Id | FrontValue.LocalSet, _local, LocalMembers);

        void Add(uint set, IReadOnlyList<RealServer> slots, ReadOnlySpan<RealServer> members)
        {
            for (var slot = 0; slot < slots.Count; slot++)
                contents.Endpoints[(set, (uint)slot)] = slots[slot];
            foreach (var server in members)
                contents.Members.Add((server, set));
        }
    }

    /// <summary>Adds the elements of this Service port that were not found so. Those that were are taken away from what was found: the rest there must go.</summary>
    internal void AddTo(TableContents contents, TableContents found)
    {
        foreach (ref readonly var server in VirtualServers)
        {
            var value = Value(server);
            if (!found.Fronts.TryGetValue(server.Front, out var there) || there != value)
                contents.Fronts[server.Front] = value;
            else
                found.Fronts.Remove(server.Front);
        }

        Add(Id, _cluster, ClusterMembers);
        Add(Id | FrontValue.LocalSet, _local, LocalMembers);

        void Add(uint set, IReadOnlyList<RealServer> slots, ReadOnlySpan<RealServer> members)
        {
            for (var slot = 0; slot < slots.Count; slot++)
            {
                if (!found.Endpoints.TryGetValue((set, (uint)slot), out var there) || there != slots[slot])
                    contents.Endpoints[(set, (uint)slot)] = slots[slot];
                else
                    found.Endpoints.Remove((set, (uint)slot));
            }

            foreach (var server in members)
            {
                if (!found.Members.Remove((server, set)))
                    contents.Members.Add((server, set));
            }
        }
    }

    /// <summary>What one of the fronts is mapped to.</summary>
    internal FrontValue Value(in VirtualServer server)
    {
        var isLocal = server.Policy is TrafficPolicy.Local;
        var hides = server.Masquerade is MasqueradePolicy.Always;
        var external = _leavesToIpvs ? Left(_plan.Of(server.Policy), hides) : isLocal ? Action(_local, _plan.Local) : Action(_cluster, _plan.Cluster);
        var (entry, inside) = (hides ? FrontAction.Masqueraded(external) : external, 0u);
        if (server.ShortCircuit && _plan.HasEndpoints)
            (entry, inside) = (_affinitySeconds > 0 ? FrontAction.ExternalLocalAffinity : FrontAction.ExternalLocal, Action(_cluster, _plan.Cluster));
        else if (_affinitySeconds > 0 && !_leavesToIpvs && external is not (FrontAction.Refuse or FrontAction.Drop))
            entry = hides ? FrontAction.AffinityMasquerade : FrontAction.Affinity;
        var (filtered, ranges) = (0u, 0u);
        if (_ranges != 0 && server.Kind is FrontKind.LoadBalancer)
            (filtered, entry, ranges) = (entry, FrontAction.Filter, _ranges);
        else
            entry = FrontAction.WithTime(entry, _affinitySeconds);
        var later = FrontAction.Stage(entry) is < FrontAction.ExternalLocal or FrontAction.Pass or FrontAction.PassMasquerade ? 0 : FrontValue.LaterOf(filtered, external, inside);
        return new FrontValue(later, entry, (uint)_affinitySeconds, isLocal ? Id | FrontValue.LocalSet : Id, ranges);
    }

    private uint Left(RealServerChoice choice, bool hides) =>
        choice.Servers.Length == 0 ? _plan.HasEndpoints ? FrontAction.Drop : FrontAction.Refuse
        : hides ? FrontAction.PassMasquerade
        : FrontAction.Pass;

    private uint Action(IReadOnlyList<RealServer> slots, RealServerChoice choice) =>
        slots.Count == 0 ? _plan.HasEndpoints ? FrontAction.Drop : FrontAction.Refuse
        : choice.Scheduler is Scheduler.Maglev ? FrontAction.Maglev(slots.Count)
        : FrontAction.Balance(slots.Count);
}
