using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Portolan.Core.Addresses;

namespace Portolan.Speaker.Peers;

/// <summary>The UDP socket on which a speaker talks to others. It never blocks, and neither receiving nor sending allocates.</summary>
internal sealed class PeerSocket : IDisposable
{
    private const int NetworkControl = 0xc0; // DSCP CS6 (RFC 4594): what keeps the network alive goes first
    private const int SocketLevel = 1;
    private const int IPv6Level = 41;
    private const int Priority = 12; // SO_PRIORITY
    private const int TrafficClass = 67; // IPV6_TCLASS

    private readonly Socket _socket;
    private readonly SocketAddress _source;
    private readonly Dictionary<IpAddress, SocketAddress> _destinations = [];
    private readonly HashSet<IpAddress> _failing = [];
    private readonly int _port;
    private readonly ILogger _log;

    private PeerSocket(Socket socket, int port, ILogger log)
    {
        (_socket, _port, _log) = (socket, port, log);
        _source = new SocketAddress(socket.AddressFamily);
    }

    /// <summary>For <see cref="Linux.Sockets.DeadlineWait"/>.</summary>
    public Socket Socket => _socket;

    /// <summary>Listens on an address of this host.</summary>
    /// <exception cref="SocketException">The address is not this host's (yet), or another program holds the port.</exception>
    public static PeerSocket Open(IPAddress local, int port, ILogger log)
    {
        var socket = new Socket(local.AddressFamily, SocketType.Dgram, ProtocolType.Udp) { Blocking = false };
        try
        {
            if (local.AddressFamily is AddressFamily.InterNetworkV6)
                socket.SetRawSocketOption(IPv6Level, TrafficClass, [NetworkControl, 0, 0, 0]);
            else
                socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.TypeOfService, NetworkControl);
            socket.SetRawSocketOption(SocketLevel, Priority, [6, 0, 0, 0]);
            socket.Bind(new IPEndPoint(local, port));
            return new PeerSocket(socket, port, log);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Reads the next datagram, if there is one.</summary>
    public bool TryReceive(Span<byte> buffer, out int length)
    {
        length = 0;
        try
        {
            if (!_socket.Poll(0, SelectMode.SelectRead))
                return false;
            length = _socket.ReceiveFrom(buffer, SocketFlags.None, _source);
            return true;
        }
        catch (SocketException)
        {
            // It belongs to no datagram, or to one that is none of ours: the next call reads on.
            return false;
        }
    }

    /// <summary>Sends a datagram, or says once why it cannot.</summary>
    public void Send(IpAddress to, ReadOnlySpan<byte> datagram)
    {
        if (!_destinations.TryGetValue(to, out var destination))
            _destinations[to] = destination = new IPEndPoint(to.ToIPAddress(), _port).Serialize();
        try
        {
            _socket.SendTo(datagram, SocketFlags.None, destination);
            _failing.Remove(to);
        }
        catch (SocketException failure)
        {
            if (_failing.Add(to))
                _log.LogWarning("peers: cannot send to {Peer}: {Failure}", to, failure.Message);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();
}
