using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;

namespace Portolan.Proxy.Nftables;

/// <summary>A Service port as the table holds it: its number, its plan, and which real server is in which slot of its two sets.</summary>
internal sealed class PortSlots
{
    private readonly ServicePortPlan _plan;
    private readonly RealServer[] _cluster;
    private readonly RealServer[] _local;

    internal PortSlots(uint id, ServicePortPlan plan, RealServer[] cluster, RealServer[] local)
    {
        Id = id;
        _plan = plan;
        _cluster = cluster;
        _local = local;
    }

    /// <summary>The number of the cluster's real server set; <see cref="FrontValue.LocalSet"/> more is this node's.</summary>
    internal uint Id { get; }

    /// <summary>The same Service port with another plan. Real servers that stay keep their slots where they can, so that little changes in the kernel.</summary>
    internal PortSlots With(ServicePortPlan plan)
    {
        var cluster = plan.VirtualServers.Any(server => server.Policy is TrafficPolicy.Cluster || server.ShortCircuit);
        var local = plan.VirtualServers.Any(server => server.Policy is TrafficPolicy.Local);
        return new PortSlots(Id, plan, cluster ? Place(_cluster, plan.Cluster.Servers) : [], local ? Place(_local, plan.Local.Servers) : []);
    }

    /// <summary>Adds the elements of this Service port.</summary>
    internal void AddTo(TableContents contents)
    {
        foreach (var server in _plan.VirtualServers)
        {
            var set = server.Policy is TrafficPolicy.Local ? Id | FrontValue.LocalSet : Id;
            var action = Action(server.Policy is TrafficPolicy.Local ? _local : _cluster);
            if (server.ShortCircuit && _plan.HasEndpoints)
            {
                contents.ExternalFronts[server.Front] = action;
                contents.InternalFronts[server.Front] = Action(_cluster);
                action = FrontValue.ExternalLocal;
            }

            contents.Fronts[server.Front] = FrontValue.Of(set, server.Masquerade, action);
        }

        Add(Id, _cluster);
        Add(Id | FrontValue.LocalSet, _local);

        void Add(uint set, RealServer[] servers)
        {
            for (var slot = 0u; slot < servers.Length; slot++)
                contents.Endpoints[(set, slot)] = servers[slot];
        }
    }

    private uint Action(RealServer[] servers) =>
        servers.Length > 0 ? FrontValue.Balance(servers.Length) : _plan.HasEndpoints ? FrontValue.Drop : FrontValue.Refuse;

    // New ones fill the holes of those that left; holes that remain are filled from the end.
    private static RealServer[] Place(RealServer[] before, IReadOnlyList<RealServer> wanted)
    {
        var count = Math.Min(wanted.Count, FrontValue.MaxCount);
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
