using System.Net;
using System.Net.Sockets;
using Portolan.Core.Addresses;
using Portolan.Core.Announcements.Bgp;
using Portolan.Linux.Links;
using Portolan.Protocols.Bgp.Routes;
using Portolan.Protocols.Bgp.Sessions;

namespace Portolan.Bgp;

/// <summary>The addresses of the interface that a session runs over.</summary>
/// <param name="IPv4">Its IPv4 address: the session's own where it is one, else the first; null: none.</param>
/// <param name="Global">Its global (or unique local) IPv6 address, in the same way.</param>
/// <param name="LinkLocal">Its link-local address.</param>
/// <param name="IsPeerOnLink">The peer's address is of a subnet of the interface, or link-local.</param>
internal readonly record struct SessionAddresses(IpAddress? IPv4, IpAddress? Global, IpAddress? LinkLocal, bool IsPeerOnLink)
{
    private const string Vrf = "vrf";

    /// <summary>Looks at the interface that has the session's own address.</summary>
    /// <param name="links">The interfaces there are.</param>
    /// <param name="local">Our end.</param>
    /// <param name="peer">The other end.</param>
    /// <param name="vrf">The VRF that both are in; empty: none. Another one may have the same address.</param>
    public static SessionAddresses Of(LinkSnapshot links, IPAddress local, IPAddress peer, string vrf)
    {
        // A link-local address may be on several interfaces.
        foreach (var own in links.Addresses)
            if (Same(own.Address, local) && (!local.IsIPv6LinkLocal || own.Link == local.ScopeId) && VrfOf(links, own.Link) == vrf)
                return Of(links.Addresses.Where(address => address.Link == own.Link), local, peer);

        return new SessionAddresses(local.AddressFamily is AddressFamily.InterNetwork ? Value(local) : null, local.AddressFamily is AddressFamily.InterNetworkV6 && !local.IsIPv6LinkLocal ? Value(local) : null, null, false);
    }

    private static SessionAddresses Of(IEnumerable<InterfaceAddress> addresses, IPAddress local, IPAddress peer)
    {
        IpAddress? ipv4 = null, global = null, linkLocal = null;
        var onLink = peer.IsIPv6LinkLocal;
        foreach (var own in addresses)
        {
            var isSessions = Same(own.Address, local);
            if (IPAddress.IsLoopback(own.Address) && !isSessions)
                continue;
            var value = Value(own.Address);
            if (own.Address.AddressFamily is AddressFamily.InterNetwork)
                ipv4 = isSessions ? value : ipv4 ?? value;
            else if (own.Address.IsIPv6LinkLocal)
                linkLocal = isSessions ? value : linkLocal ?? value;
            else
                global = isSessions ? value : global ?? value;
            onLink |= own.Address.AddressFamily == peer.AddressFamily && !own.Address.IsIPv6LinkLocal && IpPrefix.Containing(value, own.PrefixLength).Contains(Value(peer));
        }

        return new SessionAddresses(ipv4, global, linkLocal, onLink);
    }

    private static string VrfOf(LinkSnapshot links, int index) =>
        !links.Links.TryGetValue(index, out var link) ? "" : link.Kind == Vrf ? link.Name : links.Links.TryGetValue(link.Master, out var master) && master.Kind == Vrf ? master.Name : "";

    private static bool Same(IPAddress one, IPAddress other) => Value(one) == Value(other);

    private static IpAddress Value(IPAddress address) => IpAddress.Read(address.GetAddressBytes());
}

/// <summary>The next hops that a session's routes have: always this node, over the interface that the session runs over.</summary>
/// <param name="IPv4">Of IPv4 routes; null: none can be told.</param>
/// <param name="IPv6">Of IPv6 routes; null: none can be told.</param>
internal readonly record struct NextHops(NextHop? IPv4, NextHop? IPv6)
{
    /// <summary>Chooses them.</summary>
    /// <param name="addresses">What the interface has.</param>
    /// <param name="terms">What the peer understands.</param>
    /// <param name="dialect">How a link-local address is written.</param>
    public static NextHops Choose(SessionAddresses addresses, SessionTerms terms, LinkLocalNextHop dialect)
    {
        var ipv6 = OfIPv6(addresses, terms, dialect);
        // An IPv4 next hop is what every router understands; without one, IPv6 where it was agreed on.
        var ipv4 = addresses.IPv4 is { } own ? NextHop.IPv4((uint)own.Value) : terms.ExtendedNextHop ? ipv6 : null;
        return new NextHops(ipv4, ipv6);
    }

    private static NextHop? OfIPv6(SessionAddresses addresses, SessionTerms terms, LinkLocalNextHop dialect)
    {
        var linkLocal = addresses is { IsPeerOnLink: true, LinkLocal: { } own } ? own.Value : UInt128.Zero;
        if (addresses.Global is { } global)
            return linkLocal == 0 || dialect is LinkLocalNextHop.Global
                ? NextHop.IPv6(NextHopForm.Global, global.Value, 0)
                : NextHop.IPv6(NextHopForm.GlobalAndLinkLocal, global.Value, linkLocal);
        if (linkLocal == 0 || dialect is LinkLocalNextHop.Global)
            return null;
        var form = dialect switch
        {
            LinkLocalNextHop.Single => NextHopForm.LinkLocal,
            LinkLocalNextHop.Double => NextHopForm.LinkLocalTwice,
            LinkLocalNextHop.UnspecifiedFirst => NextHopForm.UnspecifiedAndLinkLocal,
            _ => terms.LinkLocalNextHop ? NextHopForm.LinkLocal : NextHopForm.LinkLocalTwice,
        };
        return NextHop.IPv6(form, 0, linkLocal);
    }
}
