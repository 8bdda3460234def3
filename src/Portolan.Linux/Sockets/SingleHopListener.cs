using System.Net;
using System.Net.Sockets;

namespace Portolan.Linux.Sockets;

/// <summary>A UDP socket that hears only datagrams with TTL, or hop limit, 255: those of direct neighbours (RFC 5082).</summary>
public sealed class SingleHopListener : UdpListener
{
    private SingleHopListener(Socket socket) : base(socket)
    {
    }

    /// <summary>Listens on an address of this host.</summary>
    /// <param name="local">The address; a link-local one needs an interface.</param>
    /// <param name="link">The name of the only interface to hear; empty: any.</param>
    /// <param name="shared">Whether others that listen there on another interface are asked to let it: <see cref="UdpListener.Share(bool)"/>.</param>
    /// <exception cref="SocketException">The address is not this host's, there is no such interface, or the port is taken.</exception>
    public static SingleHopListener Open(IPEndPoint local, string link = "", bool shared = false) =>
        new(Bind(local, link, shared, ClassicFilter.AttachTtl255));
}
