using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Portolan.Kubernetes.Resources;

/// <summary><c>v1 Service</c>, the parts Portolan reads.</summary>
public sealed class Service : KubeObject
{
    /// <summary><c>spec</c>.</summary>
    public ServiceSpec? Spec { get; set; }

    /// <summary><c>status</c>.</summary>
    public ServiceStatus? Status { get; set; }
}

/// <summary><c>v1 ServiceSpec</c>.</summary>
public sealed class ServiceSpec
{
    /// <summary>ClusterIP, NodePort, LoadBalancer, ExternalName.</summary>
    public string? Type { get; set; }

    /// <summary>The first cluster address, or None.</summary>
    public string? ClusterIP { get; set; }

    /// <summary>All cluster addresses.</summary>
    public List<string>? ClusterIPs { get; set; }

    /// <summary>What the name of an ExternalName Service stands for.</summary>
    public string? ExternalName { get; set; }

    /// <summary>Addresses the cluster's owner routes to the nodes.</summary>
    public List<string>? ExternalIPs { get; set; }

    /// <summary>IPv4, IPv6.</summary>
    public List<string>? IpFamilies { get; set; }

    /// <summary>SingleStack, PreferDualStack, RequireDualStack.</summary>
    public string? IpFamilyPolicy { get; set; }

    /// <summary>The pods behind it.</summary>
    public Dictionary<string, string>? Selector { get; set; }

    /// <summary>The ports.</summary>
    public List<ServicePortSpec>? Ports { get; set; }

    /// <summary>Cluster or Local.</summary>
    public string? ExternalTrafficPolicy { get; set; }

    /// <summary>Cluster or Local.</summary>
    public string? InternalTrafficPolicy { get; set; }

    /// <summary>None or ClientIP.</summary>
    public string? SessionAffinity { get; set; }

    /// <summary>The affinity's time-out.</summary>
    public SessionAffinityConfig? SessionAffinityConfig { get; set; }

    /// <summary>The address asked for (deprecated by Kubernetes, still in use).</summary>
    public string? LoadBalancerIP { get; set; }

    /// <summary>Which load balancer is meant.</summary>
    public string? LoadBalancerClass { get; set; }

    /// <summary>Who may use the load balancer's addresses.</summary>
    public List<string>? LoadBalancerSourceRanges { get; set; }

    /// <summary>The health check's port for externalTrafficPolicy Local.</summary>
    public int? HealthCheckNodePort { get; set; }

    /// <summary>Endpoints count as ready even when they are not.</summary>
    public bool? PublishNotReadyAddresses { get; set; }
}

/// <summary><c>v1 SessionAffinityConfig</c>.</summary>
public sealed class SessionAffinityConfig
{
    /// <summary>For ClientIP.</summary>
    public ClientIPConfig? ClientIP { get; set; }
}

/// <summary><c>v1 ClientIPConfig</c>.</summary>
public sealed class ClientIPConfig
{
    /// <summary>1..86400 seconds; 10800 when absent.</summary>
    public int? TimeoutSeconds { get; set; }
}

/// <summary><c>v1 ServicePort</c>.</summary>
public sealed class ServicePortSpec
{
    /// <summary>The name.</summary>
    public string? Name { get; set; }

    /// <summary>TCP, UDP, SCTP.</summary>
    public string? Protocol { get; set; }

    /// <summary>1..65535.</summary>
    public int Port { get; set; }

    /// <summary>A number or a pod port's name.</summary>
    public JsonNode? TargetPort { get; set; }

    /// <summary>The port on every node.</summary>
    public int? NodePort { get; set; }
}

/// <summary><c>v1 ServiceStatus</c>.</summary>
public sealed class ServiceStatus
{
    /// <summary>The load balancer's addresses.</summary>
    public LoadBalancerStatus? LoadBalancer { get; set; }

    /// <summary>Conditions.</summary>
    public List<Condition>? Conditions { get; set; }
}

/// <summary><c>v1 LoadBalancerStatus</c>.</summary>
public sealed class LoadBalancerStatus
{
    /// <summary>One entry an address.</summary>
    public List<LoadBalancerIngress>? Ingress { get; set; }
}

