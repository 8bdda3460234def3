using Portolan.Core.Addresses;
using Portolan.Core.Announcements.Bgp;
using Portolan.Core.Configuration;
using Portolan.Protocols.Bgp.Routes;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Speaker.Bgp;

/// <summary>Planned routes in the protocol's own terms.</summary>
internal static class RouteMapping
{
    /// <summary>The prefix.</summary>
    public static BgpPrefix ToWire(this IpPrefix prefix) =>
        new(prefix.Address.IsIPv4 ? BgpFamily.IPv4Unicast : BgpFamily.IPv6Unicast, prefix.Address.Value, prefix.Length);

    /// <summary>What is said about it.</summary>
    public static PathAttributes ToWire(this RouteAttributes attributes) => attributes == RouteAttributes.None ? PathAttributes.Default : new PathAttributes
    {
        LocalPref = attributes.LocalPref,
        Med = attributes.Med,
        Prepend = attributes.Prepend,
        Communities = [.. attributes.Communities.Where(community => !community.IsLarge).Select(Ordinary)],
        LargeCommunities = [.. attributes.Communities.Where(community => community.IsLarge).Select(community => new LargeCommunity(community.Administrator, community.Data1, community.Data2)).Take(PathAttributes.MaxLargeCommunities)],
        LinkBandwidth = attributes.LinkBandwidth,
    };

    private static uint Ordinary(BgpCommunity community) => community.Administrator << 16 | community.Data1;
}
