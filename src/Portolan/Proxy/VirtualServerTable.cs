using System.Numerics;
using Portolan.Core.Addresses;
using Portolan.Core.Forwarding;
using Portolan.Linux.Links;
using Portolan.Linux.Nftables;
using Portolan.Proxy.Accounting;
using Portolan.Proxy.Nftables;

namespace Portolan.Proxy;

/// <summary>This node's forwarding table, put together from live maps: nothing here comes from the API.</summary>
internal static class VirtualServerTable
{
    private const int Attempts = 5;

    /// <summary>Reads the table in the network namespace of the calling thread.</summary>
    /// <param name="countOpen">Count the tracked connections too, which takes the longer the more there are.</param>
    /// <returns>In <c>ipvsadm</c>'s order, or null where there is no table of ours.</returns>
    /// <exception cref="Linux.Netlink.NetlinkException">The kernel refused.</exception>
    internal static List<KernelVirtualServer>? Read(bool countOpen = false)
    {
        using var nftables = NftConnection.Open();
        using var links = LinkMonitor.OpenWithout(Ipvs.ServiceLink.Name);
        var own = links.Current.Addresses.Where(address => !address.Address.IsIPv6LinkLocal).Select(address => IpAddress.From(address.Address)).Distinct().ToList();
        var servers = new List<KernelVirtualServer>();
        var found = false;
        foreach (var family in (NftFamily[])[NftFamily.Ip, NftFamily.Ip6])
        {
            if (!nftables.HasTable(family, Shape.Table))
                continue;
            found = true;
            var contents = ReadAtOneMoment(nftables, family);
            var connections = TableReader.ReadConnections(nftables, family);
            var traffic = AccountTable.Read(nftables, family);
            var open = countOpen ? TrackedConnections.Count(TableKeys.Family(family), contents.Fronts.ContainsKey) : null;
            var slots = contents.Endpoints.ToLookup(endpoint => endpoint.Key.Set, endpoint => endpoint.Value);
            foreach (var (front, value) in contents.Fronts)
            {
                var isMaglev = FrontAction.IsMaglev(value.Outside);
                var weights = Weights(slots[value.Set], isMaglev);
                foreach (var address in front.IsNodePort ? own.Where(address => IsWithin(contents.NodePortAddresses, address)) : [front.Address])
                {
                    var at = Front.At(address, front.Protocol, front.Port);
                    servers.Add(new KernelVirtualServer(
                        front.Protocol,
                        address,
                        front.Port,
                        front.IsNodePort,
                        [.. weights.Select(real => new KernelRealServer(
                            real.Server, real.Weight, connections.GetValueOrDefault((value.Set, real.Server)), traffic?.GetValueOrDefault((front.Protocol, real.Server)), open?.GetValueOrDefault((at, real.Server))))])
                    {
                        Scheduler = isMaglev ? "maglev" : "random",
                        PersistentSeconds = value.AffinitySeconds,
                    });
                }
            }
        }

        servers.Sort(Order);
        return found ? servers : null;
    }

    private static List<(RealServer Server, int Weight)> Weights(IEnumerable<RealServer> slots, bool isMaglev)
    {
        var weights = slots.GroupBy(server => server).Select(group => (Server: group.Key, Weight: group.Count())).OrderBy(real => real.Server).ToList();
        var divisor = isMaglev ? 1 : weights.Aggregate(0, (divisor, real) => (int)BigInteger.GreatestCommonDivisor(divisor, real.Weight));
        return weights.ConvertAll(real => (real.Server, real.Weight / divisor));
    }

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
