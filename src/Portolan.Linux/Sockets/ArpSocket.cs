using System.Net.Sockets;

namespace Portolan.Linux.Sockets;

/// <summary>Reads the ARP requests and replies that reach one interface, and writes whole frames to it.</summary>
public sealed class ArpSocket : PacketSocket
{
    private const ushort EtherType = 0x0806; // ETH_P_ARP

    private ArpSocket(int link)
        : base(link, EtherType, ClassicFilter.AttachArp)
    {
    }

    /// <summary>Opens a socket on an interface.</summary>
    /// <param name="link">The interface's index.</param>
    /// <exception cref="SocketException">The kernel refused: no such interface, or no right to raw sockets (CAP_NET_RAW).</exception>
    public static ArpSocket Open(int link) => new(link);
}
