using System.Net;
using System.Net.Sockets;

namespace Portolan.Linux.Sockets;

/// <summary>
/// A UDP socket that hears only neighbours it knows, each only while no more routers are between than expected of it: a TTL, or hop limit, that began at
/// 255 tells how many there were (RFC 5082 §3, RFC 5883 §5).
/// </summary>
public sealed class MultihopListener : UdpListener
{
    private MultihopListener(Socket socket) : base(socket)
    {
    }

    /// <summary>Listens on an address of this host, and hears nobody yet.</summary>
    /// <param name="local">The address.</param>
    /// <param name="link">The name of the only interface, or VRF, to hear; empty: any.</param>
    /// <param name="shared">Whether others that listen there on another interface are asked to let it: <see cref="UdpListener.Share(bool)"/>.</param>
    /// <exception cref="SocketException">The address is not this host's, there is no such interface, or the port is taken.</exception>
    public static MultihopListener Open(IPEndPoint local, string link = "", bool shared = false) =>
        new(Bind(local, link, shared, socket => ClassicFilter.AttachNeighbors(socket, [])));

    /// <summary>The neighbours to hear from now on, and the least TTL of each: 254 lets one router be between.</summary>
    /// <exception cref="SocketException">They are more than the kernel takes (about 680 of IPv4 or 340 of IPv6; fewer where net.core.optmem_max is small): it stays as it was.</exception>
    public void Hear(IReadOnlyCollection<KeyValuePair<IPAddress, byte>> neighbors) => ClassicFilter.AttachNeighbors(Socket, neighbors);
}
