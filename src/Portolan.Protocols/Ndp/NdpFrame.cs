using System.Buffers.Binary;
using Portolan.Protocols.Arp;

namespace Portolan.Protocols.Ndp;

/// <summary>A neighbour solicitation or advertisement in IPv6 in an Ethernet II frame.</summary>
/// <param name="DestinationMac">Who receives the frame.</param>
/// <param name="SourceMac">Who sent the frame.</param>
/// <param name="Source">The packet's source; <c>::</c> for one who has no address yet.</param>
/// <param name="Destination">The packet's destination: an address, a solicited-node group or all nodes.</param>
/// <param name="Message">What it carries.</param>
public readonly record struct NdpFrame(MacAddress DestinationMac, MacAddress SourceMac, IPv6 Source, IPv6 Destination, NeighborMessage Message)
{
    /// <summary>The EtherType of IPv6 (ETH_P_IPV6).</summary>
    public const ushort EtherType = 0x86dd;

    /// <summary>The most that <see cref="WriteTo"/> writes, bytes.</summary>
    public const int MaxSize = HeadersSize + NeighborMessage.MaxSize;

    private const int EthernetSize = 14;
    private const int HeadersSize = EthernetSize + 40;
    private const byte Icmp = 58;
    private const byte HopLimit = 255;

    /// <summary>Bytes on the wire as <see cref="WriteTo"/> writes it.</summary>
    public int Size => HeadersSize + Message.Size;

    /// <summary>
    /// Tells all nodes that the address is here now (RFC 4861 §7.2.6): what they remember of it is replaced. The address itself is the source, as
    /// the kernel does it, so that no other address has to be there first.
    /// </summary>
    public static NdpFrame Unsolicited(MacAddress mac, IPv6 address) => new(
        IPv6.AllNodes.GroupMac, mac, address, IPv6.AllNodes,
        new NeighborMessage(NeighborMessageType.Advertisement, NeighborFlags.Override, address, mac));

    /// <summary>Tells one neighbour, and nobody else, that the address is here now.</summary>
    /// <param name="mac">The address's hardware address from now on.</param>
    /// <param name="address">The address.</param>
    /// <param name="neighbor">The neighbour's hardware address.</param>
    /// <param name="neighborAddress">The neighbour's address.</param>
    public static NdpFrame UnsolicitedTo(MacAddress mac, IPv6 address, MacAddress neighbor, IPv6 neighborAddress) => new(
        neighbor, mac, address, neighborAddress,
        new NeighborMessage(NeighborMessageType.Advertisement, NeighborFlags.Override, address, mac));

    /// <summary>Asks whether somebody has the address, without claiming one (duplicate address detection, RFC 4862 §5.4.2).</summary>
    public static NdpFrame Probe(MacAddress mac, IPv6 address) => new(
        address.SolicitedNode.GroupMac, mac, default, address.SolicitedNode,
        new NeighborMessage(NeighborMessageType.Solicitation, NeighborFlags.None, address, null));

    /// <summary>Asks who has the address, as any client does.</summary>
    /// <param name="mac">The asker's hardware address.</param>
    /// <param name="asker">An address that the asker has.</param>
    /// <param name="address">The address asked for.</param>
    public static NdpFrame Solicitation(MacAddress mac, IPv6 asker, IPv6 address) => new(
        address.SolicitedNode.GroupMac, mac, asker, address.SolicitedNode,
        new NeighborMessage(NeighborMessageType.Solicitation, NeighborFlags.None, address, mac));

    /// <summary>Reads a whole frame as a packet socket delivers it; what follows the packet is padding.</summary>
    /// <returns><see cref="NdpRejection.None"/>, or why the bytes are no valid message (RFC 4861 §7.1.1, §7.1.2).</returns>
    public static NdpRejection TryParse(ReadOnlySpan<byte> bytes, out NdpFrame frame)
    {
        frame = default;
        if (bytes.Length < HeadersSize)
            return NdpRejection.TooShort;
        var packet = bytes[EthernetSize..];
        // An extension header in between is not expected: a fragmented message has to be dropped anyway (RFC 6980).
        if (BinaryPrimitives.ReadUInt16BigEndian(bytes[12..]) != EtherType || packet[0] >> 4 != 6 || packet[6] != Icmp)
            return NdpRejection.NotIcmp;
        if (packet[7] != HopLimit)
            return NdpRejection.BadHopLimit;
        var length = BinaryPrimitives.ReadUInt16BigEndian(packet[4..]);
        if (length > bytes.Length - HeadersSize)
            return NdpRejection.TooShort;

        var (source, destination) = (IPv6.Read(packet[8..]), IPv6.Read(packet[24..]));
        var payload = bytes.Slice(HeadersSize, length);
        var rejection = NeighborMessage.TryParse(payload, out var message);
        if (rejection is not NdpRejection.None)
            return rejection;
        if (Checksum(source, destination, payload) != 0)
            return NdpRejection.BadChecksum;
        if (source.IsMulticast)
            return NdpRejection.BadSource;
        if (source.IsUnspecified
            && (message.Type is NeighborMessageType.Advertisement || !destination.IsSolicitedNode || message.LinkAddress is not null))
            return NdpRejection.BadSource;
        if ((message.Flags & NeighborFlags.Solicited) != 0 && destination.IsMulticast)
            return NdpRejection.BadFlags;
        frame = new NdpFrame(MacAddress.Read(bytes), MacAddress.Read(bytes[6..]), source, destination, message);
        return NdpRejection.None;
    }

    /// <summary>Writes exactly <see cref="Size"/> bytes, with hop limit 255 and the checksum.</summary>
    public void WriteTo(Span<byte> destination)
    {
        DestinationMac.WriteTo(destination);
        SourceMac.WriteTo(destination[6..]);
        BinaryPrimitives.WriteUInt16BigEndian(destination[12..], EtherType);
        var packet = destination[EthernetSize..];
        BinaryPrimitives.WriteUInt32BigEndian(packet, 0x6000_0000);
        BinaryPrimitives.WriteUInt16BigEndian(packet[4..], (ushort)Message.Size);
        (packet[6], packet[7]) = (Icmp, HopLimit);
        Source.WriteTo(packet[8..]);
        Destination.WriteTo(packet[24..]);
        var message = destination.Slice(HeadersSize, Message.Size);
        Message.WriteTo(message);
        BinaryPrimitives.WriteUInt16BigEndian(message[2..], Checksum(Source, Destination, message));
    }

    // Over the pseudo-header and the message (RFC 4443 §2.3): of a message that carries its checksum the sum is 0.
    private static ushort Checksum(IPv6 source, IPv6 destination, ReadOnlySpan<byte> message)
    {
        Span<byte> addresses = stackalloc byte[2 * IPv6.Size];
        source.WriteTo(addresses);
        destination.WriteTo(addresses[IPv6.Size..]);
        var sum = (ulong)message.Length + Icmp + Sum(addresses) + Sum(message);
        while (sum > ushort.MaxValue)
            sum = (sum & ushort.MaxValue) + (sum >> 16);
        return (ushort)~sum;
    }

    private static ulong Sum(ReadOnlySpan<byte> bytes)
    {
        ulong sum = 0;
        for (; bytes.Length >= 2; bytes = bytes[2..])
            sum += BinaryPrimitives.ReadUInt16BigEndian(bytes);
        return bytes.Length == 0 ? sum : sum + ((ulong)bytes[0] << 8);
    }
}
