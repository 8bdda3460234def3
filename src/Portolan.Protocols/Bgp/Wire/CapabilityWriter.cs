using System.Buffers.Binary;

namespace Portolan.Protocols.Bgp.Wire;

/// <summary>Writes capabilities one after the other, by rising code; see <see cref="CapabilityReader"/>.</summary>
internal static class CapabilityWriter
{
    /// <summary>The R bit of Graceful Restart (RFC 4724 §3).</summary>
    public const ushort RestartBit = 0x8000;

    /// <summary>The N bit of Graceful Restart (RFC 8538 §2).</summary>
    public const ushort NotificationBit = 0x4000;

    /// <summary>The F bit of a family in it (RFC 4724 §3).</summary>
    public const byte ForwardingBit = 0x80;

    private static readonly BgpFamily[] Families = [BgpFamily.IPv4Unicast, BgpFamily.IPv6Unicast];

    /// <summary>Writes a Capabilities parameter's value: less than 64 bytes.</summary>
    /// <returns>How many bytes; 0 for no capability.</returns>
    public static int Write(Span<byte> destination, Capabilities capabilities)
    {
        var size = 0;
        foreach (var family in Families)
            if (capabilities.Families.Has(family))
                size += Put(destination[size..], CapabilityCode.Multiprotocol, [0, (byte)family.Afi(), 0, BgpFamilyCodes.Unicast]);
        if (capabilities.RouteRefresh)
            size += Put(destination[size..], CapabilityCode.RouteRefresh, []);
        if (capabilities.ExtendedNextHop)
            size += Put(destination[size..], CapabilityCode.ExtendedNextHop, [0, 1, 0, BgpFamilyCodes.Unicast, 0, 2]);
        if (capabilities.ExtendedMessage)
            size += Put(destination[size..], CapabilityCode.ExtendedMessage, []);
        if (capabilities.GracefulRestart is { } restart)
            size += PutRestart(destination[size..], restart);
        if (capabilities.FourOctetAsn is { } asn)
        {
            Span<byte> number = stackalloc byte[4];
            BinaryPrimitives.WriteUInt32BigEndian(number, asn);
            size += Put(destination[size..], CapabilityCode.FourOctetAsn, number);
        }

        if (capabilities.EnhancedRouteRefresh)
            size += Put(destination[size..], CapabilityCode.EnhancedRouteRefresh, []);
        if (capabilities.LinkLocalNextHop)
            size += Put(destination[size..], CapabilityCode.LinkLocalNextHop, []);
        return size;
    }

    private static int PutRestart(Span<byte> destination, GracefulRestart restart)
    {
        Span<byte> value = stackalloc byte[2 + 4 * 2];
        var first = Math.Min(restart.RestartTime, GracefulRestart.MaxRestartTime) | (restart.IsRestarting ? RestartBit : 0) | (restart.KeepsAfterNotification ? NotificationBit : 0);
        BinaryPrimitives.WriteUInt16BigEndian(value, (ushort)first);
        var size = 2;
        foreach (var family in Families)
        {
            foreach (var entry in restart.Families)
            {
                if (entry.Family != family)
                    continue;
                BinaryPrimitives.WriteUInt16BigEndian(value[size..], family.Afi());
                value[size + 2] = BgpFamilyCodes.Unicast;
                value[size + 3] = entry.KeepsForwarding ? ForwardingBit : (byte)0;
                size += 4;
                break;
            }
        }

        return Put(destination, CapabilityCode.GracefulRestart, value[..size]);
    }

    private static int Put(Span<byte> destination, CapabilityCode code, ReadOnlySpan<byte> value)
    {
        (destination[0], destination[1]) = ((byte)code, (byte)value.Length);
        value.CopyTo(destination[2..]);
        return 2 + value.Length;
    }
}
