using System.Collections.Immutable;
using System.Runtime.InteropServices;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Core.Forwarding;

/// <summary>Which virtual servers a Service has on this node, and which real servers stand behind them. Every node decides for itself.</summary>
public static class ForwardingPlan
{
    /// <summary>The label that gives a Service to another proxy, whatever its value.</summary>
    public const string ProxyNameLabel = "service.kubernetes.io/service-proxy-name";

    /// <summary>The plan of one Service.</summary>
    /// <param name="service">The Service.</param>
    /// <param name="slices">Its EndpointSlices, of every family, without those of headless Services.</param>
    /// <param name="context">This node.</param>
    public static ServicePlan Of(ServiceFacts service, IReadOnlyList<EndpointSliceFacts> slices, ForwardingContext context)
    {
        var verdict = Verdict(service);
        var scheduling = Scheduling.Of(service);
        return verdict is not ServiceVerdict.Forwarded
            ? new ServicePlan(verdict, [])
            : new ServicePlan(verdict, Ports(service, [], new Endpoints(slices, context, new Balance(scheduling, null, context.IsIpvs), new Candidates()))) { Errors = scheduling.ErrorsIn(context) };
    }

    private static ServiceVerdict Verdict(ServiceFacts service) =>
        service.Labels.ContainsKey(ProxyNameLabel) ? ServiceVerdict.OtherProxy
        : service.Type is ServiceType.ExternalName ? ServiceVerdict.ExternalName
        : service.ClusterIPs.Count == 0 ? ServiceVerdict.Headless
        : ServiceVerdict.Forwarded;

    /// <summary>The plans of a Service's ports.</summary>
    /// <param name="service">The Service.</param>
    /// <param name="before">Its plans so far: what is the same again is not made anew.</param>
    /// <param name="endpoints">Its endpoints.</param>
    internal static ServicePortPlan[] Ports(ServiceFacts service, ReadOnlySpan<ServicePortPlan> before, in Endpoints endpoints)
    {
        if (Verdict(service) is not ServiceVerdict.Forwarded)
            return [];
        var first = service.ClusterIPs[0].Family;
        var isDual = HasOther(service.ClusterIPs, first);
        var plans = new ServicePortPlan[service.Ports.Count * (isDual ? 2 : 1)];
        var count = 0;
        for (var family = 0; family < (isDual ? 2 : 1); family++)
        {
            for (var i = 0; i < service.Ports.Count; i++)
            {
                var port = service.Ports[i];
                var key = new ServicePortKey(service.Key, port.Name, port.Protocol, family == 0 ? first : Other(first));
                if (Find(plans.AsSpan(0, count), key, count) is null)
                    plans[count++] = Plan(service, port, key, Find(before, key, count), endpoints);
            }
        }

        return count == plans.Length ? plans : plans[..count];
    }

    /// <summary>The same plan where only the endpoints may be others.</summary>
    internal static ServicePortPlan Again(ServicePortPlan plan, in Endpoints endpoints)
    {
        var (cluster, local, present) = Choose(plan.Key, plan, endpoints);
        return cluster.Equals(plan.Cluster) && local.Equals(plan.Local) && present.AsSpan().SequenceEqual(plan.Present.AsSpan())
            ? plan
            : plan with { Cluster = cluster, Local = local, Present = present };
    }

    /// <summary>The plan of a Service port, or null.</summary>
    /// <param name="plans">Of one Service.</param>
    /// <param name="key">Which port.</param>
    /// <param name="likely">Where it probably is.</param>
    internal static ServicePortPlan? Find(ReadOnlySpan<ServicePortPlan> plans, in ServicePortKey key, int likely)
    {
        if (likely < plans.Length && plans[likely].Key == key)
            return plans[likely];
        foreach (var plan in plans)
        {
            if (plan.Key == key)
                return plan;
        }

        return null;
    }

    private static bool HasOther(IReadOnlyList<IpAddress> addresses, IpFamily family)
    {
        for (var i = 0; i < addresses.Count; i++)
        {
            if (addresses[i].Family != family)
                return true;
        }

        return false;
    }

    private static IpFamily Other(IpFamily family) => family is IpFamily.IPv4 ? IpFamily.IPv6 : IpFamily.IPv4;

    private static ServicePortPlan Plan(ServiceFacts service, in ServicePort port, in ServicePortKey key, ServicePortPlan? before, in Endpoints endpoints)
    {
        var (cluster, local, present) = Choose(key, before, endpoints);
        var plan = new ServicePortPlan
        {
            Key = key,
            VirtualServers = VirtualServers(service, port, key.Family, endpoints.Context, endpoints.Balance.Scheduling.Ipvs.Method),
            Cluster = cluster,
            Local = local,
            Present = present,
            AffinitySeconds = service.AffinitySeconds,
            SourceRanges = SourceRanges(service, key.Family, endpoints.Context),
            Ipvs = endpoints.Balance.Scheduling.Ipvs,
        };
        return plan.Equals(before) ? before : plan;
    }

