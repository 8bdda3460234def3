using System.Net.Sockets;

namespace Portolan.Linux.Sockets;

/// <summary>Reads what neighbours answer to this host on one interface, ARP replies or solicited advertisements, and writes the whole frames that ask.</summary>
public sealed class NeighborAnswers : PacketSocket
{
    private const ushort Arp = 0x0806; // ETH_P_ARP
    private const ushort IPv6 = 0x86dd; // ETH_P_IPV6

    private NeighborAnswers(int link, ushort etherType, Action<Socket> filter)
        : base(link, etherType, filter)
    {
    }

    /// <summary>Opens a socket on an interface for one family's answers.</summary>
    /// <param name="link">The interface's index.</param>
    /// <param name="family">IPv4: ARP replies; IPv6: neighbour advertisements.</param>
    /// <exception cref="SocketException">The kernel refused: no such interface, or no right to raw sockets (CAP_NET_RAW).</exception>
    public static NeighborAnswers Open(int link, AddressFamily family) => family is AddressFamily.InterNetworkV6
        ? new NeighborAnswers(link, IPv6, ClassicFilter.AttachAdvertisements)
        : new NeighborAnswers(link, Arp, ClassicFilter.AttachArpReplies);
}
