using System.Buffers.Binary;
using System.Net;
using Portolan.Protocols.Arp;

namespace Portolan.Protocols.Ndp;

/// <summary>An IPv6 address as it stands in a packet. The default is <c>::</c>.</summary>
/// <param name="Upper">Its first 64 bits as a number.</param>
/// <param name="Lower">Its last 64 bits as a number.</param>
public readonly record struct IPv6(ulong Upper, ulong Lower)
{
    /// <summary>Bytes on the wire.</summary>
    public const int Size = 16;

    /// <summary><c>ff02::1</c>, every node of the link (RFC 4291 §2.7.1).</summary>
    public static IPv6 AllNodes { get; } = new(0xff02_0000_0000_0000, 1);

    /// <summary>Whether this is <c>::</c>, the source of a probe (RFC 4862 §5.4.2).</summary>
    public bool IsUnspecified => (Upper | Lower) == 0;

    /// <summary>Whether this is a group (<c>ff00::/8</c>).</summary>
    public bool IsMulticast => Upper >> 56 == 0xff;

    /// <summary>Whether this is an address of one link (<c>fe80::/10</c>).</summary>
    public bool IsLinkLocal => Upper >> 54 == 0xfe80 >> 6;

    /// <summary>Whether this is the group of some address's last 24 bits (<c>ff02::1:ff00:0/104</c>).</summary>
    public bool IsSolicitedNode => Upper == 0xff02_0000_0000_0000 && Lower >> 24 == 0x1ff;

    /// <summary>The group in which neighbours ask for this address (RFC 4291 §2.7.1): up to 2^40 addresses have it in common.</summary>
    public IPv6 SolicitedNode => new(0xff02_0000_0000_0000, 0x1_ff00_0000 | Lower & 0xff_ffff);

    /// <summary>The Ethernet address to which packets for this group are sent: 33:33 and its last 32 bits (RFC 2464 §7).</summary>
    public MacAddress GroupMac
    {
        get
        {
            Span<byte> mac = stackalloc byte[MacAddress.Size];
            mac[0] = mac[1] = 0x33;
            BinaryPrimitives.WriteUInt32BigEndian(mac[2..], (uint)Lower);
            return MacAddress.Read(mac);
        }
    }

    /// <summary>The address in the first <see cref="Size"/> bytes, network order.</summary>
    public static IPv6 Read(ReadOnlySpan<byte> bytes) =>
        new(BinaryPrimitives.ReadUInt64BigEndian(bytes), BinaryPrimitives.ReadUInt64BigEndian(bytes[8..]));

    /// <summary>Writes exactly <see cref="Size"/> bytes, network order.</summary>
    public void WriteTo(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt64BigEndian(destination, Upper);
        BinaryPrimitives.WriteUInt64BigEndian(destination[8..], Lower);
    }

    /// <summary>As RFC 5952 writes it.</summary>
    public override string ToString()
    {
        Span<byte> bytes = stackalloc byte[Size];
        WriteTo(bytes);
        return new IPAddress(bytes).ToString();
    }
}
