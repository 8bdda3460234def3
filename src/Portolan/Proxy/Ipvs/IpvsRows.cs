using System.Numerics;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;
using Portolan.Linux.Ipvs;

namespace Portolan.Proxy.Ipvs;

/// <summary>Virtual servers with their real servers, as they are wanted.</summary>
internal sealed class IpvsRows : Dictionary<IpvsServiceKey, (IpvsService Service, Dictionary<IpvsServerKey, IpvsServer> Servers)>
{
    private const string Fallback = "rr";    // the one that every kernel with IPVS has

    /// <summary>Adds what a Service port wants. No front is two Service ports'.</summary>
    internal void Add(ServicePortPlan plan, IpvsSettings settings)
    {
        foreach (var server in plan.VirtualServers)
        {
            if (!server.Front.IsNodePort)
            {
                Add(plan, server, IpvsKeys.Service(server.Front.Address, server.Front.Protocol, server.Front.Port), settings);
                continue;
            }

            foreach (var address in settings.NodePortAddresses)
            {
                if (address.Family == plan.Key.Family)
                    Add(plan, server, IpvsKeys.Service(address, server.Front.Protocol, server.Front.Port), settings);
            }
        }
    }

    private void Add(ServicePortPlan plan, in VirtualServer server, in IpvsServiceKey key, IpvsSettings settings)
    {
        var choice = plan.Of(server.Policy);
        var method = server.Kind is FrontKind.LoadBalancer or FrontKind.ExternalIP ? plan.Ipvs.Method : IpvsForwardingMethod.Masquerade;
        var weights = Weights(choice);
        var service = new IpvsService(key, Scheduler(plan.Ipvs.Scheduler, weights is not null, settings), Flags(plan), (uint)plan.AffinitySeconds, (byte)(server.Front.Address.IsIPv4 ? 32 : 128));
        var servers = new Dictionary<IpvsServerKey, IpvsServer>(choice.Servers.Length);
        for (var i = 0; i < choice.Servers.Length; i++)
        {
            // Who gets a packet as it is finds the virtual server's port in it.
            var at = IpvsKeys.Server(choice.Servers[i], method is IpvsForwardingMethod.Masquerade ? null : key.Port);
            servers[at] = new IpvsServer(at, Forwarding(method), weights?[i] ?? 1);
        }

        this[key] = (service, servers);
    }

    private static IpvsServiceFlags Flags(ServicePortPlan plan)
    {
        var flags = (IpvsServiceFlags)plan.Ipvs.Flags;
        if (plan.AffinitySeconds > 0)
            flags |= IpvsServiceFlags.Persistent;
        return plan.Key.Protocol is Protocol.Udp ? flags : flags & ~IpvsServiceFlags.OnePacket;
    }

    // Those that look at no weight have a sibling that does.
    private static string Scheduler(string? asked, bool hasWeights, IpvsSettings settings)
    {
        var name = asked ?? settings.Scheduler;
        if (settings.Missing.Contains(name))
            name = settings.Missing.Contains(settings.Scheduler) ? Fallback : settings.Scheduler;
        var weighted = name switch { "rr" => "wrr", "lc" => "wlc", _ => name };
        return hasWeights && !settings.Missing.Contains(weighted) ? weighted : name;
    }

    private static IpvsForwarding Forwarding(IpvsForwardingMethod method) => method switch
    {
        IpvsForwardingMethod.Direct => IpvsForwarding.Direct,
        IpvsForwardingMethod.Tunnel => IpvsForwarding.Tunnel,
        _ => IpvsForwarding.Masquerade,
    };

    // Null: the same for all.
    private static int[]? Weights(RealServerChoice choice)
    {
        if (choice.Slots.Count == choice.Servers.Length)
            return null;
        var counts = choice.Slots.CountBy(server => server).ToDictionary();
        var divisor = counts.Values.Aggregate(0, (divisor, count) => (int)BigInteger.GreatestCommonDivisor(divisor, count));
        return [.. choice.Servers.Select(server => counts.GetValueOrDefault(server) / divisor)];
    }
}
