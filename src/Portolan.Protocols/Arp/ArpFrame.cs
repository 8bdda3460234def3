using System.Buffers.Binary;

namespace Portolan.Protocols.Arp;

/// <summary>An ARP packet in an Ethernet II frame, 42 bytes; the driver pads it to Ethernet's minimum.</summary>
/// <param name="Destination">Who receives the frame.</param>
/// <param name="Source">Who sent the frame.</param>
/// <param name="Packet">What it carries.</param>
public readonly record struct ArpFrame(MacAddress Destination, MacAddress Source, ArpPacket Packet)
{
    /// <summary>Bytes of header and packet.</summary>
    public const int Size = HeaderSize + ArpPacket.Size;

    /// <summary>The EtherType of ARP (ETH_P_ARP).</summary>
    public const ushort EtherType = 0x0806;

    private const int HeaderSize = 14;

    /// <summary>The announcement of an address in the form of a request: neighbours that know the address update their entry (RFC 5227 §2.3).</summary>
    public static ArpFrame GratuitousRequest(MacAddress mac, IPv4 address) =>
        new(MacAddress.Broadcast, mac, new ArpPacket(ArpOperation.Request, mac, address, MacAddress.Broadcast, address));

    /// <summary>The announcement of an address in the form of a reply: some stations heed only this form.</summary>
    public static ArpFrame GratuitousReply(MacAddress mac, IPv4 address) =>
        new(MacAddress.Broadcast, mac, new ArpPacket(ArpOperation.Reply, mac, address, MacAddress.Broadcast, address));

    /// <summary>Tells one neighbour, and nobody else, whose address it is now: in the form of an answer, though it has not asked (again).</summary>
    /// <param name="mac">The address's hardware address from now on.</param>
    /// <param name="address">The address.</param>
    /// <param name="neighbor">The neighbour's hardware address.</param>
    /// <param name="neighborAddress">The neighbour's address.</param>
    public static ArpFrame UnaskedReply(MacAddress mac, IPv4 address, MacAddress neighbor, IPv4 neighborAddress) =>
        new(neighbor, mac, new ArpPacket(ArpOperation.Reply, mac, address, neighbor, neighborAddress));

    /// <summary>Reads a whole frame as a packet socket delivers it.</summary>
    /// <returns><see cref="ArpRejection.None"/>, or why the bytes are not an ARP frame.</returns>
    public static ArpRejection TryParse(ReadOnlySpan<byte> bytes, out ArpFrame frame)
    {
        frame = default;
        if (bytes.Length < Size)
            return ArpRejection.TooShort;
        if (BinaryPrimitives.ReadUInt16BigEndian(bytes[12..]) != EtherType)
            return ArpRejection.NotArp;
        var rejection = ArpPacket.TryParse(bytes[HeaderSize..], out var packet);
        if (rejection is ArpRejection.None)
            frame = new ArpFrame(MacAddress.Read(bytes), MacAddress.Read(bytes[6..]), packet);
        return rejection;
    }

    /// <summary>Writes exactly <see cref="Size"/> bytes.</summary>
    public void WriteTo(Span<byte> destination)
    {
        Destination.WriteTo(destination);
        Source.WriteTo(destination[6..]);
        BinaryPrimitives.WriteUInt16BigEndian(destination[12..], EtherType);
        Packet.WriteTo(destination[HeaderSize..]);
    }
}
