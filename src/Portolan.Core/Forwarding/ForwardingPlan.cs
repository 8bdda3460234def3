using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Core.Forwarding;

/// <summary>Which virtual servers a Service has on this node, and which real servers stand behind them. Every node decides for itself.</summary>
public static class ForwardingPlan
{
    internal const string ProxyNameLabel = "service.kubernetes.io/service-proxy-name";

    /// <summary>The plan of one Service.</summary>
    /// <param name="service">The Service.</param>
    /// <param name="slices">Its EndpointSlices, of every family, without those of headless Services.</param>
    /// <param name="context">This node.</param>
    public static ServicePlan Of(ServiceFacts service, IReadOnlyCollection<EndpointSliceFacts> slices, ForwardingContext context) =>
        Of(service, slices, context, new Balance(Scheduling.Of(service), null));

    /// <summary>The plan of one Service, some of whose endpoints may be new.</summary>
    internal static ServicePlan Of(ServiceFacts service, IReadOnlyCollection<EndpointSliceFacts> slices, ForwardingContext context, Balance balance)
    {
        if (service.Labels.ContainsKey(ProxyNameLabel))
            return new ServicePlan(ServiceVerdict.OtherProxy, []);
        if (service.Type is ServiceType.ExternalName)
            return new ServicePlan(ServiceVerdict.ExternalName, []);
        if (service.ClusterIPs.Count == 0)
            return new ServicePlan(ServiceVerdict.Headless, []);
        var plans = new List<ServicePortPlan>(service.Ports.Count);
        foreach (var family in service.ClusterIPs.Select(address => address.Family).Distinct())
        foreach (var port in service.Ports)
            plans.Add(OfPort(service, port, family, slices, context, balance));
        return new ServicePlan(ServiceVerdict.Forwarded, plans) { Errors = balance.Scheduling.Errors };
    }

    private static ServicePortPlan OfPort(
        ServiceFacts service, ServicePort port, IpFamily family, IReadOnlyCollection<EndpointSliceFacts> slices, ForwardingContext context, Balance balance)
    {
        var candidates = Candidates(port, family, slices);
        return new ServicePortPlan
        {
            Key = new ServicePortKey(service.Key, port.Name, port.Protocol, family),
            VirtualServers = VirtualServers(service, port, family, context),
            Cluster = RealServerChoice.Cluster(candidates, context, balance),
            Local = RealServerChoice.Local(candidates, context, balance),
            Present = RealServerChoice.Present(port.Protocol, candidates, context),
            AffinitySeconds = service.AffinitySeconds,
            SourceRanges = SourceRanges(service, family, context),
        };
    }

    private static List<VirtualServer> VirtualServers(ServiceFacts service, ServicePort port, IpFamily family, ForwardingContext context)
    {
        var servers = new List<VirtualServer>(4);
        var inside = context.MasqueradeAll ? MasqueradePolicy.Always : context.DetectsPods(family) ? MasqueradePolicy.OffCluster : MasqueradePolicy.Never;
        foreach (var address in service.ClusterIPs)
            Add(FrontKind.ClusterIP, Front.At(address, port.Protocol, port.Port), new(default, default, service.InternalTrafficPolicy, false, inside));

        var isLocal = service.ExternalTrafficPolicy is TrafficPolicy.Local;
        var outside = new VirtualServer(default, default, service.ExternalTrafficPolicy, isLocal, isLocal ? MasqueradePolicy.FromNode : MasqueradePolicy.Always);
        foreach (var ingress in service.Ingress)
            if (service.Type is ServiceType.LoadBalancer && !ingress.IsProxyMode)
                Add(FrontKind.LoadBalancer, Front.At(ingress.Address, port.Protocol, port.Port), outside);
        foreach (var address in service.ExternalIPs)
            Add(FrontKind.ExternalIP, Front.At(address, port.Protocol, port.Port), outside);
        if (port.NodePort != 0)
            Add(FrontKind.NodePort, Front.OfNode(family, port.Protocol, port.NodePort), outside);
        return servers;

        void Add(FrontKind kind, Front front, VirtualServer like)
        {
            if (front.Family == family && !servers.Exists(server => server.Front == front))
                servers.Add(like with { Front = front, Kind = kind });
        }
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

    // The same address and port may be in two slices for a moment, when an endpoint moves or an address is used again:
    // the one that is not on its way out counts.
    private static Dictionary<RealServer, RealServerChoice.Candidate>.ValueCollection Candidates(
        ServicePort port, IpFamily family, IReadOnlyCollection<EndpointSliceFacts> slices)
    {
        var candidates = new Dictionary<RealServer, RealServerChoice.Candidate>();
        foreach (var slice in slices)
        {
            if (slice.Family != family)
                continue;
            foreach (var offered in slice.Ports)
            {
                if (offered.Name != port.Name || offered.Protocol != port.Protocol || offered.Port == 0)
                    continue;
                foreach (var endpoint in slice.Endpoints)
                {
                    var server = new RealServer(endpoint.Address, offered.Port);
                    if (!candidates.TryGetValue(server, out var known) || IsPreferred(endpoint, known.Endpoint))
                        candidates[server] = new RealServerChoice.Candidate(server, endpoint);
                }
            }
        }

        return candidates.Values;
    }

    // Total, so that the order of the slices does not matter.
    private static bool IsPreferred(EndpointFacts endpoint, EndpointFacts over)
    {
        if (endpoint.Terminating != over.Terminating)
            return over.Terminating;
        if (endpoint.Ready != over.Ready)
            return endpoint.Ready;
        if (endpoint.Serving != over.Serving)
            return endpoint.Serving;
        return string.CompareOrdinal(endpoint.NodeName, over.NodeName) < 0;
    }
}
