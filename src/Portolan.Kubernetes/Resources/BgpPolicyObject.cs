using System.Text.Json.Serialization;

namespace Portolan.Kubernetes.Resources;

/// <summary><c>portolan.dev/v1alpha1 BGPPolicy</c>: what MetalLB's BGPPeer cannot say.</summary>
public sealed class BgpPolicyObject : KubeObject
{
    /// <summary><c>spec</c>.</summary>
    [JsonConverter(typeof(WrittenSpecConverter<BgpPolicyObjectSpec>))]
    public BgpPolicyObjectSpec? Spec { get; set; }
}

/// <summary>The specification of a BGPPolicy.</summary>
public sealed class BgpPolicyObjectSpec : WrittenSpec
{
    /// <summary>BGPPeers by name.</summary>
    public List<string>? Peers { get; set; }

    /// <summary>Nodes by label.</summary>
    public List<LabelSelectorSpec>? NodeSelectors { get; set; }

    /// <summary>MULTI_EXIT_DISC.</summary>
    public long? Med { get; set; }

    /// <summary>How many times more our AS number is sent.</summary>
    public long? Prepend { get; set; }

    /// <summary>Megabits per second.</summary>
    public long? LinkBandwidthPerEndpoint { get; set; }

    /// <summary>The peer is at most so far away.</summary>
    public long? TtlSecurityHops { get; set; }

    /// <summary><c>global</c>, <c>single</c>, <c>double</c> or <c>unspecified-first</c>.</summary>
    public string? LinkLocalNextHop { get; set; }

    /// <summary>Wait for the peer to connect.</summary>
    public bool? Passive { get; set; }

    /// <summary>CIDR blocks from which peers connect.</summary>
    public List<string>? ListenRanges { get; set; }

    /// <summary>At most so many of them.</summary>
    public long? ListenLimit { get; set; }

    /// <summary>Octets.</summary>
    [JsonPropertyName("tcpMSS")]
    public long? TcpMSS { get; set; }

    /// <summary>What a peer may send.</summary>
    public long? MaxPrefixes { get; set; }
}
