using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Portolan.Linux.Sockets;

/// <summary>
/// A UDP socket that hears only datagrams with TTL, or hop limit, 255: those of direct neighbours (RFC 5082). Reading never blocks,
/// throws nothing when there is nothing, and allocates nothing.
/// </summary>
public sealed partial class SingleHopListener : IDisposable
{
    private const int DontWait = 0x40; // MSG_DONTWAIT
    private const int IPv4AddressOffset = 4;
    private const int IPv6AddressOffset = 8;

    private readonly byte[] _source = new byte[28]; // sizeof(struct sockaddr_in6)
    private readonly int _addressOffset;
    private readonly int _addressSize;

    private SingleHopListener(Socket socket)
    {
        Socket = socket;
        (_addressOffset, _addressSize) = socket.AddressFamily is AddressFamily.InterNetworkV6 ? (IPv6AddressOffset, 16) : (IPv4AddressOffset, 4);
    }

    /// <summary>For <see cref="DeadlineWait"/>.</summary>
    public Socket Socket { get; }

    /// <summary>Listens on an address of this host.</summary>
    /// <param name="local">The address; a link-local one needs an interface.</param>
    /// <param name="link">The name of the only interface to hear; empty: any.</param>
    /// <exception cref="SocketException">The address is not this host's, there is no such interface, or the port is taken.</exception>
    public static SingleHopListener Open(IPEndPoint local, string link = "")
    {
        var socket = new Socket(local.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            ClassicFilter.AttachTtl255(socket);
            BoundLink.Bind(socket, link);
            socket.Bind(local);
            return new SingleHopListener(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Reads the next datagram, if there is one. One caller at a time.</summary>
    /// <param name="buffer">Where to; what does not fit is lost.</param>
    /// <param name="length">Bytes read.</param>
    /// <param name="source">The sender's 4 or 16 address bytes, valid until the next call.</param>
    public bool TryReceive(Span<byte> buffer, out int length, out ReadOnlySpan<byte> source)
    {
        var size = _source.Length;
        // An error here belongs to no datagram (a neighbour's port was unreachable, say): the next call reads on.
        length = (int)ReceiveFrom(Socket.SafeHandle, buffer, (nuint)buffer.Length, DontWait, _source, ref size);
        source = _source.AsSpan(_addressOffset, _addressSize);
        return length >= 0;
    }

    /// <inheritdoc/>
    public void Dispose() => Socket.Dispose();

    [LibraryImport("libc", EntryPoint = "recvfrom", SetLastError = true)]
    private static partial nint ReceiveFrom(SafeSocketHandle socket, Span<byte> buffer, nuint size, int flags, Span<byte> source, ref int sourceSize);
}
