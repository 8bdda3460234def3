using System.Buffers.Binary;
using System.Net.Sockets;
using System.Numerics;
using Portolan.Linux.Netlink;

namespace Portolan.Linux.Ipvs;

/// <summary>Reads virtual and real servers out of messages of the kernel.</summary>
internal static class IpvsMessages
{
    private const int HeaderSize = 4; // struct genlmsghdr
    private const ushort InterNetwork = 2, InterNetworkV6 = 10;

    internal static bool TryReadService(NetlinkMessage message, out IpvsService service)
    {
        service = null!;
        if (!message.Attributes(HeaderSize).TryFind(IpvsAttributes.Service, out var attributes))
            return false;
        ushort family = 0, protocol = 0, port = 0;
        uint mark = 0, flags = 0, timeout = 0;
        var (scheduler, engine) = ("", "");
        ReadOnlySpan<byte> address = default, netmask = default;
        var statistics = default(IpvsStatistics);
        foreach (var attribute in attributes.Nested)
        {
            switch (attribute.Type)
            {
                case IpvsAttributes.OfService.Family: family = attribute.AsUInt16; break;
                case IpvsAttributes.OfService.Protocol: protocol = attribute.AsUInt16; break;
                case IpvsAttributes.OfService.Address: address = attribute.Value; break;
                case IpvsAttributes.OfService.Port: port = attribute.AsUInt16BigEndian; break;
                case IpvsAttributes.OfService.Mark: mark = attribute.AsUInt32; break;
                case IpvsAttributes.OfService.Scheduler: scheduler = attribute.AsString; break;
                case IpvsAttributes.OfService.Flags: flags = attribute.AsUInt32; break;
                case IpvsAttributes.OfService.Timeout: timeout = attribute.AsUInt32; break;
                case IpvsAttributes.OfService.Netmask: netmask = attribute.Value; break;
                case IpvsAttributes.OfService.PersistenceEngine: engine = attribute.AsString; break;
                case IpvsAttributes.OfService.Statistics64: statistics = Statistics(attribute); break;
            }
        }

        if (family is not (InterNetwork or InterNetworkV6))
            return false;
        var key = mark != 0
            ? new IpvsServiceKey(Family(family), 0, 0, 0, mark)
            : new IpvsServiceKey(Family(family), (byte)protocol, Address(family, address), port);
        service = new IpvsService(key, scheduler, (IpvsServiceFlags)flags & ~IpvsServiceFlags.Hashed, timeout, PrefixLength(family, netmask))
        {
            PersistenceEngine = engine, Statistics = statistics,
        };
        return true;
    }

    /// <param name="message">An answer.</param>
    /// <param name="ofService">The family of its virtual server, where the kernel does not say the real server's.</param>
    /// <param name="server">What is in it.</param>
    internal static bool TryReadServer(NetlinkMessage message, AddressFamily ofService, out IpvsServer server)
    {
        server = null!;
        if (!message.Attributes(HeaderSize).TryFind(IpvsAttributes.Server, out var attributes))
            return false;
        var family = ofService is AddressFamily.InterNetworkV6 ? InterNetworkV6 : InterNetwork;
        ReadOnlySpan<byte> address = default;
        ushort port = 0, tunnelPort = 0, tunnelFlags = 0;
        byte tunnel = 0;
        uint forwarding = 0, weight = 0, upper = 0, lower = 0, active = 0, inactive = 0, persistent = 0;
        var statistics = default(IpvsStatistics);
        foreach (var attribute in attributes.Nested)
        {
            switch (attribute.Type)
            {
                case IpvsAttributes.OfServer.Address: address = attribute.Value; break;
                case IpvsAttributes.OfServer.Port: port = attribute.AsUInt16BigEndian; break;
                case IpvsAttributes.OfServer.Forwarding: forwarding = attribute.AsUInt32; break;
                case IpvsAttributes.OfServer.Weight: weight = attribute.AsUInt32; break;
                case IpvsAttributes.OfServer.UpperThreshold: upper = attribute.AsUInt32; break;
                case IpvsAttributes.OfServer.LowerThreshold: lower = attribute.AsUInt32; break;
                case IpvsAttributes.OfServer.Active: active = attribute.AsUInt32; break;
                case IpvsAttributes.OfServer.Inactive: inactive = attribute.AsUInt32; break;
                case IpvsAttributes.OfServer.Persistent: persistent = attribute.AsUInt32; break;
                case IpvsAttributes.OfServer.Family when attribute.AsUInt16 is InterNetwork or InterNetworkV6: family = attribute.AsUInt16; break;
                case IpvsAttributes.OfServer.Statistics64: statistics = Statistics(attribute); break;
                case IpvsAttributes.OfServer.TunnelType: tunnel = attribute.AsByte; break;
                case IpvsAttributes.OfServer.TunnelPort: tunnelPort = attribute.AsUInt16BigEndian; break;
                case IpvsAttributes.OfServer.TunnelFlags: tunnelFlags = attribute.AsUInt16; break;
            }
        }

        server = new IpvsServer(new IpvsServerKey(Family(family), Address(family, address), port), (IpvsForwarding)(forwarding & 7), (int)weight)
        {
            UpperThreshold = upper, LowerThreshold = lower, ActiveConnections = active, InactiveConnections = inactive, PersistentConnections = persistent, Statistics = statistics,
            TunnelType = tunnel, TunnelPort = tunnelPort, TunnelFlags = tunnelFlags,
        };
        return true;
    }

    private static AddressFamily Family(ushort number) => number is InterNetworkV6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork;

    private static UInt128 Address(ushort family, ReadOnlySpan<byte> union) =>
        family is InterNetworkV6
            ? union.Length >= 16 ? BinaryPrimitives.ReadUInt128BigEndian(union) : 0
            : union.Length >= 4 ? BinaryPrimitives.ReadUInt32BigEndian(union) : 0;

    private static byte PrefixLength(ushort family, ReadOnlySpan<byte> netmask) => netmask.Length < 4 ? (byte)0
        : family is InterNetworkV6 ? (byte)BitConverter.ToUInt32(netmask)
        : (byte)BitOperations.LeadingZeroCount(~BinaryPrimitives.ReadUInt32BigEndian(netmask));

    private static IpvsStatistics Statistics(NetlinkAttribute attributes)
    {
        Span<ulong> counts = stackalloc ulong[5]; // IPVS_STATS_ATTR_CONNS 1 … OUTBYTES 5
        counts.Clear();
        foreach (var attribute in attributes.Nested)
        {
            if (attribute.Type is >= 1 and <= 5)
                counts[attribute.Type - 1] = attribute.AsUInt64;
        }

        return new IpvsStatistics(counts[0], counts[1], counts[2], counts[3], counts[4]);
    }
}
