using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Portolan.Linux.Sockets;

/// <summary>An interface as a packet socket's address: struct sockaddr_ll (packet(7)), which the framework has no type for.</summary>
/// <param name="protocol">The EtherType.</param>
/// <param name="link">The interface's index.</param>
internal sealed class PacketAddress(ushort protocol, int link) : EndPoint
{
    /// <summary>sizeof(struct sockaddr_ll).</summary>
    internal const int Size = 20;

    private const int ProtocolOffset = 2;
    private const int LinkOffset = 4;
    private const int PacketTypeOffset = 10;

    public override AddressFamily AddressFamily => AddressFamily.Packet;

    /// <summary>How the link layer received the frame whose sender this is: sll_pkttype.</summary>
    internal static byte PacketType(SocketAddress sender) => sender.Buffer.Span[PacketTypeOffset];

    public override SocketAddress Serialize()
    {
        var address = new SocketAddress(AddressFamily.Packet, Size);
        BinaryPrimitives.WriteUInt16BigEndian(address.Buffer.Span[ProtocolOffset..], protocol);
        MemoryMarshal.Write(address.Buffer.Span[LinkOffset..], link);
        return address;
    }

    public override EndPoint Create(SocketAddress socketAddress) => new PacketAddress(
        BinaryPrimitives.ReadUInt16BigEndian(socketAddress.Buffer.Span[ProtocolOffset..]),
        MemoryMarshal.Read<int>(socketAddress.Buffer.Span[LinkOffset..]));
}
