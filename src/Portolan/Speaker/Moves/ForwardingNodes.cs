using Portolan.Core.Addresses;
using Portolan.Core.Announcements;

namespace Portolan.Speaker.Moves;

/// <summary>Which nodes forward, as far as this speaker can tell.</summary>
/// <param name="Context">Nodes, living speakers and what they say of themselves.</param>
/// <param name="Departed">Nodes whose speakers said goodbye: their kernels go on.</param>
internal readonly record struct ForwardingNodes(AnnouncementContext Context, IReadOnlySet<string> Departed)
{
    /// <summary>The address at which a node takes packets of connections that it knows, or null when it cannot.</summary>
    /// <param name="node">The node's name.</param>
    /// <param name="family">The family.</param>
    /// <param name="onLink">The prefixes that this node reaches without a router.</param>
    public IpAddress? FormerHolder(string node, IpFamily family, IReadOnlyList<IpPrefix> onLink)
    {
        if (!Context.LivingSpeakers.Contains(node) && !Departed.Contains(node))
            return null;
        if (Context.Reports.TryGetValue(node, out var report) && report.Conditions.HasFlag(NodeConditions.NoCarrier))
            return null;
        foreach (var facts in Context.Nodes)
        {
            if (facts.Name != node)
                continue;
            foreach (var address in facts.InternalIPs)
                if (address.Family == family && onLink.Any(prefix => prefix.Contains(address)))
                    return address;
        }

        return null;
    }
}
