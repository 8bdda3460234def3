using Portolan.Linux.Nftables;

namespace Portolan.Proxy.Nftables;

/// <summary>The sets and maps of our table.</summary>
internal static class ShapeSets
{
    internal const string Fronts = "fronts";
    internal const string NodePorts = "nodeports";
    internal const string Endpoints = "endpoints";
    internal const string Actions = "actions";
    internal const string FilteredActions = "filtered-actions";
    internal const string ExternalActions = "external-actions";
    internal const string InternalActions = "internal-actions";
    internal const string NodePortActions = "nodeport-actions";
    internal const string NodePortExternalActions = "nodeport-external-actions";
    internal const string NodePortInternalActions = "nodeport-internal-actions";
    internal const string AffinityTimes = "affinity-times";
    internal const string Affinity = "affinity";
    internal const string Members = "members";
    internal const string Hairpins = "hairpins";
    internal const string Addresses = "addresses";
    internal const string ClusterIPs = "cluster-ips";
    internal const string SourceRanges = "source-ranges";
    internal const string ClusterCidrs = "cluster-cidrs";
    internal const string NodePortAddresses = "nodeport-addresses";
    internal const string ServiceCidrs = "service-cidrs";

    /// <summary>The maps whose elements are verdicts, in the order of <see cref="VerdictMap"/>.</summary>
    internal static readonly string[] VerdictMaps =
        [Actions, FilteredActions, ExternalActions, InternalActions, NodePortActions, NodePortExternalActions, NodePortInternalActions, AffinityTimes];

    /// <summary>What a set that was made for fewer elements is widened to: more than there is memory for.</summary>
    internal const uint Unlimited = int.MaxValue;

    /// <summary>Whether the set takes any number of elements.</summary>
    internal static bool IsUnlimited(NftSet set) => set.Size is 0 or Unlimited;

    /// <summary>Whether the set grows with the Services: those may be made with any size that is enough.</summary>
    internal static bool GrowsWithServices(string set) => set is Fronts or NodePorts or Endpoints or Members or Addresses or ClusterIPs;

    internal static IReadOnlyList<NftSet> Of(NftFamily family, TableSettings settings)
    {
        var address = family is NftFamily.Ip ? NftTypes.IPv4Address : NftTypes.IPv6Address;
        var front = NftTypes.Concat(address, NftTypes.InetProtocol, NftTypes.InetService);
        var value = NftTypes.Concat(NftTypes.Mark, NftTypes.Mark, NftTypes.Mark, NftTypes.Mark, NftTypes.Mark);
        return
        [
            Map(Fronts, front, value),
            Map(NodePorts, NftTypes.Concat(NftTypes.InetProtocol, NftTypes.InetService), value),

            // A limit lets the kernel choose a hash table that does not grow, and is quicker to search.
            .. VerdictMaps.Select(name => new NftSet(name, NftTypes.Mark, 4, NftTypes.Verdict, 0, NftSetFlags.Map, Most(name))),
            Map(Endpoints, NftTypes.Concat(NftTypes.Mark, NftTypes.Mark), NftTypes.Concat(address, NftTypes.InetService)) with { HasCounters = true },

            // The first field of the data is only there to put the others where the next lookup wants them.
            Map(Affinity, NftTypes.Concat(NftTypes.Mark, address), NftTypes.Concat(NftTypes.InetProtocol, address, NftTypes.InetService)) with
            {
                Flags = NftSetFlags.Map | NftSetFlags.Timeout | NftSetFlags.Eval, Size = settings.MaxAffinityClients,
            },
            Set(Members, NftTypes.Concat(address, NftTypes.InetService, NftTypes.Mark)) with { HasCounters = true },
            Set(Hairpins, NftTypes.Concat(address, address)),
            Set(Addresses, address),
            Set(ClusterIPs, address),
            Set(SourceRanges, NftTypes.Concat(NftTypes.Mark, address), NftSetFlags.Interval | NftSetFlags.Concat),
            Set(ClusterCidrs, address, NftSetFlags.Interval),
            Set(NodePortAddresses, address, NftSetFlags.Interval),
            Set(ServiceCidrs, address, NftSetFlags.Interval),
        ];
    }

    // The choices of a real server are fewer than 256; each time of affinity may come in three stages.
    private static uint Most(string map) => map switch
    {
        AffinityTimes => AffinityTime.Count,
        Actions or NodePortActions => 256 + (3 * AffinityTime.Count),
        _ => 256,
    };

    private static NftSet Map(string name, uint key, uint data) => new(name, key, NftTypes.Length(key), data, NftTypes.Length(data), NftSetFlags.Map);

    private static NftSet Set(string name, uint key, NftSetFlags flags = NftSetFlags.None) => new(name, key, NftTypes.Length(key), Flags: flags);
}
