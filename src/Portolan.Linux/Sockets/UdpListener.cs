using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Portolan.Linux.Sockets;

/// <summary>
/// A UDP socket on an address of this host that hears only what its filter lets through. Reading never blocks, throws nothing when there is nothing,
/// and allocates nothing.
/// </summary>
public abstract partial class UdpListener : IDisposable
{
    private const int DontWait = 0x40; // MSG_DONTWAIT
    private const int IPv4AddressOffset = 4;
    private const int IPv6AddressOffset = 8;
    private const int SocketLevel = 1;
    private const int ReuseAddress = 2; // SO_REUSEADDR

    private readonly byte[] _source = new byte[28]; // sizeof(struct sockaddr_in6)
    private readonly int _addressOffset;
    private readonly int _addressSize;

    private protected UdpListener(Socket socket)
    {
        Socket = socket;
        (_addressOffset, _addressSize) = socket.AddressFamily is AddressFamily.InterNetworkV6 ? (IPv6AddressOffset, 16) : (IPv4AddressOffset, 4);
    }

    /// <summary>For <see cref="DeadlineWait"/>.</summary>
    public Socket Socket { get; }

    /// <summary>
    /// Lets another socket of this host have the same address and port on another interface, if it asks for that too. Only while it is being opened: whoever
    /// asks later would take this one's datagrams away.
    /// </summary>
    public void Share(bool whether) => Share(Socket, whether);

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
    public void Dispose()
    {
        Socket.Dispose();
        GC.SuppressFinalize(this);
    }

    private protected static Socket Bind(IPEndPoint local, string link, bool shared, Action<Socket> filter)
    {
        var socket = new Socket(local.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        try
        {
            filter(socket);
            BoundLink.Bind(socket, link);
            if (shared)
                Share(socket, true);
            socket.Bind(local);
            if (shared)
                Share(socket, false);
            return socket;
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static void Share(Socket socket, bool whether) => socket.SetRawSocketOption(SocketLevel, ReuseAddress, [(byte)(whether ? 1 : 0), 0, 0, 0]);

    [LibraryImport("libc", EntryPoint = "recvfrom", SetLastError = true)]
    private static partial nint ReceiveFrom(SafeSocketHandle socket, Span<byte> buffer, nuint size, int flags, Span<byte> source, ref int sourceSize);
}
