using Portolan.Core.Announcements;
using Portolan.Core.Cluster;
using Portolan.Linux.Links;
using Portolan.Speaker.Layer2;

namespace Portolan.Speaker.Readiness;

/// <summary>The interfaces of this node that can be heard: they qualify for announcements, are up, and have a carrier.</summary>
/// <param name="selection">Which interfaces qualify.</param>
internal sealed class Carrier(InterfaceSelection selection)
{
    private const byte GlobalScope = 0; // RT_SCOPE_UNIVERSE

    private HashSet<string> _heard = new(StringComparer.Ordinal);

    /// <summary>Interfaces were looked at: before that nobody knows.</summary>
    public bool IsKnown { get; private set; }

    /// <summary>
    /// Whether none can be heard. Where interfaces with an address of the node's own are among those that qualify, only they count: the ends of
    /// pods' wires may qualify too, by names that nobody thought of, and always have a carrier.
    /// </summary>
    public bool IsLost { get; private set; }

    /// <summary>Takes the interfaces as they are now.</summary>
    /// <returns>Whether others can be heard than before.</returns>
    public bool SetLinks(LinkSnapshot links)
    {
        // LOWER_UP is the cable; RUNNING is what lies above it too: a bond without a member, a port that 802.1X has not let in.
        var heard = links.Links.Values.Where(link => selection.Accepts(link) && HasCarrier(link)).Select(link => link.Name).ToHashSet(StringComparer.Ordinal);
        var own = links.Addresses.Where(address => address.Scope == GlobalScope).Select(address => address.Link).ToHashSet();
        // One that is down is none that qualifies, and is why nobody can be heard.
        var counted = links.Links.Values.Where(link => own.Contains(link.Index) && selection.Accepts(link with { Flags = link.Flags | LinkFlags.Up })).ToList();
        var isLost = counted.Count > 0 ? !counted.Exists(HasCarrier) : heard.Count == 0;
        var isNew = !IsKnown || isLost != IsLost || !heard.SetEquals(_heard);
        (_heard, IsLost, IsKnown) = (heard, isLost, true);
        return isNew;
    }

    private static bool HasCarrier(Link link) => link.Has(LinkFlags.Up | LinkFlags.Running | LinkFlags.LowerUp);

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
