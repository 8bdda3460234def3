using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;

namespace Portolan.Proxy.Nftables;

/// <summary>A Service port as the table holds it: its number, its plan, and which real server is in which slot of its two sets.</summary>
internal sealed class PortSlots
{
    private readonly ServicePortPlan _plan;
    private readonly RealServer[] _cluster;
    private readonly RealServer[] _local;

    private readonly uint _ranges;
    private readonly int _affinitySeconds;

    internal PortSlots(uint id, ServicePortPlan plan, RealServer[] cluster, RealServer[] local, uint ranges = 0)
    {
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

    /// <summary>The same Service port with another plan. Real servers that stay keep their slots where they can, so that little changes in the kernel.</summary>
    internal PortSlots With(ServicePortPlan plan, uint ranges)
    {
        var cluster = plan.VirtualServers.Any(server => server.Policy is TrafficPolicy.Cluster || server.ShortCircuit);
        var local = plan.VirtualServers.Any(server => server.Policy is TrafficPolicy.Local);
        return new PortSlots(Id, plan, cluster ? Place(_cluster, plan.Cluster.Servers) : [], local ? Place(_local, plan.Local.Servers) : [], ranges);
    }

    /// <summary>Adds the elements of this Service port.</summary>
    internal void AddTo(TableContents contents)
    {
        foreach (var server in _plan.VirtualServers)
            contents.Fronts[server.Front] = Value(server);
        Add(Id, _cluster);
        Add(Id | FrontValue.LocalSet, _local);

        void Add(uint set, RealServer[] servers)
        {
            for (var slot = 0u; slot < servers.Length; slot++)
                contents.Endpoints[(set, slot)] = servers[slot];
            if (_affinitySeconds == 0)
                return;
            foreach (var server in servers)
                contents.Members.Add((server, set));
        }
    }

    private FrontValue Value(VirtualServer server)
    {
        var isLocal = server.Policy is TrafficPolicy.Local;
        var external = Action(isLocal ? _local : _cluster);
        var (entry, inside) = (external, 0u);
        if (server.ShortCircuit && _plan.HasEndpoints)
            (entry, inside) = (_affinitySeconds > 0 ? FrontAction.ExternalLocalAffinity : FrontAction.ExternalLocal, Action(_cluster));
        else if (_affinitySeconds > 0 && external is not (FrontAction.Refuse or FrontAction.Drop))
            entry = FrontAction.Affinity;
        var (filtered, ranges) = (0u, 0u);
        if (_ranges != 0 && server.Kind is FrontKind.LoadBalancer)
            (filtered, entry, ranges) = (entry, FrontAction.Filter, _ranges);
        var later = entry == external ? 0 : FrontValue.LaterOf(filtered, external, inside);
        return new FrontValue(later, entry, FrontValue.SourceOf(server.Masquerade, _affinitySeconds), isLocal ? Id | FrontValue.LocalSet : Id, ranges);
    }

    private uint Action(RealServer[] servers) =>
        servers.Length > 0 ? FrontAction.Balance(servers.Length) : _plan.HasEndpoints ? FrontAction.Drop : FrontAction.Refuse;

    // New ones fill the holes of those that left; holes that remain are filled from the end.
    private static RealServer[] Place(RealServer[] before, IReadOnlyList<RealServer> wanted)
    {
        var count = Math.Min(wanted.Count, FrontAction.MaxCount);
        var staying = new HashSet<RealServer>(wanted.Take(count));
        var placed = new RealServer?[Math.Max(before.Length, count)];
        for (var slot = 0; slot < before.Length; slot++)
        {
            if (staying.Remove(before[slot]))
                placed[slot] = before[slot];
        }

        var hole = 0;
        foreach (var server in wanted)
        {
            if (!staying.Remove(server))
                continue;
            while (placed[hole] is not null)
                hole++;
            placed[hole] = server;
        }

        for (var slot = placed.Length - 1; slot >= count; slot--)
        {
            if (placed[slot] is not { } server)
                continue;
            while (placed[hole] is not null)
                hole++;
            placed[hole] = server;
        }

        return Array.ConvertAll(placed[..count], server => server!.Value);
    }
}
