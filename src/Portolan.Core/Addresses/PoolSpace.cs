namespace Portolan.Core.Addresses;

/// <summary>What is free in one pool, range by range, and its counters.</summary>
internal sealed class PoolSpace
{
    // The ranges with anything free, in the order of the pool.
    private readonly SortedSet<int> _openV4 = [];
    private readonly SortedSet<int> _openV6 = [];
    private readonly long _capacityV4;
    private readonly long _capacityV6;
    private long _assignedV4;
    private long _assignedV6;

    public PoolSpace(AddressPool pool)
    {
        Pool = pool;
        Ranges = [.. pool.Ranges.Select(range => new FreeAddresses(range, pool.AvoidBuggyIPs))];
        for (var i = 0; i < Ranges.Count; i++)
            if (!Ranges[i].IsEmpty)
                Open(Ranges[i].Range.Family).Add(i);
        (_capacityV4, _capacityV6) = (Capacity(IpFamily.IPv4), Capacity(IpFamily.IPv6));
    }

    public AddressPool Pool { get; }

    public IReadOnlyList<FreeAddresses> Ranges { get; }

    /// <summary>The indexes of the family's ranges that have an address left.</summary>
    public SortedSet<int> Open(IpFamily family) => family is IpFamily.IPv4 ? _openV4 : _openV6;

    public void Take(int range, IpAddress address)
    {
        Ranges[range].Take(address);
        if (Ranges[range].IsEmpty)
            Open(address.Family).Remove(range);
        Count(address, 1);
    }

    public void Return(int range, IpAddress address)
    {
        if (Ranges[range].IsEmpty)
            Open(address.Family).Add(range);
        Ranges[range].Return(address);
        Count(address, -1);
    }

    public PoolUse Use() =>
        new(Pool.Name, _assignedV4, _assignedV6, _capacityV4 - _assignedV4, _capacityV6 == long.MaxValue ? _capacityV6 : _capacityV6 - _assignedV6);

    private void Count(IpAddress address, int change) => _ = address.IsIPv4 ? _assignedV4 += change : _assignedV6 += change;

    // Saturates, as the int64 of the pool's status must.
    private long Capacity(IpFamily family)
    {
        var total = UInt128.Zero;
        foreach (var range in Ranges)
            if (range.Range.Family == family)
                total = UInt128.MaxValue - total < range.Capacity ? UInt128.MaxValue : total + range.Capacity;
        return total > long.MaxValue ? long.MaxValue : (long)total;
    }
}
