using System.Net.Sockets;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;
using Portolan.Linux.Conntrack;
using Portolan.Linux.Links;
using Portolan.Linux.Nftables;
using Portolan.Proxy.Nftables;

namespace Portolan.Proxy;

/// <summary>A virtual server as the kernel forwards it now.</summary>
/// <param name="Protocol">The layer-4 protocol.</param>
/// <param name="Address">Where packets arrive: for node ports, one of the node's own addresses.</param>
/// <param name="Port">The destination port.</param>
/// <param name="IsNodePort">A port of the node's own addresses.</param>
/// <param name="RealServers">Where they are sent, in the order of their slots; none where they are refused or dropped.</param>
internal sealed record KernelVirtualServer(Protocol Protocol, IpAddress Address, ushort Port, bool IsNodePort, IReadOnlyList<KernelRealServer> RealServers)
{
    /// <summary>How a real server is chosen.</summary>
    internal const string Scheduler = "random";
}

/// <summary>A real server as the kernel has it now.</summary>
/// <param name="Server">Its address and port.</param>
/// <param name="ActiveConnections">Open TCP connections, or flows of other protocols, that came by this virtual server.</param>
/// <param name="InactiveConnections">TCP connections being opened or closed.</param>
internal sealed record KernelRealServer(RealServer Server, int ActiveConnections, int InactiveConnections);

/// <summary>This node's forwarding table, put together from live maps and tracked flows: nothing here comes from the API.</summary>
internal static class VirtualServerTable
{
    private const int Attempts = 5;

    /// <summary>Reads the table in the network namespace of the calling thread.</summary>
    /// <returns>In <c>ipvsadm</c>'s order, or null where there is no table of ours.</returns>
    /// <exception cref="Linux.Netlink.NetlinkException">The kernel refused.</exception>
    internal static List<KernelVirtualServer>? Read()
    {
        using var nftables = NftConnection.Open();
        using var conntrack = ConntrackConnection.Open();
        using var links = LinkMonitor.Open();
        var own = links.Current.Addresses.Where(address => !address.Address.IsIPv6LinkLocal).Select(address => IpAddress.From(address.Address)).Distinct().ToList();
        var servers = new List<KernelVirtualServer>();
        var found = false;
        foreach (var family in (NftFamily[])[NftFamily.Ip, NftFamily.Ip6])
        {
            if (!nftables.HasTable(family, Shape.Table))
                continue;
            found = true;
            var contents = ReadAtOneMoment(nftables, family);
            var connections = Count(conntrack, TableKeys.Family(family), contents);
            var realServers = contents.Endpoints.OrderBy(endpoint => endpoint.Value).ToLookup(endpoint => endpoint.Key.Set, endpoint => endpoint.Value);
            foreach (var (front, value) in contents.Fronts)
            {
                var targets = realServers[value.Set];
                foreach (var address in front.IsNodePort ? own.Where(address => IsWithin(contents.NodePortAddresses, address)) : [front.Address])
                {
                    servers.Add(new KernelVirtualServer(front.Protocol, address, front.Port, front.IsNodePort,
                        [.. targets.Select(server => Counted(server, connections.GetValueOrDefault((Front.At(address, front.Protocol, front.Port), server))))]));
                }
            }
        }

        servers.Sort(Order);
        return found ? servers : null;
    }

    private static KernelRealServer Counted(RealServer server, (int Active, int Inactive) connections) => new(server, connections.Active, connections.Inactive);

    // Several maps make one picture only while nobody changes them.
    private static TableContents ReadAtOneMoment(NftConnection nftables, NftFamily family)
    {
        for (var attempt = 1; ; attempt++)
        {
            var generation = nftables.Generation();
            var contents = TableReader.Read(nftables, family);
            if (nftables.Generation() == generation || attempt == Attempts)
                return contents;
        }
    }

    private static Dictionary<(Front, RealServer), (int Active, int Inactive)> Count(ConntrackConnection conntrack, IpFamily family, TableContents contents)
    {
        var counts = new Dictionary<(Front, RealServer), (int Active, int Inactive)>();
        conntrack.Each(family is IpFamily.IPv4 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6, entry =>
        {
            if (entry.Original.Destination.Length is not (4 or 16) || entry.Reply.Source.Length is not (4 or 16))
                return;
            var protocol = (Protocol)entry.Original.Layer4Protocol;
            var front = Front.At(IpAddress.Read(entry.Original.Destination), protocol, entry.Original.DestinationPort);
            if (!contents.Fronts.ContainsKey(front) && !contents.Fronts.ContainsKey(Front.OfNode(family, protocol, front.Port)))
                return;
            var key = (front, new RealServer(IpAddress.Read(entry.Reply.Source), entry.Reply.SourcePort));
            var isActive = entry.IsEstablishedTcp || protocol is not Protocol.Tcp;
            var (active, inactive) = counts.GetValueOrDefault(key);
            counts[key] = isActive ? (active + 1, inactive) : (active, inactive + 1);
        });
        return counts;
    }

    private static bool IsWithin(HashSet<RangeEdge> edges, IpAddress address)
    {
        RangeEdge? before = null;
        foreach (var edge in edges)
        {
            if (edge.Address.Family == address.Family && edge.Address <= address && (before is null || edge.Address > before.Value.Address))
                before = edge;
        }

        return before is { IsEnd: false };
    }

    // By protocol, then by address as the signed number ipvsadm compares (169.254.… and 192.168.… before 10.…), then by port.
    private static int Order(KernelVirtualServer left, KernelVirtualServer right)
    {
        if (left.Protocol != right.Protocol)
            return left.Protocol.CompareTo(right.Protocol);
        if (left.Address.Family != right.Address.Family)
            return left.Address.Family.CompareTo(right.Address.Family);
        var byAddress = left.Address.IsIPv4
            ? ((int)(uint)left.Address.Value).CompareTo((int)(uint)right.Address.Value)
            : left.Address.CompareTo(right.Address);
        return byAddress != 0 ? byAddress : left.Port.CompareTo(right.Port);
    }
}
