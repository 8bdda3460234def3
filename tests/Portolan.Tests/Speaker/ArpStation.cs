using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Portolan.Protocols.Arp;
using Portolan.Tests.Proxy;

namespace Portolan.Tests.Speaker;

/// <summary>A client's network card: sends any ARP frame, and sees every one that others send.</summary>
internal sealed class ArpStation : IDisposable
{
    private readonly Socket _socket;

    public ArpStation(NetworkNamespace where, int link, MacAddress mac, int patience = 10_000)
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

    public IPv4 Address { get; } = new(0xc0a86414);

    public void Ask(IPv4 target)
    {
        Span<byte> frame = stackalloc byte[ArpFrame.Size];
        new ArpFrame(MacAddress.Broadcast, Mac, new ArpPacket(ArpOperation.Request, Mac, Address, default, target)).WriteTo(frame);
        _socket.Send(frame);
    }

    public void Send(ArpFrame frame)
    {
        Span<byte> bytes = stackalloc byte[ArpFrame.Size];
        frame.WriteTo(bytes);
        _socket.Send(bytes);
    }

    /// <summary>The next frame that somebody else sent.</summary>
    public ArpFrame Next()
    {
        Span<byte> buffer = stackalloc byte[256];
        while (true)
        {
            var length = _socket.Receive(buffer);
            Assert.Equal(ArpRejection.None, ArpFrame.TryParse(buffer[..length], out var frame));
            if (frame.Source != Mac)
                return frame;
        }
    }

    /// <summary>The next answer, gratuitous ARP and questions passed over.</summary>
    public ArpFrame NextAnswer()
    {
        while (true)
        {
            var frame = Next();
            if (frame.Packet is { IsAnnouncement: false, Operation: ArpOperation.Reply })
                return frame;
        }
    }

    /// <summary>The next frame, or null when none comes for as long as the station waits.</summary>
    public ArpFrame? TryNext()
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
            BinaryPrimitives.WriteUInt16BigEndian(address.Buffer.Span[2..], 0x0806);
            MemoryMarshal.Write(address.Buffer.Span[4..], link);
            return address;
        }
    }
}
