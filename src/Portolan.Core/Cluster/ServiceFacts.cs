using Portolan.Core.Addresses;

namespace Portolan.Core.Cluster;

/// <summary>Kubernetes <c>Service.spec.type</c>.</summary>
public enum ServiceType : byte
{
    /// <summary>Reachable inside the cluster.</summary>
    ClusterIP,

    /// <summary>Also on a port of every node.</summary>
    NodePort,

    /// <summary>Also on an address from outside.</summary>
    LoadBalancer,

    /// <summary>A DNS alias: nothing to forward.</summary>
    ExternalName,
}

/// <summary>Layer-4 protocols of a Service port; the values are the IP protocol numbers (IANA).</summary>
public enum Protocol : byte
{
    /// <summary>RFC 9293.</summary>
    Tcp = 6,

    /// <summary>RFC 768.</summary>
    Udp = 17,

    /// <summary>RFC 9260.</summary>
    Sctp = 132,
}

/// <summary>Kubernetes <c>externalTrafficPolicy</c> and <c>internalTrafficPolicy</c>.</summary>
public enum TrafficPolicy : byte
{
    /// <summary>Any endpoint of the cluster may serve.</summary>
    Cluster,

    /// <summary>Only endpoints on the node that received the traffic.</summary>
    Local,
}

/// <summary>Kubernetes <c>spec.ipFamilyPolicy</c>.</summary>
public enum IpFamilyPolicy : byte
{
    /// <summary>One family.</summary>
    SingleStack,

    /// <summary>Both where the cluster has both.</summary>
    PreferDualStack,

    /// <summary>Both or refused.</summary>
    RequireDualStack,
}

/// <summary>One entry of <c>Service.spec.ports</c>.</summary>
/// <param name="Name">The port's name; empty when the Service has one unnamed port.</param>
/// <param name="Protocol">The layer-4 protocol.</param>
/// <param name="Port">1..65535.</param>
/// <param name="NodePort">1..65535, or 0 where none is allocated.</param>
public readonly record struct ServicePort(string Name, Protocol Protocol, ushort Port, ushort NodePort);

/// <summary>One <c>status.loadBalancer.ingress</c> entry that carries an address.</summary>
/// <param name="Address">The address.</param>
/// <param name="IsProxyMode"><c>ipMode: Proxy</c>: nodes must not capture traffic to the address.</param>
public readonly record struct IngressAddress(IpAddress Address, bool IsProxyMode);

/// <summary>
/// What the plans need to know of a Service: read once from the API object, compared by value where a plan wants to know what changed.
/// Collections are never null and must not be changed after construction.
/// </summary>
public sealed record ServiceFacts
{
    /// <summary>Namespace and name.</summary>
    public required ObjectKey Key { get; init; }

    /// <summary><c>metadata.uid</c>: tells a Service from its successor of the same name.</summary>
    public string Uid { get; init; } = "";

    /// <summary><c>metadata.resourceVersion</c>: tells versions apart, nothing else.</summary>
    public string ResourceVersion { get; init; } = "";

    /// <summary><c>metadata.generation</c>, or 0: API servers do not give Services one.</summary>
    public long Generation { get; init; }

    /// <summary><c>metadata.creationTimestamp</c>, seconds since 1970; 0 when unknown.</summary>
    public long CreatedAt { get; init; }

    /// <summary><c>spec.type</c>.</summary>
    public ServiceType Type { get; init; }

    /// <summary><c>metadata.labels</c>.</summary>
    public IReadOnlyDictionary<string, string> Labels { get; init; } = Empty;

    /// <summary><c>metadata.annotations</c>.</summary>
    public IReadOnlyDictionary<string, string> Annotations { get; init; } = Empty;

    /// <summary><c>spec.selector</c>.</summary>
    public IReadOnlyDictionary<string, string> Selector { get; init; } = Empty;

    /// <summary><c>spec.ports</c>.</summary>
    public IReadOnlyList<ServicePort> Ports { get; init; } = [];

    /// <summary><c>spec.clusterIPs</c> without "None"; empty for headless Services.</summary>
    public IReadOnlyList<IpAddress> ClusterIPs { get; init; } = [];

    /// <summary><c>spec.externalIPs</c>.</summary>
    public IReadOnlyList<IpAddress> ExternalIPs { get; init; } = [];

    /// <summary><c>status.loadBalancer.ingress</c> entries with an address.</summary>
    public IReadOnlyList<IngressAddress> Ingress { get; init; } = [];

    /// <summary><c>spec.ipFamilies</c>.</summary>
    public IReadOnlyList<IpFamily> IpFamilies { get; init; } = [];

    /// <summary><c>spec.ipFamilyPolicy</c>.</summary>
    public IpFamilyPolicy IpFamilyPolicy { get; init; }

    /// <summary><c>spec.externalTrafficPolicy</c>.</summary>
    public TrafficPolicy ExternalTrafficPolicy { get; init; }

    /// <summary><c>spec.internalTrafficPolicy</c>.</summary>
    public TrafficPolicy InternalTrafficPolicy { get; init; }

    /// <summary><c>spec.loadBalancerSourceRanges</c>, parsed.</summary>
    public IReadOnlyList<IpPrefix> LoadBalancerSourceRanges { get; init; } = [];

    /// <summary>Seconds of <c>sessionAffinity: ClientIP</c> (1..86400), or 0 for none.</summary>
    public int AffinitySeconds { get; init; }

    /// <summary><c>spec.loadBalancerIP</c> as written, or null.</summary>
    public string? LoadBalancerIP { get; init; }

    /// <summary><c>spec.loadBalancerClass</c>, or null.</summary>
    public string? LoadBalancerClass { get; init; }

    /// <summary><c>spec.healthCheckNodePort</c>, or 0.</summary>
    public ushort HealthCheckNodePort { get; init; }

    /// <summary><c>spec.publishNotReadyAddresses</c>.</summary>
    public bool PublishNotReadyAddresses { get; init; }

    private static readonly IReadOnlyDictionary<string, string> Empty = new Dictionary<string, string>();
}
