using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Proxy.Nftables;

namespace Portolan.Proxy.Configuration;

/// <summary>What the rules of this node depend on besides the Services: a pure function of the options and of the Node.</summary>
/// <param name="NodePorts">Where node ports answer.</param>
/// <param name="Pods">What identifies pods.</param>
internal sealed record NodeSettings(NodePortReach NodePorts, PodSources Pods)
{
    /// <summary>The settings on a node.</summary>
    /// <param name="options">What the proxy was told.</param>
    /// <param name="node">The Node, or null where there is none.</param>
    /// <param name="hostAddress">The node's address as its environment tells it, for a Node without one.</param>
    /// <returns>Null while the Node does not yet say what they depend on.</returns>
    internal static NodeSettings? Of(ProxyOptions options, NodeFacts? node, IpAddress? hostAddress) =>
        options.PodDetection.On(node?.PodCIDRs ?? []) is { } pods ? new NodeSettings(options.NodePorts.On(PrimaryAddresses(options, node, hostAddress)), pods) : null;

    /// <summary>The tables' settings, with these for what they say.</summary>
    internal TableSettings In(TableSettings settings) => settings with
    {
        ClusterCidrs = Pods.Cidrs,
        PodInterface = Pods.Bridge.Length > 0 ? Pods.Bridge : Pods.InterfacePrefix.Length > 0 ? Pods.InterfacePrefix : null,
        IsInterfacePrefix = Pods.InterfacePrefix.Length > 0,
        NodePortAddresses = NodePorts.Prefixes,
        LoopbackSources = NodePorts.LoopbackSources,
    };

    /// <summary>The node's primary address of each family: the first InternalIP of its Node, unless <c>bindAddress</c> names another.</summary>
    internal static IReadOnlyList<IpAddress> PrimaryAddresses(ProxyOptions options, NodeFacts? node, IpAddress? hostAddress)
    {
        IReadOnlyList<IpAddress> ofNode = node is { InternalIPs.Count: > 0 } ? node.InternalIPs : hostAddress is { } address ? [address] : [];
        return [.. (options.BindAddress is { } bound ? ofNode.Prepend(bound) : ofNode).DistinctBy(address => address.Family).OrderBy(address => address.Family)];
    }
}
