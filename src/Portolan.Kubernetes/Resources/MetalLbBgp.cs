using System.Text.Json.Serialization;

namespace Portolan.Kubernetes.Resources;

/// <summary><c>metallb.io/v1beta1 BGPAdvertisement</c>.</summary>
public sealed class BGPAdvertisement : KubeObject
{
    /// <summary><c>spec</c>.</summary>
    [JsonConverter(typeof(WrittenSpecConverter<BGPAdvertisementSpec>))]
    public BGPAdvertisementSpec? Spec { get; set; }
}

/// <summary>The specification of a BGPAdvertisement.</summary>
public sealed class BGPAdvertisementSpec : WrittenSpec
{
    /// <summary>1..32; 32 when absent.</summary>
    public long? AggregationLength { get; set; }

    /// <summary>1..128; 128 when absent.</summary>
    public long? AggregationLengthV6 { get; set; }

    /// <summary>LOCAL_PREF towards internal peers.</summary>
    public long? LocalPref { get; set; }

    /// <summary>Values and aliases.</summary>
    public List<string>? Communities { get; set; }

    /// <summary>Pools by name.</summary>
    [JsonPropertyName("ipAddressPools")]
    public List<string>? IPAddressPools { get; set; }

    /// <summary>Pools by label.</summary>
    [JsonPropertyName("ipAddressPoolSelectors")]
    public List<LabelSelectorSpec>? IPAddressPoolSelectors { get; set; }

    /// <summary>Nodes by label.</summary>
    public List<LabelSelectorSpec>? NodeSelectors { get; set; }

    /// <summary>BGPPeers by name.</summary>
    public List<string>? Peers { get; set; }

    /// <summary>Services by label.</summary>
    public List<LabelSelectorSpec>? ServiceSelectors { get; set; }
}

/// <summary><c>metallb.io/v1beta2 BGPPeer</c>.</summary>
public sealed class BGPPeer : KubeObject
{
    /// <summary><c>spec</c>.</summary>
    [JsonConverter(typeof(WrittenSpecConverter<BGPPeerSpec>))]
    public BGPPeerSpec? Spec { get; set; }
}

/// <summary>The specification of a BGPPeer.</summary>
public sealed class BGPPeerSpec : WrittenSpec
{
    /// <summary>Our AS number.</summary>
    [JsonPropertyName("myASN")]
    public long? MyASN { get; set; }

    /// <summary>The peer's AS number.</summary>
    [JsonPropertyName("peerASN")]
    public long? PeerASN { get; set; }

    /// <summary>internal or external.</summary>
    [JsonPropertyName("dynamicASN")]
    public string? DynamicASN { get; set; }

    /// <summary>The AS number shown to the peer in place of ours.</summary>
    [JsonPropertyName("localASN")]
    public long? LocalASN { get; set; }

    /// <summary>The peer's address.</summary>
    public string? PeerAddress { get; set; }

    /// <summary>The interface an unnumbered peer is found on.</summary>
    public string? Interface { get; set; }

    /// <summary>Our address of the session.</summary>
    public string? SourceAddress { get; set; }

    /// <summary>1..16384; 179 when absent.</summary>
    public long? PeerPort { get; set; }

    /// <summary>A duration such as 90s.</summary>
    public string? HoldTime { get; set; }

    /// <summary>A duration such as 30s.</summary>
    public string? KeepaliveTime { get; set; }

    /// <summary>Whole seconds such as 120s.</summary>
    public string? ConnectTime { get; set; }

    /// <summary>The BGP identifier, an IPv4 address.</summary>
    [JsonPropertyName("routerID")]
    public string? RouterID { get; set; }

    /// <summary>Nodes by label.</summary>
    public List<LabelSelectorSpec>? NodeSelectors { get; set; }

    /// <summary>TCP MD5 key.</summary>
    public string? Password { get; set; }

    /// <summary>Where the TCP MD5 key is kept.</summary>
    public SecretReference? PasswordSecret { get; set; }

    /// <summary>A BFDProfile by name.</summary>
    public string? BfdProfile { get; set; }

    /// <summary>Cannot be changed.</summary>
    public bool? EnableGracefulRestart { get; set; }

    /// <summary>The external peer may be several hops away.</summary>
    public bool? EbgpMultiHop { get; set; }

    /// <summary>The VRF.</summary>
    public string? Vrf { get; set; }

    /// <summary>Deprecated, without effect.</summary>
    [JsonPropertyName("disableMP")]
    public bool? DisableMP { get; set; }

    /// <summary>Both families over one session.</summary>
    public bool? DualStackAddressFamily { get; set; }
}

/// <summary><c>v1 SecretReference</c>.</summary>
public sealed class SecretReference
{
    /// <summary>The Secret.</summary>
    public string? Name { get; set; }

    /// <summary>Its namespace.</summary>
    public string? Namespace { get; set; }
}

/// <summary><c>metallb.io/v1beta1 BFDProfile</c>.</summary>
public sealed class BFDProfile : KubeObject
{
    /// <summary><c>spec</c>.</summary>
    [JsonConverter(typeof(WrittenSpecConverter<BFDProfileSpec>))]
    public BFDProfileSpec? Spec { get; set; }
}

/// <summary>The specification of a BFDProfile.</summary>
public sealed class BFDProfileSpec : WrittenSpec
{
    /// <summary>10..60000 ms.</summary>
    public long? ReceiveInterval { get; set; }

    /// <summary>10..60000 ms.</summary>
    public long? TransmitInterval { get; set; }

    /// <summary>2..255.</summary>
    public long? DetectMultiplier { get; set; }

    /// <summary>10..60000 ms.</summary>
    public long? EchoInterval { get; set; }

    /// <summary>IPv4 and a single hop only.</summary>
    public bool? EchoMode { get; set; }

    /// <summary>Wait for the peer to begin.</summary>
    public bool? PassiveMode { get; set; }

    /// <summary>1..254.</summary>
    public long? MinimumTtl { get; set; }
}

/// <summary><c>metallb.io/v1beta1 Community</c>.</summary>
public sealed class Community : KubeObject
{
    /// <summary><c>spec</c>.</summary>
    [JsonConverter(typeof(WrittenSpecConverter<CommunityListSpec>))]
    public CommunityListSpec? Spec { get; set; }
}

/// <summary>The specification of a Community.</summary>
public sealed class CommunityListSpec : WrittenSpec
{
    /// <summary>Names and values.</summary>
    public List<CommunityAlias>? Communities { get; set; }
}

/// <summary>A name for a community.</summary>
public sealed class CommunityAlias
{
    /// <summary>The name that advertisements use.</summary>
    public string? Name { get; set; }

    /// <summary><c>number:number</c> or <c>large:number:number:number</c>.</summary>
    public string? Value { get; set; }
}

/// <summary><c>metallb.io/v1beta1 ServiceBGPStatus</c>.</summary>
public sealed class ServiceBGPStatus : KubeObject
{
    /// <summary><c>spec</c>: always empty.</summary>
    public EmptySpec? Spec { get; set; }

    /// <summary><c>status</c>.</summary>
    public ServiceBGPStatusStatus? Status { get; set; }
}

/// <summary>To whom a node means to announce a Service.</summary>
public sealed class ServiceBGPStatusStatus
{
    /// <summary>The announcing node.</summary>
    public string? Node { get; set; }

    /// <summary>The Service.</summary>
    public string? ServiceName { get; set; }

    /// <summary>Its namespace.</summary>
    public string? ServiceNamespace { get; set; }

    /// <summary>Names of BGPPeers.</summary>
    public List<string>? Peers { get; set; }
}
