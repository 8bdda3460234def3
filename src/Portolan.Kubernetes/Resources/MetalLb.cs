using System.Text.Json.Serialization;

namespace Portolan.Kubernetes.Resources;

/// <summary><c>metallb.io/v1beta1 IPAddressPool</c>.</summary>
public sealed class IPAddressPool : KubeObject
{
    /// <summary><c>spec</c>.</summary>
    [JsonConverter(typeof(WrittenSpecConverter<IPAddressPoolSpec>))]
    public IPAddressPoolSpec? Spec { get; set; }

    /// <summary><c>status</c>.</summary>
    public IPAddressPoolStatus? Status { get; set; }
}

/// <summary>The specification of an IPAddressPool.</summary>
public sealed class IPAddressPoolSpec : WrittenSpec
{
    /// <summary>CIDR blocks or <c>start-end</c> ranges.</summary>
    public List<string>? Addresses { get; set; }

    /// <summary>False: only on explicit request. True when absent.</summary>
    public bool? AutoAssign { get; set; }

    /// <summary>Skip IPv4 addresses that end in .0 or .255.</summary>
    [JsonPropertyName("avoidBuggyIPs")]
    public bool? AvoidBuggyIPs { get; set; }

    /// <summary>Which Services the pool is for.</summary>
    public ServiceAllocation? ServiceAllocation { get; set; }
}

/// <summary><c>spec.serviceAllocation</c>.</summary>
public sealed class ServiceAllocation
{
    /// <summary>Lower first; 0 or absent last.</summary>
    public int? Priority { get; set; }

    /// <summary>By name.</summary>
    public List<string>? Namespaces { get; set; }

    /// <summary>By label.</summary>
    public List<LabelSelectorSpec>? NamespaceSelectors { get; set; }

    /// <summary>By label.</summary>
    public List<LabelSelectorSpec>? ServiceSelectors { get; set; }
}

/// <summary>The counters of an IPAddressPool.</summary>
public sealed class IPAddressPoolStatus
{
    /// <summary>IPv4 addresses in use.</summary>
    [JsonPropertyName("assignedIPv4")]
    public long AssignedIPv4 { get; set; }

    /// <summary>IPv6 addresses in use.</summary>
    [JsonPropertyName("assignedIPv6")]
    public long AssignedIPv6 { get; set; }

    /// <summary>IPv4 addresses left.</summary>
    [JsonPropertyName("availableIPv4")]
    public long AvailableIPv4 { get; set; }

    /// <summary>IPv6 addresses left; the largest int64 when more.</summary>
    [JsonPropertyName("availableIPv6")]
    public long AvailableIPv6 { get; set; }
}

/// <summary><c>metallb.io/v1beta1 L2Advertisement</c>.</summary>
public sealed class L2Advertisement : KubeObject
{
    /// <summary><c>spec</c>.</summary>
    [JsonConverter(typeof(WrittenSpecConverter<L2AdvertisementSpec>))]
    public L2AdvertisementSpec? Spec { get; set; }
}

/// <summary>The specification of an L2Advertisement.</summary>
public sealed class L2AdvertisementSpec : WrittenSpec
{
    /// <summary>Pools by name.</summary>
    [JsonPropertyName("ipAddressPools")]
    public List<string>? IPAddressPools { get; set; }

    /// <summary>Pools by label.</summary>
    [JsonPropertyName("ipAddressPoolSelectors")]
    public List<LabelSelectorSpec>? IPAddressPoolSelectors { get; set; }

    /// <summary>Nodes by label.</summary>
    public List<LabelSelectorSpec>? NodeSelectors { get; set; }

    /// <summary>Nodes to be preferred, by label.</summary>
    public List<PreferredNodeSelector>? PreferredNodeSelectors { get; set; }

    /// <summary>Services by label.</summary>
    public List<LabelSelectorSpec>? ServiceSelectors { get; set; }

    /// <summary>Interfaces by exact name.</summary>
    public List<string>? Interfaces { get; set; }
}

/// <summary>One entry of <c>spec.preferredNodeSelectors</c>.</summary>
public sealed class PreferredNodeSelector
{
    /// <summary>1..100.</summary>
    public int Weight { get; set; }

    /// <summary>The nodes.</summary>
    public LabelSelectorSpec? Preference { get; set; }
}

/// <summary><c>metallb.io/v1beta1 ServiceL2Status</c>.</summary>
public sealed class ServiceL2Status : KubeObject
{
    /// <summary><c>spec</c>: always empty.</summary>
    public EmptySpec? Spec { get; set; }

    /// <summary><c>status</c>.</summary>
    public ServiceL2StatusStatus? Status { get; set; }
}

/// <summary>A specification without fields.</summary>
public sealed class EmptySpec;

/// <summary>Who announces a Service on layer 2.</summary>
public sealed class ServiceL2StatusStatus
{
    /// <summary>The announcing node.</summary>
    public string? Node { get; set; }

    /// <summary>The Service.</summary>
    public string? ServiceName { get; set; }

    /// <summary>Its namespace.</summary>
    public string? ServiceNamespace { get; set; }

    /// <summary>Restricted to these; empty means all.</summary>
    public List<NameReference>? Interfaces { get; set; }
}

/// <summary><c>metallb.io/v1beta1 ConfigurationState</c>.</summary>
public sealed class ConfigurationState : KubeObject
{
    /// <summary><c>status</c>.</summary>
    public ConfigurationStateStatus? Status { get; set; }
}

/// <summary>Whether a component could use the configuration it read.</summary>
public sealed class ConfigurationStateStatus
{
    /// <summary>Valid, Invalid, Unknown.</summary>
    public string? Result { get; set; }

    /// <summary>What is wrong.</summary>
    public string? ErrorSummary { get; set; }

    /// <summary>Conditions.</summary>
    public List<Condition>? Conditions { get; set; }
}
