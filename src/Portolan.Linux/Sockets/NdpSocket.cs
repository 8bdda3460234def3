using System.Net;
using System.Net.Sockets;

namespace Portolan.Linux.Sockets;

/// <summary>
/// Reads the neighbour solicitations and advertisements that reach one interface, and writes whole frames to it. Not an ICMPv6 socket: to that
/// the kernel gives only what is for its own addresses and groups, and a neighbour who verifies what it remembers of an announced address
/// (RFC 4861 §7.3.3) asks the address itself, which the kernel does not have. Groups are joined nevertheless, for the sake of the network card
/// and of switches that listen to MLD.
/// </summary>
public sealed class NdpSocket : PacketSocket
{
    private const ushort EtherType = 0x86dd; // ETH_P_IPV6

    private readonly LinkGroups _groups;

    private NdpSocket(int link, LinkGroups groups)
        : base(link, EtherType, ClassicFilter.AttachNeighborDiscovery) => _groups = groups;

    /// <summary>Opens a socket on an interface.</summary>
    /// <param name="link">The interface's index.</param>
    /// <exception cref="SocketException">The kernel refused: no such interface, or no right to raw sockets (CAP_NET_RAW).</exception>
    public static NdpSocket Open(int link)
    {
        var groups = new LinkGroups(link);
        try
        {
            return new NdpSocket(link, groups);
        }
        catch
        {
            groups.Dispose();
            throw;
        }
    }

    /// <summary>Receives what is sent to this group too. One caller at a time, as <see cref="Leave"/>.</summary>
    /// <exception cref="SocketException">The kernel refused: IPv6 is switched off on the interface, or it has no memory.</exception>
    public void Join(IPAddress group) => _groups.Join(group);

    /// <summary>Once for each <see cref="Join"/> that succeeded.</summary>
    public void Leave(IPAddress group) => _groups.Leave(group);

    /// <inheritdoc/>
    protected override void Dispose(bool disposing)
    {
        base.Dispose(disposing);
        _groups.Dispose();
    }
}
