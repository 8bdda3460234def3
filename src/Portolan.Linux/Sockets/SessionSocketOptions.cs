using System.Net.Sockets;

namespace Portolan.Linux.Sockets;

/// <summary>What a TCP session with a neighbour asks of the kernel.</summary>
public sealed record SessionSocketOptions
{
    /// <summary>Hops that a packet sent may take: 1..255; 255 with <see cref="LeastTtl"/>.</summary>
    public int Ttl { get; init; } = 64;

    /// <summary>Packets that arrive with less of their 255 hops left are dropped (RFC 5082): 1..255; 0: none is.</summary>
    public int LeastTtl { get; init; }

    /// <summary>The only interface, or the VRF, to use; empty: where the routes say.</summary>
    public string Link { get; init; } = "";

    /// <summary>The TCP MD5 key; empty: none.</summary>
    public string Password { get; init; } = "";

    /// <summary>The longest segment to be sent or received, bytes; 0: what the path carries.</summary>
    public int LongestSegment { get; init; }

    /// <summary>How long sent bytes may stay without an acknowledgement before the kernel gives up (TCP_USER_TIMEOUT), milliseconds; 0: its own choice.</summary>
    public int UserTimeout { get; init; }

    private const int SocketLevel = 1;
    private const int IPLevel = 0;
    private const int TcpLevel = 6;
    private const int IPv6Level = 41;
    private const int Priority = 12; // SO_PRIORITY
    private const int MinimumTtl = 21; // IP_MINTTL
    private const int MinimumHopCount = 73; // IPV6_MINHOPCOUNT
    private const int TrafficClass = 67; // IPV6_TCLASS
    private const int MaximumSegment = 2; // TCP_MAXSEG
    private const int UserTimeoutOption = 18; // TCP_USER_TIMEOUT
    private const int NetworkControl = 0xc0; // DSCP CS6 (RFC 4594)

    /// <summary>Asks for all that concerns a connection, but for interface and key, which come before it.</summary>
    /// <exception cref="SocketException">The kernel refuses something: then the session must not be.</exception>
    internal void Apply(Socket socket)
    {
        socket.NoDelay = true;
        socket.SetRawSocketOption(SocketLevel, Priority, Number(6));
        socket.Ttl = (short)(LeastTtl > 0 ? byte.MaxValue : Ttl);
        if (socket.AddressFamily is AddressFamily.InterNetworkV6)
        {
            socket.SetRawSocketOption(IPv6Level, TrafficClass, Number(NetworkControl));
            if (LeastTtl > 0)
                socket.SetRawSocketOption(IPv6Level, MinimumHopCount, Number(LeastTtl));
        }
        else
        {
            socket.SetSocketOption(SocketOptionLevel.IP, SocketOptionName.TypeOfService, NetworkControl);
            if (LeastTtl > 0)
                socket.SetRawSocketOption(IPLevel, MinimumTtl, Number(LeastTtl));
        }

        if (LongestSegment > 0)
            socket.SetRawSocketOption(TcpLevel, MaximumSegment, Number(LongestSegment));
        if (UserTimeout > 0)
            socket.SetRawSocketOption(TcpLevel, UserTimeoutOption, Number(UserTimeout));
    }

    private static byte[] Number(int value) => BitConverter.GetBytes(value);
}
