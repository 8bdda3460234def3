using System.Text.Json.Serialization;

namespace Portolan.Kubernetes.Resources;

/// <summary>Source-generated JSON of every model: camel case, absent where null.</summary>
[JsonSourceGenerationOptions(
    PropertyNamingPolicy = JsonKnownNamingPolicy.CamelCase,
    DefaultIgnoreCondition = JsonIgnoreCondition.WhenWritingNull,
    Converters = [typeof(TimeConverter)])]
[JsonSerializable(typeof(Service))]
[JsonSerializable(typeof(EndpointSlice))]
[JsonSerializable(typeof(ServiceCIDR))]
[JsonSerializable(typeof(Node))]
[JsonSerializable(typeof(NodeLabels))]
[JsonSerializable(typeof(Namespace))]
[JsonSerializable(typeof(Secret))]
[JsonSerializable(typeof(ConfigMap))]
[JsonSerializable(typeof(Event))]
[JsonSerializable(typeof(Lease))]
[JsonSerializable(typeof(IPAddressPool))]
[JsonSerializable(typeof(IPAddressPoolSpec))]
[JsonSerializable(typeof(L2Advertisement))]
[JsonSerializable(typeof(L2AdvertisementSpec))]
[JsonSerializable(typeof(BGPAdvertisement))]
[JsonSerializable(typeof(BGPAdvertisementSpec))]
[JsonSerializable(typeof(BGPPeer))]
[JsonSerializable(typeof(BGPPeerSpec))]
[JsonSerializable(typeof(BFDProfile))]
[JsonSerializable(typeof(BFDProfileSpec))]
[JsonSerializable(typeof(Community))]
[JsonSerializable(typeof(CommunityListSpec))]
[JsonSerializable(typeof(ServiceBGPStatus))]
[JsonSerializable(typeof(ServiceL2Status))]
[JsonSerializable(typeof(ConfigurationState))]
[JsonSerializable(typeof(PolicyObject))]
[JsonSerializable(typeof(PolicyObjectSpec))]
[JsonSerializable(typeof(ReservationObject))]
[JsonSerializable(typeof(ReservationObjectSpec))]
[JsonSerializable(typeof(AnnouncementPolicyObject))]
[JsonSerializable(typeof(AnnouncementPolicyObjectSpec))]
[JsonSerializable(typeof(BgpPolicyObject))]
[JsonSerializable(typeof(BgpPolicyObjectSpec))]
[JsonSerializable(typeof(UntypedObject))]
[JsonSerializable(typeof(Status))]
[JsonSerializable(typeof(Bookmark))]
[JsonSerializable(typeof(ListMeta))]
internal sealed partial class KubeJson : JsonSerializerContext;
