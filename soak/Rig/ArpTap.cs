using System.Net;
using System.Net.NetworkInformation;
using System.Net.Sockets;
using Portolan.Linux.Sockets;
using Portolan.Protocols.Arp;

namespace Portolan.Rig;

/// <summary>A client's wire as its ARP sees it: what passes by, and who has an address when it asks.</summary>
internal sealed class ArpTap : IDisposable
{
    private const int ReceiveBuffer = 33; // SO_RCVBUFFORCE (socket(7)): thousands of announcements come at once
    private readonly Socket _socket;
    private readonly IPv4 _address;
    private readonly byte[] _asked = new byte[ArpFrame.Size];
    private readonly DeadlineWait _wait = new();

    /// <param name="inside">The network namespace.</param>
    /// <param name="address">The client's own address there.</param>
    /// <param name="link">Its interface.</param>
    public ArpTap(string inside, string address, string link = "eth0")
    {
        _address = Parse(address);
        (_socket, Mac) = NetworkNamespace.Inside(inside, () =>
        {
            var own = NetworkInterface.GetAllNetworkInterfaces().First(found => found.Name == link);
            var socket = new Socket(AddressFamily.Packet, SocketType.Raw, 0);
            socket.SetRawSocketOption(1, ReceiveBuffer, [0, 0, 0, 2]); // 32 MiB, little-endian
            socket.Bind(new PacketAddress(ArpFrame.EtherType, own.GetIPProperties().GetIPv4Properties().Index));
            return (socket, MacAddress.Read(own.GetPhysicalAddress().GetAddressBytes()));
        });
        _wait.Add(_socket);
    }

    /// <summary>The client's hardware address: answers come to it.</summary>
    public MacAddress Mac { get; }

    /// <summary>Asks everybody who has an address.</summary>
    public void Ask(IPv4 address)
    {
        new ArpFrame(MacAddress.Broadcast, Mac, new ArpPacket(ArpOperation.Request, Mac, _address, default, address)).WriteTo(_asked);
        _socket.Send(_asked);
    }

    /// <summary>The next frame of another station.</summary>
    /// <returns>False when there is none in time.</returns>
    public bool TryReceive(TimeSpan wait, out ArpFrame frame)
    {
        Span<byte> bytes = stackalloc byte[1514];
        var deadline = DeadlineWait.Now + (long)wait.TotalMicroseconds;
        do
        {
            while (_socket.Available > 0)
                if (ArpFrame.TryParse(bytes[.._socket.Receive(bytes)], out frame) is ArpRejection.None && frame.Source != Mac)
                    return true;
            _wait.Until(deadline);
        }
        while (_wait.IsReady(_socket) || DeadlineWait.Now < deadline);

        frame = default;
        return false;
    }

    /// <summary>Whether somebody told this client, and nobody else, that they have the address.</summary>
    public bool IsAnswer(in ArpFrame frame, IPv4 address) =>
        frame.Packet.Operation is ArpOperation.Reply && frame.Packet.Sender == address && frame.Destination == Mac;

    public static IPv4 Parse(string address) => IPv4.Read(IPAddress.Parse(address).GetAddressBytes());

    public void Dispose()
    {
        _wait.Dispose();
        _socket.Dispose();
    }
}
