using System.Text.Json.Serialization;

namespace Portolan.Kubernetes.Resources;

/// <summary><c>portolan.dev/v1alpha1 AnnouncementPolicy</c>: what layer 2 does beyond MetalLB's, for the addresses of some pools.</summary>
public sealed class AnnouncementPolicyObject : KubeObject
{
    /// <summary><c>spec</c>.</summary>
    [JsonConverter(typeof(WrittenSpecConverter<AnnouncementPolicyObjectSpec>))]
    public AnnouncementPolicyObjectSpec? Spec { get; set; }
}

/// <summary>The specification of an AnnouncementPolicy.</summary>
public sealed class AnnouncementPolicyObjectSpec : WrittenSpec
{
    /// <summary>Pools by name.</summary>
    [JsonPropertyName("ipAddressPools")]
    public List<string>? IPAddressPools { get; set; }

    /// <summary>Pools by label.</summary>
    [JsonPropertyName("ipAddressPoolSelectors")]
    public List<LabelSelectorSpec>? IPAddressPoolSelectors { get; set; }

    /// <summary><c>hash</c> or <c>bounded</c>.</summary>
    public string? Placement { get; set; }

    /// <summary><c>one</c> or <c>all</c>.</summary>
    public string? AnnounceFrom { get; set; }

    /// <summary>Nodes to prefer.</summary>
    public List<PreferredNodeSelector>? PreferredNodeSelectors { get; set; }

    /// <summary>When a node that came back announces again.</summary>
    public FailbackSpec? Failback { get; set; }

    /// <summary><c>defend</c>, <c>yield</c> or <c>refuse</c>.</summary>
    public string? OnConflict { get; set; }

    /// <summary>Announce only with the majority of the nodes.</summary>
    public bool? RequireMajority { get; set; }
}

/// <summary><c>spec.failback</c>.</summary>
public sealed class FailbackSpec
{
    /// <summary>So long a node that came back waits.</summary>
    public string? HoldDown { get; set; }

    /// <summary>A node that comes back again and again waits longer, up to this.</summary>
    public string? MaxHoldDown { get; set; }
}
