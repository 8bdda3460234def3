using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Proxy.Configuration;

/// <summary>The settings on this node, as its Node changes.</summary>
/// <param name="options">What the proxy was told.</param>
/// <param name="hostAddress">The node's address as the environment tells it, for a Node without one.</param>
internal sealed class NodeWatch(ProxyOptions options, IpAddress? hostAddress)
{
    /// <summary>The settings in force; null until the Node says what they depend on.</summary>
    internal NodeSettings? Settings { get; private set; }

    /// <summary>Takes note of the Node, or that there is none. What it does not say any more stays as it was.</summary>
    /// <returns>Whether the settings are others now.</returns>
    internal bool See(NodeFacts? node)
    {
        if (NodeSettings.Of(options, node, hostAddress) is not { } settings || settings == Settings)
            return false;
        Settings = settings;
        return true;
    }
}
