using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Core.Forwarding;

/// <summary>
/// What this node tells load balancers outside the cluster at <c>spec.healthCheckNodePort</c>: whether it has endpoints of its own.
/// Only LoadBalancer Services with <c>externalTrafficPolicy: Local</c> have such a port.
/// </summary>
/// <param name="Port">1..65535.</param>
/// <param name="LocalEndpointsIPv4">
/// Distinct addresses of this node's ready IPv4 endpoints, whatever their ports. Those on their way out never count: the check fails first,
/// while connections under way still drain.
/// </param>
/// <param name="LocalEndpointsIPv6">The same for IPv6.</param>
public sealed record HealthCheckPlan(ushort Port, int LocalEndpointsIPv4, int LocalEndpointsIPv6)
{
    /// <summary>How many endpoints stand behind what a check by this family means. The families of a Service are independent of each other.</summary>
    public int LocalEndpoints(IpFamily family) => family is IpFamily.IPv4 ? LocalEndpointsIPv4 : LocalEndpointsIPv6;

    /// <summary>The plan of one Service, or null where it has no such port.</summary>
    /// <param name="service">The Service.</param>
    /// <param name="slices">Its EndpointSlices, of every family.</param>
    /// <param name="context">This node.</param>
    public static HealthCheckPlan? Of(ServiceFacts service, IReadOnlyList<EndpointSliceFacts> slices, ForwardingContext context)
    {
        if (service is not { HealthCheckNodePort: not 0, Type: ServiceType.LoadBalancer, ExternalTrafficPolicy: TrafficPolicy.Local }
            || service.ClusterIPs.Count == 0 || service.Labels.ContainsKey(ForwardingPlan.ProxyNameLabel))
            return null;
        var ready = new HashSet<IpAddress>();
        foreach (var slice in slices)
        {
            // Without a port no connection leads there.
            if (slice.Ports.Count == 0)
                continue;
            foreach (var endpoint in slice.Endpoints)
            {
                if (endpoint is { Ready: true, Terminating: false } && context.NodeName.Length > 0 && endpoint.NodeName == context.NodeName)
                    ready.Add(endpoint.Address);
            }
        }

        var ipv4 = ready.Count(address => address.IsIPv4);
        var ipv6 = ready.Count - ipv4;

        // Whoever checks by the family that the Service does not have means the one that it has.
        return new HealthCheckPlan(
            service.HealthCheckNodePort,
            service.ClusterIPs.Any(address => address.IsIPv4) ? ipv4 : ipv6,
            service.ClusterIPs.Any(address => !address.IsIPv4) ? ipv6 : ipv4);
    }
}
