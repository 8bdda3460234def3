namespace Portolan.Core.Addresses;

// What a Service gets that has nothing it may keep: what it asks for, else what the pools give.
public sealed partial class Allocator
{
    private Decision Allocate(Entry entry, List<ServiceEvent> events)
    {
        if (TryAllocate(entry, out var addresses) is { } failure)
            return Fail(entry, events, failure);

        Hold(entry, addresses);
        events.Add(new ServiceEvent(false, "IPAllocated", $"Assigned IP [{string.Join(' ', addresses.Select(address => $"\"{address}\""))}]"));
        return Assigned(entry, events, entry.Request.Addresses.Count > 0 ? "requested address" : !_reservations.IsEmpty && addresses.All(IsReservedFor(entry)) ? "reserved for it" : entry.Request.Pool.Length > 0 ? "requested pool" : "first free address");
    }

    private string? TryAllocate(Entry entry, out IReadOnlyList<IpAddress> addresses, bool bothOnly = false)
    {
        var (service, request) = (entry.Facts, entry.Request);
        addresses = [];
        if ((request.FamilyError ?? request.Error) is { } meaningless)
            return meaningless;
        if (request.Addresses.Count > 0)
            return TryRequested(entry, out addresses);
        if (TryReserved(entry, bothOnly, out addresses))
            return null;
        string? quota = null;
        if (request.Pool.Length > 0)
        {
            if (Pools.Find(request.Pool) is not { } wanted)
                return $"the requested IPAddressPool {request.Pool} does not exist";
            if (!wanted.Admits(service, NamespaceLabels(service)))
                return $"the requested IPAddressPool {request.Pool} is not for this Service";
            if (_refused.TryGetValue(wanted.Name, out var covers))
                return $"the requested IPAddressPool {request.Pool} is refused: {covers}";
            return TryFirst([wanted], entry, bothOnly, ref quota, out addresses) ? null : quota ?? $"no available {Wanted(request)} in the requested IPAddressPool {request.Pool}";
        }

        var (candidates, pinned) = Candidates(entry);
        if (TryFirst(candidates.Take(pinned), entry, bothOnly, ref quota, out addresses) || TryFirst(candidates.Skip(pinned), entry, bothOnly, ref quota, out addresses))
            return null;
        if (quota is not null)
            return quota;
        if (candidates.Count == 0 && _refused.Count > 0)
            return $"no IPAddressPool is for this Service, and {Listed(_refused.Keys.Order(StringComparer.Ordinal))} is refused: see the events of the pools";
        return candidates.Count == 0
            ? Pools.Problems.Count == 0
                ? Pools.Pools.Count == 0 ? "there is no IPAddressPool" : "no IPAddressPool assigns addresses to this Service by itself: see autoAssign and serviceAllocation of the pools"
                : "no valid IPAddressPool is for this Service, and at least one pool is invalid: see the events of the pools"
            : $"no available {Wanted(request)} in {Listed(candidates.Select(pool => pool.Name))}";
    }

    private string? TryRequested(Entry entry, out IReadOnlyList<IpAddress> addresses)
    {
        var (service, request) = (entry.Facts, entry.Request);
        addresses = request.Addresses;
        var text = string.Join(", ", addresses);
        if (!addresses.Select(address => address.Family).ToHashSet().SetEquals(request.Families))
            return $"the requested {text} does not match the Service's address families ({string.Join(", ", request.Families)})";
        if (Pools.Of(addresses[0]) is not { } pool)
            return $"the requested {addresses[0]} is outside every IPAddressPool: {Listed(Pools.Pools.Select(pool => pool.ToString()))}";
        var other = Pools.Of(addresses[^1]);
        if (other is null || (other != pool && !ArePartners(pool, other)))
            return $"the requested {text} are not from one IPAddressPool";
        if (request.Pool.Length > 0 && pool.Name != request.Pool && other.Name != request.Pool)
            return $"the requested {text} is in IPAddressPool {pool.Name}, not in the requested {request.Pool}";
        foreach (var of in other == pool ? [pool] : new[] { pool, other })
            if (!of.Admits(service, NamespaceLabels(service)))
                return $"the requested {text} is in IPAddressPool {of.Name}, which is not for this Service";
            else if (_refused.TryGetValue(of.Name, out var covers))
                return $"the requested {text} is in IPAddressPool {of.Name}, which is refused: {covers}";
        foreach (var address in addresses)
            if ((_reservations.Refusal(service.Key, address) ?? _ledger.Refusal(service.Key, address, request.Terms)) is { } refusal)
                return refusal;
        return QuotaRefusal(entry, addresses);
    }

    // The first pool that has all families; failing that, a pair of pools that has; failing that, for those who only prefer both, the first
    // that has their first one.
    private bool TryFirst(IEnumerable<AddressPool> pools, Entry entry, bool bothOnly, ref string? quota, out IReadOnlyList<IpAddress> addresses)
    {
        var request = entry.Request;
        IpAddress? first = null;
        IpAddress? second = null;
        List<(AddressPool Pool, IpAddress? One, IpAddress? Other)>? pairable = null;
        foreach (var pool in pools)
        {
            var one = FirstWithin(entry, pool, request.Families[0], ref quota);
            var other = request.IsDualStack ? FirstWithin(entry, pool, request.Families[1], ref quota) : null;
            if (one is { } found && (other is not null || !request.IsDualStack) && (other is null || Fits(entry, found, other.Value, ref quota)))
            {
                addresses = Ordered(found, other);
                return true;
            }

            if (request.IsDualStack && _policies.Of(pool).Partners.Count > 0)
                (pairable ??= []).Add((pool, one, other));
            if (request is { IsDualStack: true, PrefersDualStack: true } && !bothOnly)
                (first, second) = (first ?? one, second ?? other);
        }

        foreach (var (pool, one, other) in pairable ?? [])
            if ((one ?? other) is { } found && Paired(entry, pool, found.IsIPv4 ? IpFamily.IPv6 : IpFamily.IPv4) is { } partner && Fits(entry, found, partner, ref quota))
            {
                addresses = Ordered(found, partner);
                return true;
            }

        addresses = (first ?? second) is { } only ? [only] : [];
        return addresses.Count > 0;
    }

    // IPv4 first, whatever the Service's first family: the first address decides which node announces both on layer 2.
    private static IReadOnlyList<IpAddress> Ordered(IpAddress one, IpAddress? other) => other is not { } both ? [one] : one.IsIPv4 ? [one, both] : [both, one];

    private static string Wanted(AddressRequest request) => request.IsDualStack ? "IPv4 and IPv6 address" : $"{request.Families[0]} address";

    private static string Listed(IEnumerable<string> names)
    {
        const int most = 4;
        var all = names.ToList();
        return all.Count == 0 ? "none is in force" : string.Join(", ", all.Take(most)) + (all.Count > most ? $" and {all.Count - most} more" : "");
    }
}
