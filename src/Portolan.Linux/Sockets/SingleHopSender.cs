using System.Net;
using System.Net.Sockets;

namespace Portolan.Linux.Sockets;

/// <summary>
/// UDP sockets that send with TTL, or hop limit, 255: a direct neighbour takes nothing less (RFC 5881 §5), and one farther away can count the routers
/// between by it (RFC 5883 §5).
/// </summary>
public static class SingleHopSender
{
    private const int LowestSourcePort = 49152;
    private const int NetworkControl = 0xc0; // DSCP CS6 (RFC 4594): what keeps the network alive goes first
    private const int SocketLevel = 1;
    private const int IPv6Level = 41;
    private const int Priority = 12; // SO_PRIORITY
    private const int TrafficClass = 67; // IPV6_TCLASS

    /// <summary>
    /// A socket that sends with TTL 255 to one neighbour from a free port of 49152..65535 (RFC 5881 §4), where the kernel's own choice would start
    /// at 32768. It does not block.
    /// </summary>
    /// <param name="local">This host's address.</param>
    /// <param name="neighbour">Its address and port.</param>
    /// <param name="link">The name of the interface it is behind; empty: where the route says.</param>
    /// <exception cref="SocketException">No route, no such interface, or no port free.</exception>
    public static Socket Connect(IPAddress local, IPEndPoint neighbour, string link = "")
    {
        var socket = new Socket(local.AddressFamily, SocketType.Dgram, ProtocolType.Udp) { Blocking = false };
        try
        {
            socket.Ttl = 255; // the hop limit where the family is IPv6
            if (local.AddressFamily is AddressFamily.InterNetworkV6)
                socket.SetRawSocketOption(IPv6Level, TrafficClass, [NetworkControl, 0, 0, 0]);
            else
                socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.TypeOfService, NetworkControl);
            socket.SetRawSocketOption(SocketLevel, Priority, [6, 0, 0, 0]);
            BoundLink.Bind(socket, link);
            Bind(socket, local);
            socket.Connect(neighbour);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static void Bind(Socket socket, IPAddress local)
    {
        // From a random start, so that restarts and neighbours do not meet on the same few ports.
        const int Ports = 65536 - LowestSourcePort;
        var start = Random.Shared.Next(Ports);
        for (var i = 0; ; i++)
        {
            try
            {
                socket.Bind(new IPEndPoint(local, LowestSourcePort + (start + i) % Ports));
                return;
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.AddressAlreadyInUse && i + 1 < Ports)
            {
            }
        }
    }
}
