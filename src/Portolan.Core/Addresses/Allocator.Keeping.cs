namespace Portolan.Core.Addresses;

// What a Service has, and whether it may keep it.
public sealed partial class Allocator
{
    // What the Service has and may keep if the rules allow it. One that is of a single family now keeps the address of that family, and
    // what another writer added to the status does not cost it what is ours there.
    private IReadOnlyList<IpAddress> Claims(Entry entry)
    {
        var had = entry.Held.Count > 0 ? entry.Held : Shown(entry);
        if (entry.Request.Families is [var only] && had.Count > 1 && had.Any(address => address.Family == only))
            had = [.. had.Where(address => address.Family == only)];
        if (IsOneOrOneOfEach(had))
            return had;
        var ours = had.FirstOrDefault(address => Pools.Of(address) is not null, had[0]);
        return [.. had.Where(address => Pools.Of(address) == Pools.Of(ours)).DistinctBy(address => address.Family)];
    }

    // What the status says, if that is not older than what it was given since.
    private static IReadOnlyList<IpAddress> Shown(Entry entry)
    {
        if (entry.Facts.Ingress.Count == 0)
            return [];
        IReadOnlyList<IpAddress> shown = [.. entry.Facts.Ingress.Select(ingress => ingress.Address)];
        return entry.LastHeld is not { } last ? shown : last.All(shown.Contains) ? last : [];
    }

    private static bool IsOneOrOneOfEach(IReadOnlyList<IpAddress> addresses) => addresses.Count < 2 || (addresses.Count == 2 && addresses[0].Family != addresses[1].Family);

    // Of those who share an address and may not any more, the one that changed its terms has to go, and not who is younger. Who did while nobody watched, its own record tells.
    private static int Standing(Entry entry) =>
        !entry.Facts.Annotations.TryGetValue(ServiceAnnotations.SharedAs, out var recorded) ? 1 : recorded == entry.Request.Terms.Record ? 0 : 2;

    // Before anyone is given anything at start, everyone who may keep an address has it.
    private void Claim(Entry entry)
    {
        var claims = Claims(entry);
        if (claims.Count > 0 && IsOurs(entry.Facts) && entry.Request.Families.Count > 0 && LeaveReason(entry, claims, atStart: true) is null)
            Hold(entry, claims);
    }

    private Decision Keep(Entry entry, IReadOnlyList<IpAddress> held, List<ServiceEvent> events)
    {
        var request = entry.Request;
        held = Complete(entry, held, events);
        if (LeaveReason(entry, held) is { } reason)
        {
            events.Add(new ServiceEvent(false, "ClearAssignment", $"current IP for \"{entry.Facts.Key}\" not allowed by config, will attempt for new IP assignment: {reason}"));
            var rest = held.Count == 2 && request.PrefersDualStack ? held.Where(address => LeaveReason(entry, [address]) is null).Take(1).ToList() : [];
            Release(entry);

            // A pool that has turned single is left for one that has both families; where there is none, what it still has is kept.
            if (rest.Count == 0 || TryAllocate(entry, out _, bothOnly: true) is null)
                return Allocate(entry, events);
            Hold(entry, Complete(entry, rest, events));
            return Assigned(entry, events, "keeps the one address that it may");
        }

        if (request.Error is { } wrong)
            events.Add(new ServiceEvent(true, "LoadBalancerFailed", $"invalid requested loadbalancer IPs: {wrong}"));
        if (request.FamilyError is { } unclear)
            events.Add(new ServiceEvent(true, "noclusterIPsIPFamily", unclear));
        Hold(entry, held);
        return Assigned(entry, events, "keeps its address");
    }

    // A dual-stack Service with one address gains the other family where its own pool has it.
    private IReadOnlyList<IpAddress> Complete(Entry entry, IReadOnlyList<IpAddress> held, List<ServiceEvent> events)
    {
        var request = entry.Request;
        if (held.Count != 1 || !request.IsDualStack || request.Addresses.Count > 0 || Pools.Of(held[0]) is not { } pool)
            return held;
        var missing = held[0].IsIPv4 ? IpFamily.IPv6 : IpFamily.IPv4;
        if (Missing(entry, pool, missing) is { } added && QuotaRefusal(entry, [held[0], added]) is null)
        {
            if (LeaveReason(entry, [held[0], added]) is not null)
                return held;
            events.Add(new ServiceEvent(false, "IPAllocated", $"Assigned additional IP \"{added}\""));
            return [held[0], added];
        }

        if (request.PrefersDualStack && LeaveReason(entry, held) is null)
            events.Add(new ServiceEvent(false, "AdditionalAssignFailed", $"cannot assign additional IP in PreferDualStack: no available {missing} address in pool {pool.Name}"));
        return held;
    }

    /// <summary>Why the Service may not keep these addresses, or null.</summary>
    private string? LeaveReason(Entry entry, IReadOnlyList<IpAddress> held, bool atStart = false)
    {
        var (service, request) = (entry.Facts, entry.Request);
        if (held.Count > 2 || (held.Count == 2 && held[0].Family == held[1].Family))
            return $"{string.Join(", ", held)} are not one address, or one of each family";
        var exactly = held.Count == request.Families.Count && held.All(address => request.Families.Contains(address.Family));
        if (!exactly && !(request.IsDualStack && request.PrefersDualStack))
            return $"{string.Join(", ", held)} is not of the Service's address families";

        var pool = Pools.Of(held[0]);
        var second = held.Count == 2 ? Pools.Of(held[1]) : pool;
        if (pool != second && !ArePartners(pool, second))
            return $"{string.Join(", ", held)} are not from one IPAddressPool";

        // While some pool is in force in no version, it may be the very pool of this address.
        if (pool is null && Pools.IsComplete)
            return $"{string.Join(", ", held)} is in no IPAddressPool";
        if (pool is not null && !pool.Admits(service, NamespaceLabels(service)))
            return $"IPAddressPool {pool.Name} is not for this Service";
        if (second is not null && second != pool && !second.Admits(service, NamespaceLabels(service)))
            return $"IPAddressPool {second.Name} is not for this Service";
        if (request.Pool.Length > 0 && pool is not null && pool.Name != request.Pool && second?.Name != request.Pool && (Pools.IsComplete || Pools.Find(request.Pool) is not null))
            return $"IPAddressPool {request.Pool} is requested, and the address is from {pool.Name}";
        if (request.Addresses.Count > 0 && !request.Addresses.ToHashSet().SetEquals(held))
            return $"{string.Join(", ", request.Addresses)} is requested";
        foreach (var address in held)
            if (_ledger.Refusal(service.Key, address, request.Terms) is { } refusal)
                return refusal;

        // What a status shows later on, and nobody holds, may be promised to another by now.
        foreach (var address in atStart || entry.Held.Count > 0 ? [] : held)
            if (_reservations.Refusal(service.Key, address) is { } reserved)
                return reserved;
        return null;
    }
}
