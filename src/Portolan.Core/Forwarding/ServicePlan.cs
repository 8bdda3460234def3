using System.Collections.Immutable;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Core.Forwarding;

/// <summary>The identity of a Service port in one family.</summary>
/// <param name="Service">The Service.</param>
/// <param name="PortName">The port's name; may be empty.</param>
/// <param name="Protocol">The layer-4 protocol.</param>
/// <param name="Family">The family: a dual-stack Service has a plan for each.</param>
public readonly record struct ServicePortKey(ObjectKey Service, string PortName, Protocol Protocol, IpFamily Family) : IComparable<ServicePortKey>
{
    /// <summary>By Service, port name, protocol and family.</summary>
    public int CompareTo(ServicePortKey other)
    {
        if (Service.CompareTo(other.Service) is not 0 and var byService)
            return byService;
        if (string.CompareOrdinal(PortName, other.PortName) is not 0 and var byName)
            return byName;
        return Protocol != other.Protocol ? Protocol.CompareTo(other.Protocol) : Family.CompareTo(other.Family);
    }

    /// <summary><c>namespace/name:port/protocol</c>.</summary>
    public override string ToString() => $"{Service}:{PortName}/{Protocol.ToString().ToLowerInvariant()}";
}

/// <summary>What becomes of traffic to one Service port in one family.</summary>
public sealed record ServicePortPlan
{
    /// <summary>Which Service port.</summary>
    public required ServicePortKey Key { get; init; }

    /// <summary>Where packets arrive; each front once.</summary>
    public required ImmutableArray<VirtualServer> VirtualServers { get; init; }

    /// <summary>The real servers where the policy is Cluster.</summary>
    public required RealServerChoice Cluster { get; init; }

    /// <summary>The real servers where the policy is Local.</summary>
    public required RealServerChoice Local { get; init; }

    /// <summary>
    /// Whose flows may go on, chosen or not. For UDP every endpoint that serves: a flow to any other is stale, and nothing in the protocol
    /// would ever end it. For TCP, where <see cref="ForwardingContext.EndsTcpFlows"/>, every endpoint that exists. Otherwise empty: nobody's
    /// flows are ended.
    /// </summary>
    public ImmutableArray<RealServer> Present { get; init; } = [];

    /// <summary>How long a client keeps its real server after its last new connection, in seconds (1..86400); 0: no affinity.</summary>
    public int AffinitySeconds { get; init; }

    /// <summary>
    /// Who may connect to the load balancer addresses, sorted and without duplicates; null: everyone. Applies to
    /// <see cref="FrontKind.LoadBalancer"/> only (<c>spec.loadBalancerSourceRanges</c>).
    /// </summary>
    public IReadOnlyList<IpPrefix>? SourceRanges { get; init; }

    /// <summary>What the Service asks of IPVS, where that forwards.</summary>
    public IpvsRequest Ipvs { get; init; } = IpvsRequest.Default;

    /// <summary>The real servers of a policy.</summary>
    public RealServerChoice Of(TrafficPolicy policy) => policy is TrafficPolicy.Local ? Local : Cluster;

    /// <summary>Whether a usable endpoint exists anywhere: without one traffic is refused; with one, but not for the policy, dropped.</summary>
    public bool HasEndpoints => Cluster.Servers.Length > 0 || Local.Servers.Length > 0;

    /// <inheritdoc/>
    public bool Equals(ServicePortPlan? other) => other is not null && Key == other.Key && Cluster.Equals(other.Cluster) && Local.Equals(other.Local)
        && Present.AsSpan().SequenceEqual(other.Present.AsSpan()) && HasSameVirtualServers(other)
        && AffinitySeconds == other.AffinitySeconds && SameRanges(SourceRanges, other.SourceRanges) && Ipvs == other.Ipvs;

    internal bool HasSameVirtualServers(ServicePortPlan other) =>
        VirtualServers == other.VirtualServers || VirtualServers.AsSpan().SequenceEqual(other.VirtualServers.AsSpan());

    private static bool SameRanges(IReadOnlyList<IpPrefix>? left, IReadOnlyList<IpPrefix>? right) =>
        left is null || right is null ? left is null && right is null : left.SequenceEqual(right);

    /// <inheritdoc/>
    public override int GetHashCode() => Key.GetHashCode();
}

/// <summary>Why a Service is not forwarded, or that it is.</summary>
public enum ServiceVerdict : byte
{
    /// <summary>It is forwarded.</summary>
    Forwarded,

    /// <summary>The label <c>service.kubernetes.io/service-proxy-name</c> gives it to another proxy.</summary>
    OtherProxy,

    /// <summary>A name, not an address.</summary>
    ExternalName,

    /// <summary>Headless: clients are told the endpoints' own addresses.</summary>
    Headless,
}

/// <summary>What becomes of traffic to a Service on this node.</summary>
/// <param name="Verdict">Whether it is forwarded.</param>
/// <param name="Ports">A plan for each port and family; empty where it is not forwarded.</param>
public sealed record ServicePlan(ServiceVerdict Verdict, IReadOnlyList<ServicePortPlan> Ports)
{
    /// <summary>What is wrong with the Service's annotations for its proxies; it is forwarded as if it did not have those.</summary>
    public IReadOnlyList<FieldError> Errors { get; init; } = [];
}
