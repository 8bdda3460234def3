using System.Net.Sockets;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;
using Portolan.Linux.Conntrack;

namespace Portolan.Proxy;

/// <summary>Counts the tracked connections of each virtual and real server: the kernel shows every flow of the node for it.</summary>
internal static class TrackedConnections
{
    /// <param name="family">The family.</param>
    /// <param name="isFront">Whether a front is one of ours.</param>
    /// <exception cref="Linux.Netlink.NetlinkException">The kernel refused.</exception>
    internal static Dictionary<(Front, RealServer), OpenConnections> Count(IpFamily family, Predicate<Front> isFront)
    {
        using var conntrack = ConntrackConnection.Open();
        var counts = new Dictionary<(Front, RealServer), OpenConnections>();
        conntrack.Each(family is IpFamily.IPv4 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6, entry =>
        {
            if (entry.Original.Destination.Length is not (4 or 16) || entry.Reply.Source.Length is not (4 or 16))
                return;
            var protocol = (Protocol)entry.Original.Layer4Protocol;
            var front = Front.At(IpAddress.Read(entry.Original.Destination), protocol, entry.Original.DestinationPort);
            if (!isFront(front) && !isFront(Front.OfNode(family, protocol, front.Port)))
                return;
            var key = (front, new RealServer(IpAddress.Read(entry.Reply.Source), entry.Reply.SourcePort));
            var open = counts.GetValueOrDefault(key);
            counts[key] = entry.IsEstablishedTcp || protocol is not Protocol.Tcp ? open with { Active = open.Active + 1 } : open with { Inactive = open.Inactive + 1 };
        });
        return counts;
    }
}
