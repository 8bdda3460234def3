using System.Net;
using System.Net.Sockets;

namespace Portolan.Linux.Sockets;

/// <summary>
/// An ICMPv6 socket on one interface that hears router advertisements of direct neighbours (hop limit 255, in the kernel) and sends advertisements and
/// solicitations. The kernel writes and checks checksums. Reading never blocks.
/// </summary>
public sealed class RouterDiscoverySocket : IDisposable
{
    private const int IcmpV6Level = 58;
    private const int IcmpFilter = 1; // ICMPV6_FILTER
    private const int IPv6Level = 41;
    private const int MulticastInterface = 17; // IPV6_MULTICAST_IF
    private const int MulticastHops = 18; // IPV6_MULTICAST_HOPS
    private const int MulticastLoop = 19; // IPV6_MULTICAST_LOOP
    private const byte Advertisement = 134;
    private static readonly IPAddress AllNodes = IPAddress.Parse("ff02::1");
    private static readonly IPAddress AllRouters = IPAddress.Parse("ff02::2");

    private readonly int _link;
    private readonly EndPoint _any = new IPEndPoint(IPAddress.IPv6Any, 0);

    private RouterDiscoverySocket(Socket socket, int link) => (Socket, _link) = (socket, link);

    /// <summary>For <see cref="DeadlineWait"/>.</summary>
    public Socket Socket { get; }

    /// <summary>Opens it.</summary>
    /// <param name="link">The interface's index.</param>
    /// <param name="name">The interface's name.</param>
    /// <exception cref="SocketException">No such interface, no IPv6 on it, or no right to raw sockets (CAP_NET_RAW).</exception>
    public static RouterDiscoverySocket Open(int link, string name)
    {
        var socket = new Socket(AddressFamily.InterNetworkV6, SocketType.Raw, ProtocolType.IcmpV6) { Blocking = false };
        try
        {
            // struct icmp6_filter: a bit for each type that is kept back.
            var filter = new byte[32];
            filter.AsSpan().Fill(0xff);
            var word = BitConverter.ToUInt32(filter, Advertisement / 32 * 4) & ~(1u << (Advertisement % 32));
            BitConverter.TryWriteBytes(filter.AsSpan(Advertisement / 32 * 4), word);
            socket.SetRawSocketOption(IcmpV6Level, IcmpFilter, filter);
            ClassicFilter.AttachTtl255(socket);
            BoundLink.Bind(socket, name);
            socket.SetRawSocketOption(IPv6Level, MulticastInterface, BitConverter.GetBytes(link));
            socket.SetRawSocketOption(IPv6Level, MulticastHops, BitConverter.GetBytes(255));
            socket.SetRawSocketOption(IPv6Level, MulticastLoop, BitConverter.GetBytes(0));
            return new RouterDiscoverySocket(socket, link);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Reads the next advertisement, if there is one.</summary>
    /// <param name="buffer">Where to.</param>
    /// <param name="length">Bytes read.</param>
    /// <param name="source">The sender's link-local address, with its scope.</param>
    public bool TryReceive(byte[] buffer, out int length, out IPAddress source)
    {
        EndPoint from = _any;
        (length, source) = (0, IPAddress.IPv6None);
        try
        {
            if (Socket.Available == 0)
                return false;
            length = Socket.ReceiveFrom(buffer, ref from);
            source = ((IPEndPoint)from).Address;
            return true;
        }
        catch (SocketException)
        {
            // The interface went, perhaps: its owner hears of that elsewhere.
            return false;
        }
    }

    /// <summary>Sends an advertisement to all nodes of the link.</summary>
    /// <returns>Whether the kernel took it.</returns>
    public bool Advertise(ReadOnlySpan<byte> payload) => Send(payload, AllNodes);

    /// <summary>Sends a solicitation to all routers of the link.</summary>
    /// <returns>Whether the kernel took it.</returns>
    public bool Solicit(ReadOnlySpan<byte> payload) => Send(payload, AllRouters);

    /// <inheritdoc/>
    public void Dispose() => Socket.Dispose();

    private bool Send(ReadOnlySpan<byte> payload, IPAddress group)
    {
        try
        {
            return Socket.SendTo(payload, new IPEndPoint(new IPAddress(group.GetAddressBytes(), _link), 0)) == payload.Length;
        }
        catch (SocketException)
        {
            // No carrier, no address yet: the next one is not far.
            return false;
        }
    }
}
