using System.Numerics;
using Portolan.Core.Addresses;
using Portolan.Core.Forwarding;
using Portolan.Linux.Nftables;

namespace Portolan.Proxy.Nftables;

/// <summary>The plans of one family, and how much they are: what grows to so many is made of that size at once, here and in the kernel.</summary>
internal sealed class TableSize
{
    // With the longest keys and data, and the headers of the attributes they are in.
    private const int BytesOfFront = 56;
    private const int BytesOfSlot = 36;
    private const int BytesOfAddress = 20;
    private const int BytesOfShape = 256 * 1024;
    private const uint FewestOfFixedSize = 4096; // fewer find and grow quickly enough

    private TableSize()
    {
    }

    /// <summary>The plans.</summary>
    internal List<ServicePortPlan> Plans { get; } = [];

    /// <summary>The fronts of all of them.</summary>
    internal int Fronts { get; private set; }

    /// <summary>The slots of all their sets.</summary>
    internal int Slots { get; private set; }

    /// <summary>The real servers that clients may come back to.</summary>
    internal int Members { get; private set; }

    /// <summary>The real servers on this node, one as often as it is in a plan.</summary>
    internal int LocalServers { get; private set; }

    /// <summary>About the length of the transaction that makes it all.</summary>
    internal int Bytes { get; private set; }

    internal static TableSize Of(IEnumerable<ServicePortPlan> plans, IpFamily family)
    {
        var size = new TableSize();
        if (plans is IReadOnlyCollection<ServicePortPlan> all)
            size.Plans.EnsureCapacity(all.Count);
        foreach (var plan in plans)
        {
            if (plan.Key.Family != family)
                continue;
            size.Plans.Add(plan);
            size.Fronts += plan.VirtualServers.Length;
            size.Slots += plan.Cluster.Slots.Count + plan.Local.Slots.Count;
            size.LocalServers += plan.Local.Servers.Length;
            if (plan.AffinitySeconds > 0)
                size.Members += plan.Cluster.Servers.Length + plan.Local.Servers.Length;
        }

        // An IPv6 address is 12 bytes longer than an IPv4 address, or 24 where there are two.
        var longer = family is IpFamily.IPv6 ? 12L : 0L;
        size.Bytes = (int)Math.Min(int.MaxValue / 2, BytesOfShape + (size.Fronts * (BytesOfFront + BytesOfAddress + (2 * longer))) + (size.Slots * (BytesOfSlot + longer))
            + (size.LocalServers * (BytesOfAddress + (2 * longer))));
        return size;
    }

    /// <summary>
    /// The sets with room for half as much again or more. The kernel gives a set with a limit a hash table of that size, which takes elements and finds them
    /// quicker than one that grows as it fills; a set of few elements has no limit.
    /// </summary>
    internal IReadOnlyList<NftSet> Fit(IReadOnlyList<NftSet> sets) => [.. sets.Select(set => ShapeSets.GrowsWithServices(set.Name) ? set with { Size = Room(Elements(set.Name)) } : set)];

    private int Elements(string set) => set switch
    {
        ShapeSets.Fronts or ShapeSets.Addresses => Fronts,
        ShapeSets.Endpoints => Slots,
        ShapeSets.Members => Members,
        _ => Plans.Count,
    };

    // The kernel makes a third more buckets, rounded up to a power of two (nft_hash_buckets): the most it takes with twice as many buckets as elements, or more.
    private static uint Room(int elements) => elements < FewestOfFixedSize ? 0 : BitOperations.RoundUpToPowerOf2(2 * (uint)elements) / 4 * 3;
}
