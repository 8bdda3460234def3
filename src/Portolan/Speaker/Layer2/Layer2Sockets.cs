using Portolan.Linux.Sockets;

namespace Portolan.Speaker.Layer2;

/// <summary>How sockets on an interface, given by its index, are opened.</summary>
/// <param name="Arp">For IPv4.</param>
/// <param name="Ndp">For IPv6.</param>
internal sealed record Layer2Sockets(Func<int, ArpSocket> Arp, Func<int, NdpSocket> Ndp)
{
    /// <summary>In the network namespace of this process.</summary>
    public static readonly Layer2Sockets Here = new(ArpSocket.Open, NdpSocket.Open);
}