/// <summary><c>v1 LoadBalancerIngress</c>.</summary>
public sealed class LoadBalancerIngress
{
    /// <summary>The address.</summary>
    [JsonPropertyName("ip")]
    public string? IP { get; set; }

    /// <summary>A name instead of an address.</summary>
    public string? Hostname { get; set; }

    /// <summary>VIP or Proxy.</summary>
    public string? IpMode { get; set; }

    /// <summary>The state of each port; MetalLB and we say nothing here, others do.</summary>
    public JsonNode? Ports { get; set; }
}

/// <summary><c>discovery.k8s.io/v1 EndpointSlice</c>.</summary>
public sealed class EndpointSlice : KubeObject
{
    /// <summary>IPv4, IPv6, FQDN.</summary>
    public string? AddressType { get; set; }

    /// <summary>The endpoints.</summary>
    public List<Endpoint>? Endpoints { get; set; }

    /// <summary>The ports all of them serve.</summary>
    public List<EndpointPortSpec>? Ports { get; set; }
}

/// <summary><c>discovery.k8s.io/v1 Endpoint</c>.</summary>
public sealed class Endpoint
{
    /// <summary>Addresses of one endpoint; consumers use the first.</summary>
    public List<string>? Addresses { get; set; }

    /// <summary>Its conditions.</summary>
    public EndpointConditions? Conditions { get; set; }

    /// <summary>Its node.</summary>
    public string? NodeName { get; set; }

    /// <summary>Its zone.</summary>
    public string? Zone { get; set; }

    /// <summary>Who should use it.</summary>
    public EndpointHints? Hints { get; set; }

    /// <summary>Usually its pod.</summary>
    public ObjectReference? TargetRef { get; set; }
}

/// <summary><c>discovery.k8s.io/v1 EndpointConditions</c>.</summary>
public sealed class EndpointConditions
{
    /// <summary>Absent means true.</summary>
    public bool? Ready { get; set; }

    /// <summary>Absent means true.</summary>
    public bool? Serving { get; set; }

    /// <summary>Absent means false.</summary>
    public bool? Terminating { get; set; }
}

/// <summary><c>discovery.k8s.io/v1 EndpointHints</c>.</summary>
public sealed class EndpointHints
{
    /// <summary>Zones.</summary>
    public List<NameReference>? ForZones { get; set; }

    /// <summary>Nodes.</summary>
    public List<NameReference>? ForNodes { get; set; }
}

/// <summary>A name in a list of names.</summary>
public sealed class NameReference
{
    /// <summary>The name.</summary>
    public string? Name { get; set; }
}

/// <summary><c>discovery.k8s.io/v1 EndpointPort</c>.</summary>
public sealed class EndpointPortSpec
{
    /// <summary>Matches the Service port's name.</summary>
    public string? Name { get; set; }

    /// <summary>TCP, UDP, SCTP.</summary>
    public string? Protocol { get; set; }

    /// <summary>1..65535.</summary>
    public int? Port { get; set; }
}

/// <summary><c>v1 ObjectReference</c>.</summary>
public sealed class ObjectReference
{
    /// <summary>API version.</summary>
    public string? ApiVersion { get; set; }

    /// <summary>Kind.</summary>
    public string? Kind { get; set; }

    /// <summary>Namespace.</summary>
    public string? Namespace { get; set; }

    /// <summary>Name.</summary>
    public string? Name { get; set; }

    /// <summary>Uid.</summary>
    public string? Uid { get; set; }

    /// <summary>Resource version.</summary>
    public string? ResourceVersion { get; set; }

    /// <summary>A part of the object.</summary>
    public string? FieldPath { get; set; }
}

/// <summary><c>v1 Node</c>, the parts Portolan reads.</summary>
public sealed class Node : KubeObject
{
    /// <summary><c>spec</c>.</summary>
    public NodeSpec? Spec { get; set; }

    /// <summary><c>status</c>.</summary>
    public NodeStatus? Status { get; set; }
}

