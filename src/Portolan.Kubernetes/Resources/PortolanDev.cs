using System.Text.Json.Serialization;

namespace Portolan.Kubernetes.Resources;

/// <summary><c>portolan.dev/v1alpha1 AddressPoolPolicy</c>: what MetalLB's pools cannot say.</summary>
public sealed class PolicyObject : KubeObject
{
    /// <summary><c>spec</c>.</summary>
    [JsonConverter(typeof(WrittenSpecConverter<PolicyObjectSpec>))]
    public PolicyObjectSpec? Spec { get; set; }
}

/// <summary>The specification of an AddressPoolPolicy.</summary>
public sealed class PolicyObjectSpec : WrittenSpec
{
    /// <summary>Pools by name.</summary>
    [JsonPropertyName("ipAddressPools")]
    public List<string>? IPAddressPools { get; set; }

    /// <summary>Pools by label.</summary>
    [JsonPropertyName("ipAddressPoolSelectors")]
    public List<LabelSelectorSpec>? IPAddressPoolSelectors { get; set; }

    /// <summary>So long an address waits for its Service to come back.</summary>
    public string? RetainFor { get; set; }

    /// <summary>So long a freed address is given to nobody.</summary>
    public string? CoolDown { get; set; }

    /// <summary>How much a namespace may have.</summary>
    public List<QuotaSpec>? Quotas { get; set; }

    /// <summary>The pool of the other family.</summary>
    public string? PairWith { get; set; }

    /// <summary>What the pools must not cover.</summary>
    public PoolGuardSpec? Guard { get; set; }
}

/// <summary><c>spec.quotas[]</c>.</summary>
public sealed class QuotaSpec
{
    /// <summary>By name.</summary>
    public List<string>? Namespaces { get; set; }

    /// <summary>By label.</summary>
    public List<LabelSelectorSpec>? NamespaceSelectors { get; set; }

    /// <summary>At most so many.</summary>
    public long? Addresses { get; set; }
}

/// <summary><c>spec.guard</c>.</summary>
public sealed class PoolGuardSpec
{
    /// <summary>Addresses of Nodes.</summary>
    public bool? Nodes { get; set; }

    /// <summary>Pod ranges of Nodes.</summary>
    public bool? Pods { get; set; }

    /// <summary>Cluster IPs of Services.</summary>
    public bool? Services { get; set; }

    /// <summary>Ranges given by hand.</summary>
    public List<string>? Cidrs { get; set; }
}

/// <summary><c>portolan.dev/v1alpha1 AddressReservation</c>: addresses that are for one Service, or for nobody.</summary>
public sealed class ReservationObject : KubeObject
{
    /// <summary><c>spec</c>.</summary>
    [JsonConverter(typeof(WrittenSpecConverter<ReservationObjectSpec>))]
    public ReservationObjectSpec? Spec { get; set; }
}

/// <summary>The specification of an AddressReservation.</summary>
public sealed class ReservationObjectSpec : WrittenSpec
{
    /// <summary>Whom they are for; absent: for nobody.</summary>
    public ServiceReference? Service { get; set; }

    /// <summary>The addresses.</summary>
    public List<string>? Addresses { get; set; }

    /// <summary>RFC 3339; absent: without end, or as long as the Service holds them.</summary>
    public string? ExpiresAt { get; set; }
}

/// <summary>A Service by namespace and name.</summary>
public sealed class ServiceReference
{
    /// <summary>Its namespace.</summary>
    public string? Namespace { get; set; }

    /// <summary>Its name.</summary>
    public string? Name { get; set; }
}
