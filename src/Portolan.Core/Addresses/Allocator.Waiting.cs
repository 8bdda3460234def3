using Portolan.Core.Cluster;

namespace Portolan.Core.Addresses;

// Those who wait, and when they are asked again.
public sealed partial class Allocator
{
    private List<Decision> ServeWaiting(List<Decision> decisions)
    {
        // Serving one can free what another waits for, if it leaves an address it may not keep; each pass serves at least one more.
        for (var (passes, from) = (0, 0); _freed && passes <= _services.Count; passes++)
        {
            _freed = false;
            var (round, known, everybody) = (new ServingRound(_waiting, _ledger, _policies), from, AsksEverybody ? new Queue<ObjectKey>(_waiting.All) : null);
            from = _touched.Count;
            while (true)
            {
                while (known < _touched.Count)
                    round.Add(_touched[known++]);
                ObjectKey next = default;
                if (everybody?.TryDequeue(out next) ?? round.TryNext(out next))
                    DecideAgain(_services[next], decisions);
                else
                    break;
            }
        }

        _touched.Clear();
        return decisions;
    }

    private void DecideAgain(Entry entry, List<Decision> decisions)
    {
        var before = entry.Decision;
        var now = Decide(entry);
        if (!now.SameStatusAs(before) || now.Events.Count > 0)
            decisions.Add(now);
    }

    // What could change the decision, as long as neither the Service nor the pools do.
    private void File(Entry entry, Outcome outcome)
    {
        var (service, request) = (entry.Facts, entry.Request);
        var terms = request.Terms.Key.Length > 0 ? request.Terms : null;
        var waiter = new Waiter(service.CreatedAt, service.Key);
        if (outcome is Outcome.Waiting)
        {
            var claims = Claims(entry);
            IReadOnlyList<IpAddress> addresses = claims.Count == 0 ? request.Addresses : [.. claims.Union(request.Addresses)];
            if (_reservations.Of(service.Key) is { Count: > 0 } reserved)
                addresses = [.. addresses.Union(reserved.SelectMany(reservation => reservation.Addresses))];
            var candidates = request is { Error: null, FamilyError: null, Addresses.Count: 0, Families.Count: > 0 } && (request.IsDualStack || !request.RequiresDualStack) ? Candidates(entry) : PoolCandidates.None;
            var wish = candidates.Pools.Count == 0 ? null
                : Wish(candidates.Pools, service, request.Families.Contains(IpFamily.IPv4), request.Families.Contains(IpFamily.IPv6), request.PrefersDualStack && request.IsDualStack, terms);

            // What its status shows could be completed and kept; for a certain address the quota may be all that is missing.
            var completing = claims.Count == 1 && request.IsDualStack ? Completing(claims[0], service, terms) : null;
            var limited = _policies.HasQuotas ? addresses.Select(Pools.Of).OfType<AddressPool>().Where(pool => _policies.Of(pool).Quotas.Count > 0).Distinct().ToList() : [];
            var own = limited.Count > 0 ? Wish([.. limited.Union(completing?.Pools ?? [])], service, true, true, false, terms) : completing;
            _waiting.Set(waiter, wish, own is null ? null : own with { Of = service.Key }, addresses);
        }
        else if (outcome is Outcome.Assigned && request.PrefersDualStack && request.IsDualStack && entry.Held.Count == 1)
        {
            _waiting.Set(waiter, request.Addresses.Count == 0 ? Completing(entry.Held[0], service, terms) : null, null, []);
        }
        else
            _waiting.Remove(service.Key);
    }

    private PoolWish? Completing(IpAddress held, ServiceFacts service, SharingTerms? terms) =>
        Pools.Of(held) is { } pool ? Wish([pool], service, !held.IsIPv4, held.IsIPv4, false, terms) : null;

    private PoolWish Wish(IReadOnlyList<AddressPool> pools, ServiceFacts service, bool v4, bool v6, bool either, SharingTerms? terms) => new(
        pools.Any(pool => _policies.Of(pool).Partners.Count > 0) ? [.. pools.Union(pools.SelectMany(pool => _policies.Of(pool).Partners))] : pools,
        v4, v6, either, terms, null, pools.Any(pool => _policies.Of(pool).Quotas.Count > 0) ? service.Key.Namespace : null);

    // The pools that could serve the Service, as it is and as it asks, in the order they are tried.
    private PoolCandidates.Of Candidates(Entry entry) => entry.Request.Pool.Length == 0
        ? _candidates.For(Pools, entry.Facts, NamespaceLabels(entry.Facts), _refused)
        : Pools.Find(entry.Request.Pool) is { } wanted && !_refused.ContainsKey(wanted.Name) && wanted.Admits(entry.Facts, NamespaceLabels(entry.Facts)) ? new([wanted], 0) : PoolCandidates.None;
}
