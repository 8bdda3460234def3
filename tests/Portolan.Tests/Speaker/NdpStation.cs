using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Portolan.Protocols.Arp;
using Portolan.Protocols.Ndp;
using Portolan.Tests.Proxy;

namespace Portolan.Tests.Speaker;

/// <summary>A client's network card: sends any neighbour discovery frame, and sees every one that others send for the addresses under test.</summary>
internal sealed class NdpStation : IDisposable
{
    private readonly Socket _socket;

    public NdpStation(NetworkNamespace where, int link, MacAddress mac, int patience = 10_000)
    {
        Mac = mac;
        _socket = where.Inside(() =>
        {
            var socket = new Socket(AddressFamily.Packet, SocketType.Raw, 0) { ReceiveTimeout = patience };
            socket.Bind(new Interface(link));
            return socket;
        });
    }

    public MacAddress Mac { get; }

    public IPv6 Address { get; } = new(0xfe80_0000_0000_0000, 0x14);

    public void Ask(IPv6 target) => Send(NdpFrame.Solicitation(Mac, Address, target));

    public void Send(ReadOnlySpan<byte> frame) => _socket.Send(frame);

    public void Send(NdpFrame frame)
    {
        Span<byte> bytes = stackalloc byte[NdpFrame.MaxSize];
        frame.WriteTo(bytes);
        _socket.Send(bytes[..frame.Size]);
    }

    /// <summary>The next advertisement of somebody else, the kernels' own passed over.</summary>
    public NdpFrame Next()
    {
        Span<byte> buffer = stackalloc byte[512];
        while (true)
        {
            var length = _socket.Receive(buffer);
            if (NdpFrame.TryParse(buffer[..length], out var frame) is NdpRejection.None && frame.SourceMac != Mac
                && frame.Message.Type is NeighborMessageType.Advertisement && !frame.Message.Target.IsLinkLocal)
                return frame;
        }
    }

    /// <summary>The next question for an address.</summary>
    public NdpFrame NextQuestion(IPv6 target)
    {
        Span<byte> buffer = stackalloc byte[512];
        while (true)
        {
            var length = _socket.Receive(buffer);
            if (NdpFrame.TryParse(buffer[..length], out var frame) is NdpRejection.None && frame.Message.Type is NeighborMessageType.Solicitation && frame.Message.Target == target)
                return frame;
        }
    }

    /// <summary>The next answer, unsolicited advertisements passed over.</summary>
    public NdpFrame NextAnswer()
    {
        while (true)
        {
            var frame = Next();
            if ((frame.Message.Flags & NeighborFlags.Solicited) != 0)
                return frame;
        }
    }

    /// <summary>The next frame, or null when none comes for as long as the station waits.</summary>
    public NdpFrame? TryNext()
    {
        try
        {
            return Next();
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock or SocketError.TryAgain)
        {
            return null;
        }
    }

    public void Dispose() => _socket.Dispose();

    private sealed class Interface(int link) : EndPoint
    {
        public override AddressFamily AddressFamily => AddressFamily.Packet;

        public override SocketAddress Serialize()
        {
            var address = new SocketAddress(AddressFamily.Packet, 20);
            BinaryPrimitives.WriteUInt16BigEndian(address.Buffer.Span[2..], NdpFrame.EtherType);
            MemoryMarshal.Write(address.Buffer.Span[4..], link);
            return address;
        }
    }
}
