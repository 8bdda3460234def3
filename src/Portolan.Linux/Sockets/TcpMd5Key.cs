using System.Buffers.Binary;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Portolan.Linux.Sockets;

/// <summary>
/// A key by which both ends sign their TCP segments (RFC 2385, struct tcp_md5sig of linux/tcp.h). With a wrong key, or none, a segment is as if
/// it had never come: only the counters TCPMD5NotFound, TCPMD5Unexpected and TCPMD5Failure of /proc/net/netstat tell.
/// </summary>
/// <param name="Peer">The address, or the lowest of the prefix, that it is for.</param>
/// <param name="PrefixLength">Of the prefix: 0..32 or 0..128.</param>
/// <param name="Key">1..80 bytes in UTF-8.</param>
public readonly record struct TcpMd5Key(IPAddress Peer, int PrefixLength, string Key)
{
    /// <summary>The kernel takes no longer one (TCP_MD5SIG_MAXKEYLEN), bytes.</summary>
    public const int LongestKey = 80;

    private const int TcpLevel = 6;
    private const int Extended = 32; // TCP_MD5SIG_EXT
    private const int Size = 216;
    private const int FlagsOffset = 128; // after a struct sockaddr_storage
    private const int PrefixOffset = 129;
    private const int LengthOffset = 130;
    private const int KeyOffset = 136;
    private const byte IsPrefix = 1; // TCP_MD5SIG_FLAG_PREFIX

    /// <summary>A key for one address.</summary>
    public static TcpMd5Key For(IPAddress peer, string key) => new(peer, peer.AddressFamily is AddressFamily.InterNetwork ? 32 : 128, key);

    /// <summary>How many TCP segments this thread's network namespace has dropped because their signature was wrong, missing, or not asked for.</summary>
    public static long BadSignatures()
    {
        var lines = File.ReadLines("/proc/thread-self/net/netstat").Where(line => line.StartsWith("TcpExt:", StringComparison.Ordinal)).Take(2).Select(line => line.Split(' ')).ToArray();
        if (lines is not [var names, var values])
            return 0;
        var sum = 0L;
        for (var i = 1; i < names.Length && i < values.Length; i++)
            if (names[i] is "TCPMD5NotFound" or "TCPMD5Unexpected" or "TCPMD5Failure" && long.TryParse(values[i], CultureInfo.InvariantCulture, out var count))
                sum += count;
        return sum;
    }

    /// <summary>Signs, and asks for signatures, from here on. Before connecting, or on a listener for who connects later.</summary>
    /// <param name="socket">Of the address's family.</param>
    /// <exception cref="SocketException">The kernel has no TCP MD5, the key is too long or empty, or there is no memory for it (net.core.optmem_max).</exception>
    public void Set(Socket socket) => Put(socket, Encoding.UTF8.GetBytes(Key));

    /// <summary>Signs no more. The most specific key counts, so one that is left behind shadows others.</summary>
    /// <exception cref="SocketException">There was none.</exception>
    public void Remove(Socket socket) => Put(socket, []);

    private void Put(Socket socket, ReadOnlySpan<byte> key)
    {
        if (key.Length > LongestKey)
            throw new SocketException((int)SocketError.InvalidArgument);
        Span<byte> option = stackalloc byte[Size];
        option.Clear();
        var address = Peer.GetAddressBytes();
        if (address.Length == 4)
        {
            option[0] = 2; // AF_INET, in the order of this machine's bytes: little-endian
            address.CopyTo(option[4..]);
        }
        else
        {
            option[0] = 10; // AF_INET6
            address.CopyTo(option[8..]);
        }

        option[FlagsOffset] = IsPrefix;
        option[PrefixOffset] = (byte)PrefixLength;
        BinaryPrimitives.WriteUInt16LittleEndian(option[LengthOffset..], (ushort)key.Length);
        key.CopyTo(option[KeyOffset..]);
        socket.SetRawSocketOption(TcpLevel, Extended, option);
    }
}
