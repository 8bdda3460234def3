using System.Text;

namespace Portolan.Lab.Network.Faults;

/// <summary>Partitions and losses as rules of the switch, for <c>nft -f</c>: one table of the bridge family, replaced as a whole. Pure.</summary>
internal static class SwitchRules
{
    private const string Table = "bridge faults";

    /// <param name="topology">The lab's hosts.</param>
    /// <param name="partition">Groups of host names; empty without one.</param>
    /// <param name="losses">At most one a host.</param>
    public static string Of(Topology topology, IReadOnlyList<IReadOnlyList<string>> partition, IReadOnlyList<PacketLoss> losses)
    {
        // Adding it first lets the deletion succeed where it is not there.
        var text = new StringBuilder($"add table {Table}\ndelete table {Table}\n");
        if (partition.Count == 0 && losses.Count == 0)
            return text.ToString();
        text.Append($"table {Table} {{\n");
        text.Append("chain partition {\ntype filter hook forward priority 0;\n");
        foreach (var (from, to) in Pairs(partition))
            AppendDrops(text, [.. from.Select(n => topology.Find(n)!)], [.. to.Select(n => topology.Find(n)!)]);
        text.Append("}\nchain sent {\ntype filter hook prerouting priority 0;\n");
        foreach (var loss in losses.Where(l => l.Sent > 0))
            text.Append($"iifname {Ports(topology.Find(loss.Host)!)} {Chance(loss.Sent)}drop\n");
        // Not at postrouting: here a frame that is flooded comes by once for each port, and is lost for each by itself.
        text.Append("}\nchain received {\ntype filter hook forward priority 1;\n");
        foreach (var loss in losses.Where(l => l.Received > 0))
            text.Append($"oifname {Ports(topology.Find(loss.Host)!)} {Chance(loss.Received)}drop\n");
        return text.Append("}\n}\n").ToString();
    }

    private static IEnumerable<(IReadOnlyList<string> From, IReadOnlyList<string> To)> Pairs(IReadOnlyList<IReadOnlyList<string>> groups) =>
        from a in groups from b in groups where a != b select (a, b);

    /// <summary>Between hosts of one segment by their ports; across the router, whose port is neither's, by the address of the one behind it.</summary>
    private static void AppendDrops(StringBuilder text, IReadOnlyList<LabHost> from, IReadOnlyList<LabHost> to)
    {
        foreach (var segment in (Segment[])[Segment.Lan, Segment.Remote])
        {
            var (senders, receivers) = (from.SelectMany(h => h.Cables).Where(c => c.Segment == segment).ToList(), to.SelectMany(h => h.Cables).Where(c => c.Segment == segment).ToList());
            if (senders.Count > 0 && receivers.Count > 0)
                text.Append($"iifname {Set(senders.Select(c => c.SwitchPort))} oifname {Set(receivers.Select(c => c.SwitchPort))} drop\n");
        }
        var (behind, beyond) = (from.Where(h => h.Segment != Segment.Lan).ToList(), to.Where(h => h.Segment != Segment.Lan).ToList());
        var (near, nearBy) = (from.Where(h => h.Segment == Segment.Lan && h.Cables.Count == 1).ToList(), to.Where(h => h.Segment == Segment.Lan && h.Cables.Count == 1).ToList());
        foreach (var host in nearBy.Count > 0 ? behind : [])
            foreach (var (family, address) in Addresses(host))
                text.Append($"{family} saddr {address} oifname {Set(nearBy.SelectMany(Names))} drop\n");
        foreach (var host in near.Count > 0 ? beyond : [])
            foreach (var (family, address) in Addresses(host))
                text.Append($"iifname {Set(near.SelectMany(Names))} {family} daddr {address} drop\n");
    }

    private static IEnumerable<(string Family, string Address)> Addresses(LabHost host) => [("ip", $"{host.Address}"), ("ip6", $"{LabHost.Twin(host.Address)}")];

    private static IEnumerable<string> Names(LabHost host) => host.Cables.Select(c => c.SwitchPort);

    private static string Ports(LabHost host) => Set(Names(host));

    private static string Set(IEnumerable<string> names) => "{ " + string.Join(", ", names.Select(n => $"\"{n}\"")) + " }";

    private static string Chance(int hundredths) => hundredths >= PacketLoss.All ? "" : $"numgen random mod {PacketLoss.All} < {hundredths} ";
}
