using System.Net;
using Portolan.Core.Addresses;
using Portolan.Protocols.Arp;
using Portolan.Protocols.Ndp;

namespace Portolan.Speaker.Layer2;

/// <summary>Addresses as plans have them, and as packets have them.</summary>
internal static class WireAddresses
{
    public static IPv4 ToIPv4(this IpAddress address) => new((uint)address.Value);

    public static IPv6 ToIPv6(this IpAddress address) => new((ulong)(address.Value >> 64), (ulong)address.Value);

    public static IpAddress ToIpAddress(this IPv4 address) => IpAddress.V4(address.Value);

    public static IpAddress ToIpAddress(this IPv6 address) => IpAddress.V6(new UInt128(address.Upper, address.Lower));

    public static IPAddress ToIPAddress(this IPv6 address)
    {
        Span<byte> bytes = stackalloc byte[IPv6.Size];
        address.WriteTo(bytes);
        return new IPAddress(bytes);
    }
}
