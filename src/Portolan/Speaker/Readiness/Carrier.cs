using Portolan.Core.Announcements;
using Portolan.Core.Cluster;
using Portolan.Linux.Links;
using Portolan.Speaker.Layer2;

namespace Portolan.Speaker.Readiness;

/// <summary>The interfaces of this node that can be heard: they qualify for announcements, are up, and have a carrier.</summary>
/// <param name="selection">Which interfaces qualify.</param>
internal sealed class Carrier(InterfaceSelection selection)
{
    private HashSet<string> _heard = new(StringComparer.Ordinal);

    /// <summary>Interfaces were looked at: before that nobody knows.</summary>
    public bool IsKnown { get; private set; }

    /// <summary>Whether none can be heard.</summary>
    public bool IsLost => IsKnown && _heard.Count == 0;

    /// <summary>Takes the interfaces as they are now.</summary>
    /// <returns>Whether others can be heard than before.</returns>
    public bool SetLinks(LinkSnapshot links)
    {
        // LOWER_UP is the cable; RUNNING is what lies above it too: a bond without a member, a port that 802.1X has not let in.
        var heard = links.Links.Values.Where(link => selection.Accepts(link) && link.Has(LinkFlags.Running | LinkFlags.LowerUp)).Select(link => link.Name).ToHashSet(StringComparer.Ordinal);
        var isNew = !IsKnown || !heard.SetEquals(_heard);
        (_heard, IsKnown) = (heard, true);
        return isNew;
    }

    /// <summary>
    /// Whether this node would be mute for a Service: all its advertisements here name interfaces, and none of those can be heard. MetalLB elects
    /// such a node.
    /// </summary>
    /// <param name="service">The Service.</param>
    /// <param name="self">This node.</param>
    /// <param name="context">Pools and advertisements.</param>
    public bool IsMute(ServiceFacts service, NodeFacts self, AnnouncementContext context)
    {
        if (!IsKnown || service.Ingress.Count == 0 || context.Pools.Of(service.Ingress[0].Address) is not { } pool)
            return false;
        var isNamed = false;
        foreach (var advertisement in context.Advertisements)
        {
            if (!advertisement.Covers(pool) || !advertisement.Selects(service) || !advertisement.Selects(self))
                continue;
            if (advertisement.Interfaces.Count == 0 || advertisement.Interfaces.Any(_heard.Contains))
                return false;
            isNamed = true;
        }

        return isNamed;
    }
}
