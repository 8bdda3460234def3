using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Portolan.Linux.Netlink;

namespace Portolan.Linux.Links;

/// <summary>Reads rtnetlink's route and neighbour messages (linux/rtnetlink.h, linux/neighbour.h), as far as default gateways need it.</summary>
internal static class RouteMessages
{
    internal const ushort NewRoute = 24;
    internal const ushort DelRoute = 25;
    internal const ushort GetRoute = 26;
    internal const ushort NewNeighbor = 28;
    internal const int RouteHeaderSize = 12;    // struct rtmsg
    internal const int NeighborHeaderSize = 12; // struct ndmsg

    private const byte MainTable = 254; // RT_TABLE_MAIN
    private const byte Unicast = 1;     // RTN_UNICAST
    private const ushort Link = 4, Gateway = 5, Priority = 6, Multipath = 9, Table = 15, Via = 18; // RTA_…
    private const int NextHopSize = 8;  // struct rtnexthop
    private const ushort Reachable = 2; // NUD_REACHABLE
    private const ushort Destination = 1; // NDA_DST
    private const byte FamilyIPv4 = 2, FamilyIPv6 = 10;

    /// <summary>Whether the message is about a default route of the main table.</summary>
    internal static bool IsDefaultRoute(NetlinkMessage message)
    {
        if (message.Type is not (NewRoute or DelRoute) || message.Payload.Length < RouteHeaderSize)
            return false;
        if (message.Payload[0] is not (FamilyIPv4 or FamilyIPv6) || message.Payload[1] != 0 || message.Payload[7] != Unicast)
            return false;
        return message.Attributes(RouteHeaderSize).TryFind(Table, out var table) ? table.AsUInt32 == MainTable : message.Payload[4] == MainTable;
    }

    /// <summary>Reads a default route of the main table that leads through neighbours.</summary>
    internal static bool TryReadDefaultRoute(NetlinkMessage message, out (uint Metric, IReadOnlyList<DefaultGateway> Gateways) route)
    {
        route = default;
        if (!IsDefaultRoute(message))
            return false;
        var family = FamilyOf(message.Payload[0]);
        var gateways = new List<DefaultGateway>();
        var (link, address, metric) = (0, default(IPAddress), 0u);
        foreach (var attribute in message.Attributes(RouteHeaderSize))
        {
            switch (attribute.Type)
            {
                case Link:
                    link = (int)attribute.AsUInt32;
                    break;
                case Gateway:
                case Via:
                    address = AddressOf(attribute);
                    break;
                case Priority:
                    metric = attribute.AsUInt32;
                    break;
                case Multipath:
                    AddNextHops(attribute.Value, family, gateways);
                    break;
            }
        }

        if (address is not null && link > 0)
            gateways.Add(new DefaultGateway(link, address, family));
        route = (metric, gateways);
        return gateways.Count > 0;
    }

    /// <summary>Reads that a neighbour has just been found to answer: NUD_REACHABLE.</summary>
    internal static bool TryReadReachable(NetlinkMessage message, out int link, out IPAddress address)
    {
        (link, address) = (0, IPAddress.None);
        if (message.Type != NewNeighbor || message.Payload.Length < NeighborHeaderSize || (MemoryMarshal.Read<ushort>(message.Payload[8..]) & Reachable) == 0)
            return false;
        if (!message.Attributes(NeighborHeaderSize).TryFind(Destination, out var destination) || destination.Value.Length is not (4 or 16))
            return false;
        (link, address) = (MemoryMarshal.Read<int>(message.Payload[4..]), new IPAddress(destination.Value));
        return true;
    }

    private static void AddNextHops(ReadOnlySpan<byte> bytes, AddressFamily family, List<DefaultGateway> gateways)
    {
        while (bytes.Length >= NextHopSize)
        {
            var length = MemoryMarshal.Read<ushort>(bytes);
            if (length < NextHopSize || length > bytes.Length)
                return;
            var link = MemoryMarshal.Read<int>(bytes[4..]);
            foreach (var attribute in new NetlinkAttributes(bytes[NextHopSize..length]))
            {
                if (attribute.Type is Gateway or Via && AddressOf(attribute) is { } address && link > 0)
                    gateways.Add(new DefaultGateway(link, address, family));
            }

            bytes = bytes[Math.Min(bytes.Length, (length + 3) & ~3)..];
        }
    }

    // struct rtvia: the family, then the address.
    private static IPAddress? AddressOf(NetlinkAttribute attribute)
    {
        var value = attribute.Type == Via ? attribute.Value.Length > 2 ? attribute.Value[2..] : default : attribute.Value;
        return value.Length is 4 or 16 && value.ContainsAnyExcept((byte)0) ? new IPAddress(value) : null;
    }

    private static AddressFamily FamilyOf(byte family) => family == FamilyIPv6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork;
}
