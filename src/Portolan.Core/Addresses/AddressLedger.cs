using Portolan.Core.Cluster;

namespace Portolan.Core.Addresses;

/// <summary>Who holds which address on which terms, and what is free in each pool.</summary>
internal sealed class AddressLedger
{
    private readonly Dictionary<IpAddress, List<Holding>> _holders = [];
    private readonly Dictionary<(string Key, string Backend), SortedSet<IpAddress>> _shareable = [];
    private Dictionary<string, PoolSpace> _spaces = new(StringComparer.Ordinal);

    public PoolSet Pools { get; private set; } = PoolSet.Empty;

    /// <summary>Puts other pools in force; whoever holds an address goes on holding it.</summary>
    public void SetPools(PoolSet pools)
    {
        Pools = pools;
        _spaces = pools.Pools.ToDictionary(pool => pool.Name, pool => new PoolSpace(pool), StringComparer.Ordinal);
        foreach (var address in _holders.Keys)
            if (pools.Of(address) is { } pool)
                _spaces[pool.Name].Take(address);
    }

    /// <summary>Why the Service may not hold the address beside those who do, or null.</summary>
    public string? Refusal(ObjectKey service, IpAddress address, SharingTerms terms)
    {
        if (_holders.TryGetValue(address, out var holders))
            foreach (var holding in holders)
                if (holding.Service != service && terms.Refusal(holding.Service, holding.Terms) is { } refusal)
                    return $"{address} {refusal}";
        return null;
    }

    /// <summary>
    /// The first address of a pool that the Service may hold, in the order of the pool: a free one, or an earlier one that it may share.
    /// </summary>
    public IpAddress? First(AddressPool pool, IpFamily family, ObjectKey service, SharingTerms terms)
    {
        var sharers = terms.Key.Length > 0 ? _shareable.GetValueOrDefault((terms.Key, terms.Backend)) : null;
        foreach (var free in _spaces[pool.Name].Ranges)
        {
            if (free.Range.Family != family)
                continue;
            var found = free.TryFirst(out var lowest);
            if (sharers is not null)
                foreach (var shared in sharers.GetViewBetween(free.Range.First, found ? lowest : free.Range.Last))
                    if (pool.Contains(shared) && Refusal(service, shared, terms) is null)
                        return shared;
            if (found)
                return lowest;
        }

        return null;
    }

    /// <summary>Records that the Service holds the address; <see cref="Refusal"/> has been asked.</summary>
    public void Hold(ObjectKey service, IpAddress address, SharingTerms terms)
    {
        if (!_holders.TryGetValue(address, out var holders))
        {
            _holders[address] = holders = new List<Holding>(1);
            Space(address)?.Take(address);
        }

        holders.Add(new Holding(service, terms));
        if (terms.Key.Length > 0)
        {
            var group = (terms.Key, terms.Backend);
            if (!_shareable.TryGetValue(group, out var addresses))
                _shareable[group] = addresses = [];
            addresses.Add(address);
        }
    }

    /// <summary>Forgets that the Service holds the address.</summary>
    public void Release(ObjectKey service, IpAddress address)
    {
        var holders = _holders[address];
        var index = holders.FindIndex(holding => holding.Service == service);
        var terms = holders[index].Terms;
        holders.RemoveAt(index);
        var group = (terms.Key, terms.Backend);
        if (terms.Key.Length > 0 && !holders.Exists(holding => (holding.Terms.Key, holding.Terms.Backend) == group))
        {
            _shareable[group].Remove(address);
            if (_shareable[group].Count == 0)
                _shareable.Remove(group);
        }

        if (holders.Count == 0)
        {
            _holders.Remove(address);
            Space(address)?.Return(address);
        }
    }

    /// <summary>The counters of each pool.</summary>
    public IEnumerable<PoolUse> Use() => Pools.Pools.Select(pool => _spaces[pool.Name].Use());

    private PoolSpace? Space(IpAddress address) => Pools.Of(address) is { } pool ? _spaces[pool.Name] : null;

    private readonly record struct Holding(ObjectKey Service, SharingTerms Terms);

    private sealed class PoolSpace(AddressPool pool)
    {
        private long _assignedV4;
        private long _assignedV6;

        public IReadOnlyList<FreeAddresses> Ranges { get; } = [.. pool.Ranges.Select(range => new FreeAddresses(range, pool.AvoidBuggyIPs))];

        public void Take(IpAddress address)
        {
            Of(address).Take(address);
            Count(address, 1);
        }

        public void Return(IpAddress address)
        {
            Of(address).Return(address);
            Count(address, -1);
        }

        public PoolUse Use()
        {
            var (v4, v6) = (Capacity(IpFamily.IPv4), Capacity(IpFamily.IPv6));
            return new PoolUse(pool.Name, _assignedV4, _assignedV6, v4 - _assignedV4, v6 == long.MaxValue ? v6 : v6 - _assignedV6);
        }

        private FreeAddresses Of(IpAddress address) => Ranges.First(range => range.Range.Contains(address));

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
}