/// <summary><c>v1 NodeSpec</c>.</summary>
public sealed class NodeSpec
{
    /// <summary>The first pod range.</summary>
    public string? PodCIDR { get; set; }

    /// <summary>All pod ranges.</summary>
    public List<string>? PodCIDRs { get; set; }

    /// <summary>Cordoned.</summary>
    public bool? Unschedulable { get; set; }

    /// <summary>Taints.</summary>
    public List<Taint>? Taints { get; set; }
}

/// <summary><c>v1 Taint</c>.</summary>
public sealed class Taint
{
    /// <summary>Key.</summary>
    public string? Key { get; set; }

    /// <summary>Value.</summary>
    public string? Value { get; set; }

    /// <summary>NoSchedule, PreferNoSchedule, NoExecute.</summary>
    public string? Effect { get; set; }
}

/// <summary><c>v1 NodeStatus</c>.</summary>
public sealed class NodeStatus
{
    /// <summary>Addresses.</summary>
    public List<NodeAddress>? Addresses { get; set; }

    /// <summary>Conditions.</summary>
    public List<Condition>? Conditions { get; set; }
}

/// <summary><c>v1 NodeAddress</c>.</summary>
public sealed class NodeAddress
{
    /// <summary>InternalIP, ExternalIP, Hostname, …</summary>
    public string? Type { get; set; }

    /// <summary>The address.</summary>
    public string? Address { get; set; }
}

/// <summary><c>v1 Namespace</c>.</summary>
public sealed class Namespace : KubeObject;

/// <summary><c>v1 Secret</c>.</summary>
public sealed class Secret : KubeObject
{
    /// <summary>E.g. Opaque.</summary>
    public string? Type { get; set; }

    /// <summary>Values, base64 on the wire.</summary>
    public Dictionary<string, byte[]>? Data { get; set; }
}

/// <summary><c>v1 ConfigMap</c>.</summary>
public sealed class ConfigMap : KubeObject
{
    /// <summary>Values.</summary>
    public Dictionary<string, string>? Data { get; set; }
}

/// <summary><c>v1 Event</c>.</summary>
public sealed class Event : KubeObject
{
    /// <summary>What it is about.</summary>
    public ObjectReference? InvolvedObject { get; set; }

    /// <summary>Why, in one word.</summary>
    public string? Reason { get; set; }

    /// <summary>Why, in a sentence.</summary>
    public string? Message { get; set; }

    /// <summary>Normal or Warning.</summary>
    public string? Type { get; set; }

    /// <summary>Who reports.</summary>
    public EventSource? Source { get; set; }

    /// <summary>First seen.</summary>
    public DateTimeOffset? FirstTimestamp { get; set; }

    /// <summary>Last seen.</summary>
    public DateTimeOffset? LastTimestamp { get; set; }

    /// <summary>How often.</summary>
    public int? Count { get; set; }
}

/// <summary><c>v1 EventSource</c>.</summary>
public sealed class EventSource
{
    /// <summary>The reporting program.</summary>
    public string? Component { get; set; }

    /// <summary>The node it runs on.</summary>
    public string? Host { get; set; }
}

/// <summary><c>coordination.k8s.io/v1 Lease</c>.</summary>
public sealed class Lease : KubeObject
{
    /// <summary><c>spec</c>.</summary>
    public LeaseSpec? Spec { get; set; }
}

/// <summary><c>coordination.k8s.io/v1 LeaseSpec</c>.</summary>
public sealed class LeaseSpec
{
    /// <summary>Who holds it.</summary>
    public string? HolderIdentity { get; set; }

    /// <summary>For how long a renewal counts.</summary>
    public int? LeaseDurationSeconds { get; set; }

    /// <summary>When it was taken.</summary>
    [JsonConverter(typeof(MicroTimeConverter))]
    public DateTimeOffset? AcquireTime { get; set; }

    /// <summary>When it was last renewed.</summary>
    [JsonConverter(typeof(MicroTimeConverter))]
    public DateTimeOffset? RenewTime { get; set; }

    /// <summary>How often it changed hands.</summary>
    public int? LeaseTransitions { get; set; }
}
