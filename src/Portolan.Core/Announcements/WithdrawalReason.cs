namespace Portolan.Core.Announcements;

/// <summary>Why a Service, or a node for a Service, is not announced. <see cref="WithdrawalReasons.Name"/> gives MetalLB's word for it.</summary>
public enum WithdrawalReason : byte
{
    /// <summary>It is announced.</summary>
    None,

    /// <summary>The Service is not of type LoadBalancer, or another load balancer's class.</summary>
    NotLoadBalancer,

    /// <summary>The Service has no address.</summary>
    NoIPAllocated,

    /// <summary>An address of the Service is in no pool, or its addresses are not in one pool.</summary>
    IPNotAllowed,

    /// <summary>No advertisement covers the pool and the Service; or, said of a node, none of those that do selects it.</summary>
    NoMatchingAdvertisement,

    /// <summary>The Service shares its address, and an advertisement would announce it for only some of the sharers.</summary>
    SharedIPWithServiceSelector,

    /// <summary>No endpoint can serve.</summary>
    NoEndpoints,

    /// <summary><c>externalTrafficPolicy: Local</c>, and no endpoint on the node can serve.</summary>
    NoLocalEndpoints,

    /// <summary>The node's condition NetworkUnavailable is true.</summary>
    NodeNetworkUnavailable,

    /// <summary>The node is labelled node.kubernetes.io/exclude-from-external-load-balancers.</summary>
    NodeLabeledExcludeBalancers,

    /// <summary>No speaker runs on the node, or none has been heard of.</summary>
    NoSpeaker,

    /// <summary>Another node ranks before this one.</summary>
    NotOwner,

    /// <summary>By policy the majority of the nodes must be reachable, and is not. MetalLB knows no such reason.</summary>
    NoMajority,

    /// <summary>Somebody else claims all its addresses, and by policy they are left to him. MetalLB knows no such reason.</summary>
    AddressConflict,

    /// <summary>Two BGPAdvertisements would announce one prefix to one peer with different localPrefs.</summary>
    ConflictingAdvertisements,

    /// <summary>The node has no BGPPeer that the BGPAdvertisements are for. MetalLB knows no such reason.</summary>
    NoMatchingPeers,
}

/// <summary>The words for the reasons.</summary>
public static class WithdrawalReasons
{
    /// <summary>The reason as MetalLB's speaker logs it, so that searches and alerts keep working.</summary>
    public static string Name(this WithdrawalReason reason) => reason switch
    {
        WithdrawalReason.None => "",
        WithdrawalReason.NotLoadBalancer => "notLoadBalancer",
        WithdrawalReason.NoIPAllocated => "noIPAllocated",
        WithdrawalReason.IPNotAllowed => "ipNotAllowed",
        WithdrawalReason.NoMatchingAdvertisement => "noMatchingAdvertisement",
        WithdrawalReason.SharedIPWithServiceSelector => "sharedIPWithServiceSelector",
        WithdrawalReason.NoEndpoints => "noEndpoints",
        WithdrawalReason.NoLocalEndpoints => "noLocalEndpoints",
        WithdrawalReason.NodeNetworkUnavailable => "nodeNetworkUnavailable",
        WithdrawalReason.NodeLabeledExcludeBalancers => "nodeLabeledExcludeBalancers",
        WithdrawalReason.NoSpeaker => "noSpeaker",
        WithdrawalReason.NotOwner => "notOwner",
        WithdrawalReason.NoMajority => "noMajority",
        WithdrawalReason.AddressConflict => "addressConflict",
        WithdrawalReason.ConflictingAdvertisements => "conflictingAdvertisements",
        WithdrawalReason.NoMatchingPeers => "noMatchingPeers",
        _ => throw new ArgumentOutOfRangeException(nameof(reason)),
    };
}
