using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Core.Forwarding;

/// <summary>Why a Service is reachable at a front.</summary>
public enum FrontKind : byte
{
    /// <summary><c>spec.clusterIPs</c>.</summary>
    ClusterIP,

    /// <summary><c>status.loadBalancer.ingress</c> with an <c>ipMode</c> of VIP, or none.</summary>
    LoadBalancer,

    /// <summary><c>spec.externalIPs</c>.</summary>
    ExternalIP,

    /// <summary><c>spec.ports[].nodePort</c> at the node's own addresses.</summary>
    NodePort,
}

/// <summary>Where packets for a Service port arrive: an address and a port, or a port of the node itself.</summary>
/// <param name="Address">The destination address; the family's unspecified address for node ports.</param>
/// <param name="IsNodePort">Whichever of the node's own addresses.</param>
/// <param name="Protocol">The layer-4 protocol.</param>
/// <param name="Port">The destination port.</param>
public readonly record struct Front(IpAddress Address, bool IsNodePort, Protocol Protocol, ushort Port)
{
    /// <summary>A port of an address.</summary>
    public static Front At(IpAddress address, Protocol protocol, ushort port) => new(address, false, protocol, port);

    /// <summary>A port of the node's own addresses.</summary>
    public static Front OfNode(IpFamily family, Protocol protocol, ushort port) => new(IpAddress.Of(family, 0), true, protocol, port);

    /// <summary>The address's family.</summary>
    public IpFamily Family => Address.Family;

    /// <summary><c>address:port/protocol</c>; <c>*</c> for the node's own addresses.</summary>
    public override string ToString() =>
        $"{(IsNodePort ? "*" : Address.IsIPv4 ? Address : $"[{Address}]")}:{Port}/{Protocol.ToString().ToLowerInvariant()}";
}

/// <summary>Whose source address is replaced by the node's, so that replies come back this way.</summary>
public enum MasqueradePolicy : byte
{
    /// <summary>Nobody's.</summary>
    Never,

    /// <summary>Every client's.</summary>
    Always,

    /// <summary>Clients' outside the pods' addresses.</summary>
    OffCluster,

    /// <summary>The node's own connections'.</summary>
    FromNode,
}

/// <summary>A front of a Service port and how traffic to it is treated. Connections of an endpoint to itself are always masqueraded.</summary>
/// <param name="Front">Where packets arrive.</param>
/// <param name="Kind">Why there.</param>
/// <param name="Policy">Which real servers: the cluster's or this node's.</param>
/// <param name="ShortCircuit">
/// Although the policy is Local, clients inside the cluster (pods, and the node itself) get the cluster's real servers: for them the
/// address is a way into the Service, not an arrival at this node.
/// </param>
/// <param name="Masquerade">Whose source address is replaced.</param>
public readonly record struct VirtualServer(Front Front, FrontKind Kind, TrafficPolicy Policy, bool ShortCircuit, MasqueradePolicy Masquerade);

/// <summary>Where a connection may be sent.</summary>
/// <param name="Address">The endpoint's address.</param>
/// <param name="Port">The endpoint's port.</param>
public readonly record struct RealServer(IpAddress Address, ushort Port) : IComparable<RealServer>
{
    /// <summary>By address, then by port.</summary>
    public int CompareTo(RealServer other) => Address.CompareTo(other.Address) is not 0 and var order ? order : Port.CompareTo(other.Port);

    /// <summary><c>address:port</c>.</summary>
    public override string ToString() => Address.IsIPv4 ? $"{Address}:{Port}" : $"[{Address}]:{Port}";
}
