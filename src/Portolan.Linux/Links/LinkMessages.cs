using System.Net;
using System.Runtime.InteropServices;
using Portolan.Linux.Netlink;

namespace Portolan.Linux.Links;

/// <summary>Reads rtnetlink's link and address messages (linux/rtnetlink.h, linux/if_link.h, linux/if_addr.h).</summary>
internal static class LinkMessages
{
    internal const ushort NewLink = 16;
    internal const ushort DelLink = 17;
    internal const ushort GetLink = 18;
    internal const ushort NewAddress = 20;
    internal const ushort DelAddress = 21;
    internal const ushort GetAddress = 22;

    internal const int LinkHeaderSize = 16;   // struct ifinfomsg
    internal const int AddressHeaderSize = 8; // struct ifaddrmsg

    private const ushort LinkAddressAttribute = 1;
    private const ushort LinkName = 3;
    private const ushort LinkMtu = 4;
    private const ushort LinkMaster = 10;
    private const ushort LinkInfo = 18;
    private const ushort LinkInfoKind = 1;
    private const ushort PrefixAddress = 1;
    private const ushort LocalAddress = 2;

    /// <summary>False for anything that is not about the link itself: a bridge also speaks of its ports, in its own family.</summary>
    internal static bool TryReadLink(NetlinkMessage message, out Link link)
    {
        link = null!;
        if (message.Type is not (NewLink or DelLink) || message.Payload.Length < LinkHeaderSize || message.Payload[0] != 0)
            return false;
        var (name, address, master, mtu, kind) = ("", default(LinkAddress), 0, 0, "");
        foreach (var attribute in message.Attributes(LinkHeaderSize))
        {
            switch (attribute.Type)
            {
                case LinkAddressAttribute:
                    address = LinkAddress.Read(attribute.Value);
                    break;
                case LinkName:
                    name = attribute.AsString;
                    break;
                case LinkMtu:
                    mtu = (int)attribute.AsUInt32;
                    break;
                case LinkMaster:
                    master = (int)attribute.AsUInt32;
                    break;
                case LinkInfo when attribute.Nested.TryFind(LinkInfoKind, out var found):
                    kind = found.AsString;
                    break;
            }
        }

        link = new Link(
            MemoryMarshal.Read<int>(message.Payload[4..]),
            name,
            (LinkFlags)MemoryMarshal.Read<uint>(message.Payload[8..]),
            MemoryMarshal.Read<ushort>(message.Payload[2..]),
            address,
            master,
            mtu,
            kind);
        return true;
    }

    internal static bool TryReadAddress(NetlinkMessage message, out InterfaceAddress address)
    {
        address = null!;
        if (message.Type is not (NewAddress or DelAddress) || message.Payload.Length < AddressHeaderSize)
            return false;
        // On a point-to-point link the prefix address is the neighbour's; IPv6 has only the one.
        if (!message.Attributes(AddressHeaderSize).TryFind(LocalAddress, out var found)
            && !message.Attributes(AddressHeaderSize).TryFind(PrefixAddress, out found))
            return false;
        if (found.Value.Length is not (4 or 16))
            return false;
        address = new InterfaceAddress(
            MemoryMarshal.Read<int>(message.Payload[4..]), new IPAddress(found.Value), message.Payload[1], message.Payload[3]);
        return true;
    }
}
