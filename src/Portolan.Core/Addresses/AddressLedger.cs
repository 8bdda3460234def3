using Portolan.Core.Addresses.Policies;
using Portolan.Core.Cluster;

namespace Portolan.Core.Addresses;

/// <summary>Who holds which address on which terms, and what is free in each pool. No cost here depends on how full a pool is.</summary>
/// <param name="reservations">What is kept from everybody but one.</param>
internal sealed class AddressLedger(ReservationBook reservations)
{
    private readonly Dictionary<IpAddress, AddressHolders> _holders = [];
    private readonly Dictionary<(string Key, string Backend), SortedSet<IpAddress>> _shareable = [];

    // Not held, and not free either.
    private readonly HashSet<IpAddress> _withheld = [];
    private Dictionary<string, PoolSpace> _spaces = new(StringComparer.Ordinal);

    public PoolSet Pools { get; private set; } = PoolSet.Empty;

    /// <summary>Puts other pools in force; whoever holds an address goes on holding it.</summary>
    public void SetPools(PoolSet pools)
    {
        Pools = pools;
        _spaces = pools.Pools.ToDictionary(pool => pool.Name, pool => new PoolSpace(pool), StringComparer.Ordinal);
        foreach (var address in _holders.Keys)
            if (Find(address) is ({ } space, var index))
            {
                space.Take(index, address);
                space.Assign(address, 1);
            }

        foreach (var address in _withheld)
            if (Find(address) is ({ } space, var index))
                space.Take(index, address);
    }

    public bool IsHeld(IpAddress address) => _holders.ContainsKey(address);

    /// <summary>On which terms the address is held: all its holders name the same key and backend.</summary>
    public SharingTerms Terms(IpAddress address) => _holders.TryGetValue(address, out var holders) ? holders.Terms : SharingTerms.None;

    /// <summary>Brings what is free in line with the reservations of an address.</summary>
    public void Withhold(IpAddress address)
    {
        if (_holders.ContainsKey(address))
            return;
        if (reservations.Reserves(address))
        {
            if (_withheld.Add(address) && Find(address) is ({ } space, var index))
                space.Take(index, address);
        }
        else if (_withheld.Remove(address) && Find(address) is ({ } space, var index))
            space.Return(index, address);
    }

    /// <summary>Why the Service may not hold the address beside those who do, or null.</summary>
    public string? Refusal(ObjectKey service, IpAddress address, SharingTerms terms) =>
        _holders.TryGetValue(address, out var holders) && holders.Refusal(service, terms) is { } refusal ? $"{address} {refusal}" : null;

    /// <summary>Whether the pool has an address of the family that nobody holds.</summary>
    public bool HasFree(string pool, IpFamily family) => _spaces.TryGetValue(pool, out var space) && space.Open(family).Count > 0;

    /// <summary>
    /// The first address of a pool that the Service may hold, in the order of the pool: a free one, or an earlier one that it may share.
    /// </summary>
    /// <param name="pool">The pool.</param>
    /// <param name="family">The family.</param>
    /// <param name="service">The Service.</param>
    /// <param name="terms">On which terms it would share.</param>
    /// <param name="sharedOnly">Not a free one.</param>
    public IpAddress? First(AddressPool pool, IpFamily family, ObjectKey service, SharingTerms terms, bool sharedOnly = false)
    {
        var space = _spaces[pool.Name];
        var open = space.Open(family);
        IpAddress? free = null;
        if (!sharedOnly && open.Count > 0 && space.Ranges[open.Min].TryFirst(out var lowest))
            free = lowest;
        return terms.Key.Length > 0 && _shareable.TryGetValue((terms.Key, terms.Backend), out var sharers)
            ? FirstShared(space, sharers, free is null ? space.Ranges.Count - 1 : open.Min, free, family, service, terms) ?? free
            : free;
    }

    /// <summary>Records that the Service holds the address; <see cref="Refusal"/> has been asked.</summary>
    public void Hold(ObjectKey service, IpAddress address, SharingTerms terms)
    {
        if (_holders.TryGetValue(address, out var holders))
            holders.Add(service, terms);
        else
        {
            _holders[address] = new AddressHolders(service, terms);
            var wasWithheld = _withheld.Remove(address);
            if (Find(address) is ({ } space, var index))
            {
                if (!wasWithheld)
                    space.Take(index, address);
                space.Assign(address, 1);
            }
        }

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
        var terms = holders.Remove(service);
        if (holders.Count > 0)
            return;

        // All who share an address name the same group, so it leaves the group with the last of them.
        _holders.Remove(address);
        var group = (terms.Key, terms.Backend);
        if (terms.Key.Length > 0 && _shareable.TryGetValue(group, out var addresses) && addresses.Remove(address) && addresses.Count == 0)
            _shareable.Remove(group);
        var stays = reservations.Reserves(address) && _withheld.Add(address);
        if (Find(address) is not ({ } space, var index))
            return;
        space.Assign(address, -1);
        if (!stays)
            space.Return(index, address);
    }

    /// <summary>The counters of each pool.</summary>
    public IEnumerable<PoolUse> Use() => Pools.Pools.Select(pool => _spaces[pool.Name].Use());

    private (PoolSpace? Space, int Range) Find(IpAddress address) => Pools.TryLocate(address, out var pool, out var index) ? (_spaces[pool.Name], index) : (null, -1);

    // Of the addresses that come before the free one.
    private IpAddress? FirstShared(PoolSpace space, SortedSet<IpAddress> sharers, int last, IpAddress? free, IpFamily family, ObjectKey service, SharingTerms terms)
    {
        for (var i = 0; i <= last; i++)
        {
            var range = space.Ranges[i].Range;
            if (range.Family != family)
                continue;
            var end = free is { } lowest && range.Contains(lowest) ? lowest : range.Last;
            foreach (var shared in sharers.GetViewBetween(range.First, end))
                if (space.Pool.Contains(shared) && _holders[shared].Admit(service, terms) && reservations.Refusal(service, shared) is null)
                    return shared;
        }

        return null;
    }
}
