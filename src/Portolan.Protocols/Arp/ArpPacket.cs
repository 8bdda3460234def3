using System.Buffers.Binary;

namespace Portolan.Protocols.Arp;

/// <summary>The operation of an ARP packet (RFC 826).</summary>
public enum ArpOperation : ushort
{
    /// <summary>Who has the target address?</summary>
    Request = 1,

    /// <summary>The sender has the sender address.</summary>
    Reply = 2,
}

/// <summary>An ARP packet for IPv4 over Ethernet, 28 bytes (RFC 826; probes and announcements: RFC 5227 §1.1).</summary>
/// <param name="Operation">Request or reply.</param>
/// <param name="SenderMac">The sender's hardware address.</param>
/// <param name="Sender">The sender's address; 0.0.0.0 in a probe.</param>
/// <param name="TargetMac">The target's hardware address; meaningless in a request.</param>
/// <param name="Target">The address asked for, or of the station answered.</param>
/// <remarks>
/// <code>
///  0       2       4   5   6       8            14        18           24        28
///  | htype | ptype |hln|pln| oper  | sender MAC | sender IP| target MAC | target IP|
/// </code>
/// </remarks>
public readonly record struct ArpPacket(ArpOperation Operation, MacAddress SenderMac, IPv4 Sender, MacAddress TargetMac, IPv4 Target)
{
    /// <summary>Bytes on the wire, without the Ethernet header.</summary>
    public const int Size = 28;

    private const ushort Ethernet = 1;
    private const ushort InternetProtocol = 0x0800;

    /// <summary>A probe asks for an address without claiming one: its sender address is 0.0.0.0.</summary>
    public bool IsProbe => Operation is ArpOperation.Request && Sender.IsAny;

    /// <summary>An announcement claims the sender address: it asks for, or answers to, itself (gratuitous ARP).</summary>
    public bool IsAnnouncement => Sender == Target && !Sender.IsAny;

    /// <summary>Reads the packet that follows an Ethernet header; what follows the 28 bytes is padding.</summary>
    /// <returns><see cref="ArpRejection.None"/>, or why the bytes are not ARP for IPv4 over Ethernet.</returns>
    public static ArpRejection TryParse(ReadOnlySpan<byte> bytes, out ArpPacket packet)
    {
        packet = default;
        if (bytes.Length < Size)
            return ArpRejection.TooShort;
        if (BinaryPrimitives.ReadUInt16BigEndian(bytes) != Ethernet
            || BinaryPrimitives.ReadUInt16BigEndian(bytes[2..]) != InternetProtocol
            || bytes[4] != MacAddress.Size || bytes[5] != IPv4.Size)
            return ArpRejection.NotIPv4OverEthernet;
        var operation = (ArpOperation)BinaryPrimitives.ReadUInt16BigEndian(bytes[6..]);
        if (operation is not (ArpOperation.Request or ArpOperation.Reply))
            return ArpRejection.UnknownOperation;
        packet = new ArpPacket(
            operation, MacAddress.Read(bytes[8..]), IPv4.Read(bytes[14..]), MacAddress.Read(bytes[18..]), IPv4.Read(bytes[24..]));
        return ArpRejection.None;
    }

    /// <summary>Writes exactly <see cref="Size"/> bytes.</summary>
    public void WriteTo(Span<byte> destination)
    {
        BinaryPrimitives.WriteUInt16BigEndian(destination, Ethernet);
        BinaryPrimitives.WriteUInt16BigEndian(destination[2..], InternetProtocol);
        destination[4] = MacAddress.Size;
        destination[5] = IPv4.Size;
        BinaryPrimitives.WriteUInt16BigEndian(destination[6..], (ushort)Operation);
        SenderMac.WriteTo(destination[8..]);
        Sender.WriteTo(destination[14..]);
        TargetMac.WriteTo(destination[18..]);
        Target.WriteTo(destination[24..]);
    }
}
