using System.Net.Sockets;

namespace Portolan.Linux.Sockets;

/// <summary>The first packet of an accepted TCP connection, which the kernel keeps when it is asked to (TCP_SAVE_SYN, TCP_SAVED_SYN of tcp(7)).</summary>
internal static class SavedSyn
{
    private const int TcpLevel = 6;
    private const int Keep = 27; // TCP_SAVE_SYN
    private const int Saved = 28; // TCP_SAVED_SYN
    private const int LongestHeaders = 512;
    private const int IPv4Ttl = 8;
    private const int IPv6HopLimit = 7;

    /// <summary>Has a listener keep it of each connection.</summary>
    internal static void Save(Socket listener) => listener.SetRawSocketOption(TcpLevel, Keep, BitConverter.GetBytes(1));

    /// <summary>The TTL or hop limit that it arrived with; 0 where it was not kept, as in a flood (SYN cookies).</summary>
    internal static int Ttl(Socket accepted)
    {
        Span<byte> headers = stackalloc byte[LongestHeaders];
        var length = accepted.GetRawSocketOption(TcpLevel, Saved, headers);
        return length <= IPv4Ttl ? 0 : headers[0] >> 4 == 4 ? headers[IPv4Ttl] : headers[IPv6HopLimit];
    }
}