    private static (RealServerChoice Cluster, RealServerChoice Local, ImmutableArray<RealServer> Present) Choose(
        in ServicePortKey key, ServicePortPlan? before, in Endpoints endpoints)
    {
        var candidates = endpoints.Candidates.Of(key, endpoints.Slices, endpoints.Context);
        var cluster = RealServerChoice.Cluster(candidates, endpoints.Balance, before?.Cluster ?? RealServerChoice.None);
        var local = RealServerChoice.Local(candidates, endpoints.Balance, before?.Local ?? RealServerChoice.None, cluster);
        ImmutableArray<RealServer> present = key.Protocol switch
        {
            Protocol.Udp => Present(EndpointTraits.Usable, candidates),
            Protocol.Tcp when endpoints.Context.EndsTcpFlows => Present(EndpointTraits.None, candidates),
            _ => [],
        };
        return (cluster, local, present);

        ImmutableArray<RealServer> Present(EndpointTraits traits, ReadOnlySpan<Candidate> candidates) =>
            RealServerChoice.Pick(candidates, traits, cluster.Servers, before?.Present ?? []);
    }

    private static ImmutableArray<VirtualServer> VirtualServers(ServiceFacts service, in ServicePort port, IpFamily family, ForwardingContext context, IpvsForwardingMethod method)
    {
        // As many as there can be; usually there are.
        var servers = new VirtualServer[service.ClusterIPs.Count + service.Ingress.Count + service.ExternalIPs.Count + (port.NodePort != 0 ? 1 : 0)];
        var count = 0;
        var inside = context.MasqueradeAll ? MasqueradePolicy.Always : context.DetectsPods(family) ? MasqueradePolicy.OffCluster : MasqueradePolicy.Never;
        for (var i = 0; i < service.ClusterIPs.Count; i++)
            Add(FrontKind.ClusterIP, Front.At(service.ClusterIPs[i], port.Protocol, port.Port), new(default, default, service.InternalTrafficPolicy, false, inside));

        var isLocal = service.ExternalTrafficPolicy is TrafficPolicy.Local;
        var outside = new VirtualServer(default, default, service.ExternalTrafficPolicy, isLocal, isLocal ? MasqueradePolicy.FromNode : MasqueradePolicy.Always);
        // Whoever answers past this node must see its client's own address.
        var arriving = context.IsIpvs && method is not IpvsForwardingMethod.Masquerade ? outside with { ShortCircuit = false, Masquerade = MasqueradePolicy.Never } : outside;
        for (var i = 0; i < service.Ingress.Count; i++)
            if (service.Type is ServiceType.LoadBalancer && !service.Ingress[i].IsProxyMode)
                Add(FrontKind.LoadBalancer, Front.At(service.Ingress[i].Address, port.Protocol, port.Port), arriving);
        for (var i = 0; i < service.ExternalIPs.Count; i++)
            Add(FrontKind.ExternalIP, Front.At(service.ExternalIPs[i], port.Protocol, port.Port), arriving);
        if (port.NodePort != 0)
            Add(FrontKind.NodePort, Front.OfNode(family, port.Protocol, port.NodePort), outside);
        return ImmutableCollectionsMarshal.AsImmutableArray(count == servers.Length ? servers : servers[..count]);

        void Add(FrontKind kind, in Front front, in VirtualServer like)
        {
            if (front.Family == family && !Has(servers.AsSpan(0, count), front))
                servers[count++] = like with { Front = front, Kind = kind };
        }
    }

    private static bool Has(ReadOnlySpan<VirtualServer> servers, in Front front)
    {
        foreach (ref readonly var server in servers)
        {
            if (server.Front == front)
                return true;
        }

        return false;
    }

    // A list without a range of this family does not restrict it; the node's own connections to such an address have the address itself as their source.
    private static IpPrefix[]? SourceRanges(ServiceFacts service, IpFamily family, ForwardingContext context)
    {
        if (service.Type is not ServiceType.LoadBalancer || service.LoadBalancerSourceRanges.Count == 0)
            return null;
        var ranges = service.LoadBalancerSourceRanges.Where(range => range.Address.Family == family).ToHashSet();
        if (ranges.Count == 0 || ranges.Any(range => range.Length == 0))
            return null;
        if (ranges.Any(range => context.NodeAddresses.Any(range.Contains)))
        {
            foreach (var ingress in service.Ingress)
                if (ingress is { IsProxyMode: false } && ingress.Address.Family == family)
                    ranges.Add(IpPrefix.Containing(ingress.Address, ingress.Address.Bits));
        }

        return [.. ranges.OrderBy(range => range.Address).ThenBy(range => range.Length)];
    }
}

/// <summary>Who may stand behind a Service's virtual servers.</summary>
/// <param name="Slices">The Service's EndpointSlices, of every family.</param>
/// <param name="Context">This node.</param>
/// <param name="Balance">How connections are spread.</param>
/// <param name="Candidates">Where they are sorted.</param>
internal readonly record struct Endpoints(IReadOnlyList<EndpointSliceFacts> Slices, ForwardingContext Context, Balance Balance, Candidates Candidates);
