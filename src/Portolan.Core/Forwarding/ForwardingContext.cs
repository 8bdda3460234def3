using Portolan.Core.Addresses;

namespace Portolan.Core.Forwarding;

/// <summary>What every Service's plan depends on besides the Service: this node and how the proxy was told to work.</summary>
public sealed record ForwardingContext
{
    /// <summary>The label with a node's zone.</summary>
    public const string ZoneLabel = "topology.kubernetes.io/zone";

    /// <summary>This node's name, as endpoints carry it.</summary>
    public required string NodeName { get; init; }

    /// <summary>This node's zone, or empty.</summary>
    public string Zone { get; init; } = "";

    /// <summary>Masquerade everything sent to a ClusterIP.</summary>
    public bool MasqueradeAll { get; init; }

    /// <summary>The pods' addresses of the IPv4 family are known, so clients inside and outside the cluster can be told apart.</summary>
    public bool DetectsPodsIPv4 { get; init; }

    /// <summary>As <see cref="DetectsPodsIPv4"/>, for IPv6.</summary>
    public bool DetectsPodsIPv6 { get; init; }

    /// <summary>TCP connections to endpoints that do not exist any more are to be ended, so that their clients need not wait for a time limit.</summary>
    public bool EndsTcpFlows { get; init; }

    /// <summary>IPVS forwards, in place of nftables.</summary>
    public bool IsIpvs { get; init; }

    /// <summary>This node's own addresses, as its Node object has them (<c>status.addresses</c> of type InternalIP).</summary>
    public IReadOnlyList<IpAddress> NodeAddresses { get; init; } = [];

    /// <summary>By value, lists included.</summary>
    public bool Equals(ForwardingContext? other) => other is not null && NodeName == other.NodeName && Zone == other.Zone && MasqueradeAll == other.MasqueradeAll
        && DetectsPodsIPv4 == other.DetectsPodsIPv4 && DetectsPodsIPv6 == other.DetectsPodsIPv6 && EndsTcpFlows == other.EndsTcpFlows && IsIpvs == other.IsIpvs
        && NodeAddresses.SequenceEqual(other.NodeAddresses);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(NodeName, Zone);

    internal bool DetectsPods(IpFamily family) => family is IpFamily.IPv4 ? DetectsPodsIPv4 : DetectsPodsIPv6;
}
