namespace Portolan.Core.Addresses;

/// <summary>What is free in one pool, range by range, and its counters.</summary>
internal sealed class PoolSpace
{
    // The ranges with anything free, in the order of the pool.
    private readonly SortedSet<int> _openV4 = [];
    private readonly SortedSet<int> _openV6 = [];
    private readonly long _capacityV4;
    private readonly long _capacityV6;
    private (long V4, long V6) _assigned;
    private (long V4, long V6) _taken;

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

    /// <summary>The address is not free any more: somebody holds it, or it is withheld.</summary>
    public void Take(int range, IpAddress address)
    {
        Ranges[range].Take(address);
        if (Ranges[range].IsEmpty)
            Open(address.Family).Remove(range);
        Count(ref _taken, address, 1);
    }

    public void Return(int range, IpAddress address)
    {
        if (Ranges[range].IsEmpty)
            Open(address.Family).Add(range);
        Ranges[range].Return(address);
        Count(ref _taken, address, -1);
    }

    /// <summary>Somebody holds the address (1), or nobody does any more (-1).</summary>
    public void Assign(IpAddress address, int change) => Count(ref _assigned, address, change);

    public PoolUse Use() =>
        new(Pool.Name, _assigned.V4, _assigned.V6, _capacityV4 - _taken.V4, _capacityV6 == long.MaxValue ? _capacityV6 : _capacityV6 - _taken.V6);

    private static void Count(ref (long V4, long V6) counter, IpAddress address, int change) => _ = address.IsIPv4 ? counter.V4 += change : counter.V6 += change;

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
