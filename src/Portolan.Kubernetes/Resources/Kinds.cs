using Portolan.Kubernetes.Client;

namespace Portolan.Kubernetes.Resources;

/// <summary>The kinds Portolan has models for.</summary>
public static class Kinds
{
    /// <summary><c>v1 Service</c>.</summary>
    public static ResourceType<Service> Services { get; } = new("", "v1", "services", "Service", true, KubeJson.Default.Service);

    /// <summary><c>discovery.k8s.io/v1 EndpointSlice</c>.</summary>
    public static ResourceType<EndpointSlice> EndpointSlices { get; } = new("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice", true, KubeJson.Default.EndpointSlice);

    /// <summary><c>networking.k8s.io/v1 ServiceCIDR</c>.</summary>
    public static ResourceType<ServiceCIDR> ServiceCIDRs { get; } = new("networking.k8s.io", "v1", "servicecidrs", "ServiceCIDR", false, KubeJson.Default.ServiceCIDR);

    /// <summary><c>v1 Node</c>.</summary>
    public static ResourceType<Node> Nodes { get; } = new("", "v1", "nodes", "Node", false, KubeJson.Default.Node);

    /// <summary><c>v1 Node</c>, to be read for its labels only.</summary>
    public static ResourceType<NodeLabels> NodeLabels { get; } = new("", "v1", "nodes", "Node", false, KubeJson.Default.NodeLabels);

    /// <summary><c>v1 Namespace</c>.</summary>
    public static ResourceType<Namespace> Namespaces { get; } = new("", "v1", "namespaces", "Namespace", false, KubeJson.Default.Namespace);

    /// <summary><c>v1 Pod</c>, untyped.</summary>
    public static ResourceType<UntypedObject> Pods { get; } = ResourceType.Untyped("", "v1", "pods", "Pod", true);

    /// <summary><c>v1 Secret</c>.</summary>
    public static ResourceType<Secret> Secrets { get; } = new("", "v1", "secrets", "Secret", true, KubeJson.Default.Secret);

    /// <summary><c>v1 ConfigMap</c>.</summary>
    public static ResourceType<ConfigMap> ConfigMaps { get; } = new("", "v1", "configmaps", "ConfigMap", true, KubeJson.Default.ConfigMap);

    /// <summary><c>v1 Event</c>.</summary>
    public static ResourceType<Event> Events { get; } = new("", "v1", "events", "Event", true, KubeJson.Default.Event);

    /// <summary><c>coordination.k8s.io/v1 Lease</c>.</summary>
    public static ResourceType<Lease> Leases { get; } = new("coordination.k8s.io", "v1", "leases", "Lease", true, KubeJson.Default.Lease);

    /// <summary><c>metallb.io/v1beta1 IPAddressPool</c>.</summary>
    public static ResourceType<IPAddressPool> IPAddressPools { get; } = new("metallb.io", "v1beta1", "ipaddresspools", "IPAddressPool", true, KubeJson.Default.IPAddressPool);

    /// <summary><c>metallb.io/v1beta1 L2Advertisement</c>.</summary>
    public static ResourceType<L2Advertisement> L2Advertisements { get; } = new("metallb.io", "v1beta1", "l2advertisements", "L2Advertisement", true, KubeJson.Default.L2Advertisement);

    /// <summary><c>metallb.io/v1beta1 BGPAdvertisement</c>.</summary>
    public static ResourceType<BGPAdvertisement> BGPAdvertisements { get; } = new("metallb.io", "v1beta1", "bgpadvertisements", "BGPAdvertisement", true, KubeJson.Default.BGPAdvertisement);

    /// <summary><c>metallb.io/v1beta2 BGPPeer</c>.</summary>
    public static ResourceType<BGPPeer> BGPPeers { get; } = new("metallb.io", "v1beta2", "bgppeers", "BGPPeer", true, KubeJson.Default.BGPPeer);

    /// <summary><c>metallb.io/v1beta1 BFDProfile</c>.</summary>
    public static ResourceType<BFDProfile> BFDProfiles { get; } = new("metallb.io", "v1beta1", "bfdprofiles", "BFDProfile", true, KubeJson.Default.BFDProfile);

    /// <summary><c>metallb.io/v1beta1 Community</c>.</summary>
    public static ResourceType<Community> Communities { get; } = new("metallb.io", "v1beta1", "communities", "Community", true, KubeJson.Default.Community);

    /// <summary><c>metallb.io/v1beta1 ServiceBGPStatus</c>.</summary>
    public static ResourceType<ServiceBGPStatus> ServiceBGPStatuses { get; } = new("metallb.io", "v1beta1", "servicebgpstatuses", "ServiceBGPStatus", true, KubeJson.Default.ServiceBGPStatus);

    /// <summary><c>metallb.io/v1beta1 ServiceL2Status</c>.</summary>
    public static ResourceType<ServiceL2Status> ServiceL2Statuses { get; } = new("metallb.io", "v1beta1", "servicel2statuses", "ServiceL2Status", true, KubeJson.Default.ServiceL2Status);

    /// <summary><c>metallb.io/v1beta1 ConfigurationState</c>.</summary>
    public static ResourceType<ConfigurationState> ConfigurationStates { get; } = new("metallb.io", "v1beta1", "configurationstates", "ConfigurationState", true, KubeJson.Default.ConfigurationState);

    /// <summary><c>portolan.dev/v1alpha1 AddressPoolPolicy</c>.</summary>
    public static ResourceType<PolicyObject> AddressPoolPolicies { get; } = new("portolan.dev", "v1alpha1", "addresspoolpolicies", "AddressPoolPolicy", true, KubeJson.Default.PolicyObject);

    /// <summary><c>portolan.dev/v1alpha1 AddressReservation</c>.</summary>
    public static ResourceType<ReservationObject> AddressReservations { get; } = new("portolan.dev", "v1alpha1", "addressreservations", "AddressReservation", true, KubeJson.Default.ReservationObject);

    /// <summary><c>portolan.dev/v1alpha1 AnnouncementPolicy</c>.</summary>
    public static ResourceType<AnnouncementPolicyObject> AnnouncementPolicies { get; } = new("portolan.dev", "v1alpha1", "announcementpolicies", "AnnouncementPolicy", true, KubeJson.Default.AnnouncementPolicyObject);

    /// <summary><c>portolan.dev/v1alpha1 BGPPolicy</c>.</summary>
    public static ResourceType<BgpPolicyObject> BGPPolicies { get; } = new("portolan.dev", "v1alpha1", "bgppolicies", "BGPPolicy", true, KubeJson.Default.BgpPolicyObject);
}
