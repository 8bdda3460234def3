using Portolan.Linux.Nftables;
using Portolan.Proxy.Nftables;

namespace Portolan.Tests.Proxy;

/// <summary>What a table in the kernel does, without the numbers by which it says so: two tables that forward alike look alike.</summary>
internal static class TableView
{
    internal static string[] Of(NftConnection connection, NftFamily family)
    {
        var contents = TableReader.Read(connection, family);
        var chains = connection.Chains(family, Shape.Table).Select(chain => chain.Name).ToHashSet();
        var servers = contents.Endpoints.ToLookup(endpoint => endpoint.Key.Set, endpoint => endpoint.Value);
        var members = contents.Members.ToLookup(member => member.Set, member => member.Server);
        var ranges = contents.SourceRanges.ToLookup(range => range.List, range => range.Range);
        var lines = new List<string>();
        foreach (var (front, value) in contents.Fronts)
        {
            var used = value.Later != 0 ? (uint[])[value.Port, value.Set] : [value.Set];
            lines.Add($"{front}: {value.Entry:x} {value.Later:x} {value.Affinity} {value.Set & FrontValue.LocalSet}"
                + $" servers {string.Join(' ', used.Distinct().Select(set => $"[{Join(servers[set])}]"))} members {string.Join(' ', used.Distinct().Select(set => $"[{Join(members[set])}]"))}"
                + $" ranges {(value.Ranges == 0 ? "all" : Join(ranges[value.Ranges]))}");

            // Everything it can lead to is there.
            var needed = new List<NeededVerdict>();
            NeededVerdict.Collect(front.IsNodePort, value, [], needed);
            foreach (var verdict in needed)
            {
                var chain = Assert.Contains((ShapeSets.VerdictMaps[(int)verdict.Map], verdict.Number), (IReadOnlyDictionary<(string, uint), NftVerdict>)contents.Verdicts).Chain;
                Assert.Contains(chain!, chains);
            }
        }

        lines.Sort(StringComparer.Ordinal);

        // Nothing is there that no front leads to.
        var ports = contents.Fronts.Values.Select(value => value.Port).ToHashSet();
        lines.Add($"unreachable sets: {contents.Endpoints.Keys.Select(key => key.Set).Concat(contents.Members.Select(member => member.Set)).Count(set => !ports.Contains(set & ~FrontValue.LocalSet))}");
        lines.Add($"unreachable lists: {ranges.Count(list => contents.Fronts.Values.All(value => value.Ranges != list.Key))}");
        lines.Add("addresses: " + Join(contents.Addresses));
        lines.Add("cluster IPs: " + Join(contents.ClusterIPs));
        lines.Add("hairpins: " + Join(contents.Hairpins));
        lines.Add("cluster CIDRs: " + Join(contents.ClusterCidrs));
        lines.Add("node port addresses: " + Join(contents.NodePortAddresses));
        lines.Add("service CIDRs: " + Join(contents.ServiceCidrs));
        return [.. lines];
    }

    private static string Join<T>(IEnumerable<T> items) => string.Join(' ', items.Select(item => item!.ToString()).Order(StringComparer.Ordinal));
}
