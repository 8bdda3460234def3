using Portolan.Core.Addresses;
using Portolan.Linux.Links;
using Portolan.Protocols.Arp;

namespace Portolan.Speaker.Layer2;

/// <summary>What is said on the wire so that nobody is lied to.</summary>
internal sealed partial class Layer2Announcer
{
    private const byte LinkScope = 253; // RT_SCOPE_LINK

    /// <summary>Whether a hardware address is one of this host's.</summary>
    public bool IsOwn(MacAddress mac)
    {
        Span<byte> bytes = stackalloc byte[MacAddress.Size];
        foreach (var link in _links.Links.Values)
        {
            if (link.Address.Length != MacAddress.Size)
                continue;
            link.Address.WriteTo(bytes);
            if (MacAddress.Read(bytes) == mac)
                return true;
        }

        return false;
    }

    /// <summary>The hardware addresses of the interfaces that announce.</summary>
    public IEnumerable<MacAddress> Macs => _interfaces.Values.Select(opened => opened.Mac).Distinct().OrderBy(mac => mac.ToString(), StringComparer.Ordinal);

    /// <summary>Does not answer for the address until <see cref="Release"/>, whoever wants it announced.</summary>
    public void Hold(IpAddress address, long now)
    {
        if (_held.Add(address))
            Spread(address, _shared.Of(address), now);
    }

    /// <summary>Answers for the address again, where somebody wants it announced.</summary>
    public void Release(IpAddress address, long now)
    {
        if (_held.Remove(address))
            Spread(address, _shared.Of(address), now);
    }

    /// <summary>Asks whether somebody else has an address, wherever it is announced or is to be.</summary>
    public void Probe(IpAddress address)
    {
        foreach (var opened in _interfaces.Values)
            if (Wishes(address, opened))
                opened.Probe(address);
    }

    /// <summary>Says once more whose address it is: to all, or, where nodes share the clients, to this node's own.</summary>
    public void Defend(IpAddress address, long now)
    {
        foreach (var opened in _interfaces.Values)
        {
            if (address.Family != opened.Family || !opened.Announces(address))
                continue;
            if (_shared.Of(address) is null)
                opened.SendGratuitous(address);
            else
                _shared.Tell(opened, address, null, now);
        }
    }

    /// <summary>Asks for an address as a client would, from each interface with an address in one network with it.</summary>
    /// <param name="address">The address.</param>
    /// <param name="now">The present.</param>
    /// <param name="anywhere">Where there is no such interface, from whatever address each interface has: only if it is known to be on this link.</param>
    /// <returns>False where there is no interface to ask from: who shares no link with the address hears nothing, and may conclude nothing.</returns>
    public bool Ask(IpAddress address, long now, bool anywhere = false)
    {
        if (!address.IsIPv4)
            Discover(now);
        return Ask(address, (own, asker) => InOneNetwork(asker, address, own.PrefixLength)) || anywhere && Ask(address, (own, asker) => asker.IsIPv4 || own.Scope == LinkScope);
    }

    private bool Ask(IpAddress address, Func<InterfaceAddress, IpAddress, bool> suits)
    {
        var asked = false;
        foreach (var opened in _interfaces.Values)
        {
            if (address.Family != opened.Family || AskerOn(opened.Link, address.Family, suits) is not { } asker)
                continue;
            opened.Ask(address, asker);
            asked = true;
        }

        return asked;
    }

    private IpAddress? AskerOn(Link link, IpFamily family, Func<InterfaceAddress, IpAddress, bool> suits)
    {
        foreach (var own in _links.Addresses)
            if (own.Link == link.Index && IpAddress.From(own.Address) is var asker && asker.Family == family && suits(own, asker))
                return asker;
        return null;
    }

    private static bool InOneNetwork(IpAddress a, IpAddress b, int prefixLength) =>
        prefixLength == 0 || (a.Value ^ b.Value) >> (a.Bits - prefixLength) == UInt128.Zero;
}
