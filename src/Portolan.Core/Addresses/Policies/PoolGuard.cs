using Portolan.Core.Cluster;

namespace Portolan.Core.Addresses.Policies;

/// <summary>A pool that gives out nothing new, because it covers what a policy guards. Whoever holds one of its addresses keeps it.</summary>
/// <param name="Pool">The pool's name.</param>
/// <param name="Error">Which of its ranges, and what it covers.</param>
public readonly record struct RefusedPool(string Pool, FieldError Error);

/// <summary>Compares pools with what the cluster itself uses. An address that a node, a pod or a Service has inside must not be announced outside.</summary>
internal static class PoolGuard
{
    /// <summary>The first thing that the pool covers and must not, or null.</summary>
    /// <param name="pool">The pool.</param>
    /// <param name="guards">The policies that guard it.</param>
    /// <param name="nodes">All Nodes, in a fixed order.</param>
    /// <param name="clusterIPs">Addresses that Services have inside the cluster, in a fixed order.</param>
    public static FieldError? Covers(AddressPool pool, IReadOnlyList<AddressPoolPolicy> guards, IEnumerable<NodeFacts> nodes, IEnumerable<(ObjectKey Service, IpAddress Address)> clusterIPs)
    {
        foreach (var policy in guards)
        {
            foreach (var guarded in policy.GuardedRanges)
                if (Overlap(pool, guarded, $"{guarded}, which AddressPoolPolicy {policy.Name} guards") is { } found)
                    return found;
            var (ofNodes, ofPods) = (policy.Guard!.Nodes, policy.Guard.Pods);
            foreach (var node in ofNodes || ofPods ? nodes : [])
            {
                foreach (var address in ofNodes ? node.InternalIPs : [])
                    if (Overlap(pool, new IpRange(address, address), $"{address}, an address of Node {node.Name}") is { } found)
                        return found;
                foreach (var range in ofPods ? node.PodCIDRs : [])
                    if (Overlap(pool, new IpRange(range), $"the pods of Node {node.Name} in {range}") is { } found)
                        return found;
            }

            foreach (var (service, address) in policy.Guard.Services ? clusterIPs : [])
                if (Overlap(pool, new IpRange(address, address), $"{address}, the cluster IP of Service {service}") is { } found)
                    return found;
        }

        return null;
    }

    private static FieldError? Overlap(AddressPool pool, IpRange guarded, string what)
    {
        for (var i = 0; i < pool.Ranges.Count; i++)
            if (pool.Ranges[i].Overlaps(guarded))
                return new FieldError($"spec.addresses[{i}]", pool.Ranges[i].ToString(), $"must not cover {what}; nothing of the pool is given out until it does not");
        return null;
    }
}
