using Portolan.Core.Addresses;
using Portolan.Core.Announcements;
using Portolan.Core.Cluster;

namespace Portolan.Core.Configuration;

/// <summary>What of an AnnouncementPolicy does not come to pass although nothing is wrong with it: the cluster, or another policy, stands against it.</summary>
internal static class PolicyNotices
{
    /// <summary>With fewer nodes than this a majority is all of them, or a single one: losing any would take every address away.</summary>
    public const int FewestNodesForMajority = 3;

    /// <param name="policy">The policy as written.</param>
    /// <param name="policies">All policies, this one or not.</param>
    /// <param name="pools">All pools.</param>
    /// <param name="nodes">How many nodes there are, or null when that is not known.</param>
    public static IEnumerable<FieldError> Of(AnnouncementPolicy policy, IEnumerable<AnnouncementPolicy> policies, IEnumerable<AddressPool> pools, int? nodes)
    {
        if (policy.RequireMajority && nodes < FewestNodesForMajority)
            yield return new FieldError("spec.requireMajority", "true", $"is refused with fewer than {FewestNodesForMajority} nodes, and there are {nodes}: until there are more, both sides of a partition announce");
        foreach (var pool in pools)
            if (policy.Covers(pool) && First(policies, pool) is { } first && string.CompareOrdinal(first, policy.Name) < 0)
                yield return new FieldError("spec.ipAddressPools", pool.Name, $"AnnouncementPolicy {first} is about this IPAddressPool too, comes first by name, and counts");
    }

    private static string? First(IEnumerable<AnnouncementPolicy> policies, AddressPool pool) =>
        policies.Where(policy => policy.Covers(pool)).Select(policy => policy.Name).Min(StringComparer.Ordinal);
}
