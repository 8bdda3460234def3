using Portolan.Core.Addresses.Policies;
using Portolan.Core.Cluster;

namespace Portolan.Core.Addresses;

// What the policies and reservations of portolan.dev add. Without any of them nothing here does anything.
public sealed partial class Allocator
{
    private readonly Dictionary<string, AddressReservation?> _toWrite = new(StringComparer.Ordinal);
    private readonly SortedDictionary<string, NodeFacts> _nodes = new(StringComparer.Ordinal);
    private Dictionary<string, FieldError> _refused = new(StringComparer.Ordinal);
    private PolicyIndex _policies = PolicyIndex.Empty;

    // Counted only where quotas ask for it: what each namespace has or has kept, and what of that is only kept.
    private NamespaceUse? _use;
    private NamespaceUse? _kept;
    private readonly HashSet<string> _counted = new(StringComparer.Ordinal);
    private long _now;

    /// <summary>What is wrong with the policies, by themselves and together with the pools.</summary>
    public IReadOnlyList<PolicyProblem> PolicyProblems => _policies.Problems;

    /// <summary>The pools that give out nothing new because they cover what a policy guards.</summary>
    public IReadOnlyList<RefusedPool> RefusedPools => [.. _refused.OrderBy(entry => entry.Key, StringComparer.Ordinal).Select(entry => new RefusedPool(entry.Key, entry.Value))];

    /// <summary>Some policy guards pools against what <see cref="SetNode"/> tells.</summary>
    public bool WatchesNodes => _policies.Set.Policies.Any(policy => policy.Guard is { } guard && (guard.Nodes || guard.Pods));

    /// <summary>When <see cref="Advance"/> has something to do next, seconds since 1970; null for never.</summary>
    public long? NextEnd => _reservations.NextEnd;

    /// <summary>The reservations in force.</summary>
    public IEnumerable<AddressReservation> Reservations => _reservations.All;

    /// <summary>What is to be written since the last time: the record of this name should be this, or, with null, should not be.</summary>
    public IReadOnlyList<KeyValuePair<string, AddressReservation?>> TakeReservationsToWrite()
    {
        if (_toWrite.Count == 0)
            return [];
        List<KeyValuePair<string, AddressReservation?>> written = [.. _toWrite];
        _toWrite.Clear();
        return written;
    }

    /// <summary>The policies have changed.</summary>
    public IReadOnlyList<Decision> SetPolicies(PolicySet policies)
    {
        ApplyPolicies(policies);
        return DecideAll();
    }

    /// <summary>
    /// A reservation is there. Of those that the controller writes itself it must hear before <see cref="Start"/> only: from then on it knows better.
    /// </summary>
    public IReadOnlyList<Decision> SetReservation(AddressReservation reservation)
    {
        if (_started && reservation.IsManaged)
            return [];
        Put(reservation, write: false);
        if (!_started)
            return [];
        var decisions = DropEnded();
        if (reservation.Service is { } service && _services.TryGetValue(service, out var entry) && entry.Decision is { Outcome: Outcome.Waiting })
            DecideAgain(entry, decisions);
        return ServeWaiting(decisions);
    }

    /// <summary>
    /// A reservation is gone, and not because it was to be: also one that the controller wrote is given up, unless its Service has the address.
    /// </summary>
    public IReadOnlyList<Decision> RemoveReservation(string name)
    {
        if (_reservations.Find(name) is not { } gone)
            return [];
        if (_started && gone is { IsManaged: true, ExpiresAt: null })
            _toWrite[name] = gone;
        else
            Drop(name, write: false);
        return _started ? ServeWaiting([]) : [];
    }

    /// <summary>A Node is like this, or, with null, is gone.</summary>
    public IReadOnlyList<Decision> SetNode(string name, NodeFacts? node)
    {
        if (node is not null && _nodes.TryGetValue(name, out var known) && known.InternalIPs.SequenceEqual(node.InternalIPs) && known.PodCIDRs.SequenceEqual(node.PodCIDRs))
            return [];
        if (node is null)
            _nodes.Remove(name);
        else
            _nodes[name] = node;
        return _policies.HasGuards && Guard() ? DecideAll() : [];
    }

    /// <summary>It is this late now, in seconds since 1970: what ends, ends.</summary>
    public IReadOnlyList<Decision> Advance(long now)
    {
        _now = Math.Max(_now, now);
        return DropEnded();
    }

    private List<Decision> DropEnded()
    {
        if (!_started || NextEnd is not { } end || end > _now)
            return [];
        foreach (var ended in _reservations.Ended(_now))
            Drop(ended.Name, write: true);
        return ServeWaiting([]);
    }

    private void ApplyPolicies(PolicySet policies)
    {
        _policies = policies == PolicySet.Empty ? PolicyIndex.Empty : new PolicyIndex(policies, Pools);
        Guard();
        (_use, _kept) = (null, null);
        _counted.Clear();
        if (!_policies.HasQuotas)
            return;
        (_use, _kept) = (new NamespaceUse(Pools), new NamespaceUse(Pools));
        foreach (var entry in _services.Values)
            foreach (var address in entry.Held)
                _use.Add(entry.Facts.Key.Namespace, address);
        foreach (var record in _reservations.All)
            CountKept(record, 1);
    }

    /// <returns>Whether other pools are refused now than before.</returns>
    private bool Guard()
    {
        if (!_policies.HasGuards && _refused.Count == 0)
            return false;
        var refused = new Dictionary<string, FieldError>(StringComparer.Ordinal);
        var clusterIPs = _services.Values.OrderBy(entry => entry.Facts.Key).SelectMany(entry => entry.Facts.ClusterIPs.Select(address => (entry.Facts.Key, address)));
        foreach (var pool in Pools.Pools)
            if (_policies.Of(pool).Guards is { Count: > 0 } guards && PoolGuard.Covers(pool, guards, _nodes.Values, clusterIPs) is { } covers)
                refused[pool.Name] = covers;
        var same = refused.Count == _refused.Count && refused.Keys.All(_refused.ContainsKey);
        _refused = refused;
        if (!same)
            _candidates.Clear();
        return !same;
    }

    private void Put(AddressReservation reservation, bool write)
    {
        var old = _reservations.Put(reservation);
        Changed(old, reservation);
        if (write)
            _toWrite[reservation.Name] = reservation;
    }

    private void Drop(string name, bool write)
    {
        Changed(_reservations.Remove(name), null);
        if (write)
            _toWrite[name] = null;
    }

    private void Changed(AddressReservation? old, AddressReservation? now)
    {
        foreach (var (reservation, change) in new[] { (old, -1), (now, 1) })
        {
            foreach (var address in reservation?.Addresses ?? [])
            {
                _ledger.Withhold(address);

                // Who shares the key of its holders waits for it, too.
                var terms = _ledger.Terms(address);
                _touched.Add(new Touched(address, terms.Key, terms.Backend));
            }

            if (reservation is not null)
                CountKept(reservation, change);
        }

        _freed = true;
    }

    // A record whose Service does not hold what is recorded is kept for it: of one that holds it, the holding counts.
    private void CountKept(AddressReservation record, int change)
    {
        if (_use is null || record is not { IsManaged: true, Service: { } service } || (change > 0 && _reservations.IsUsed(record.Name))
            || !(change > 0 ? _counted.Add(record.Name) : _counted.Remove(record.Name)))
            return;
        foreach (var use in new[] { _use, _kept! })
        {
            foreach (var address in record.Addresses)
            {
                if (change > 0)
                    use.Add(service.Namespace, address);
                else
                    use.Remove(service.Namespace, address);
            }
        }
    }

    private void Use(AddressReservation record)
    {
        CountKept(record, -1);
        _reservations.Use(record.Name);
    }

    // Brings the record of what a Service has, and has had, in line with what it holds now.
    private void Settle(ObjectKey service, IReadOnlyList<IpAddress> held)
    {
        if (!_started || (!_policies.Remembers && _reservations.IsEmpty))
            return;
        var name = AddressReservation.NameFor(service);
        var record = _reservations.Find(name) is { IsManaged: true } found ? found : null;
        var remembers = false;
        foreach (var address in held)
            remembers |= _policies.Of(Pools.Of(address)).Remembers;
        if (held.Count > 0)
        {
            var wanted = new AddressReservation { Name = name, Service = service, Addresses = held, IsManaged = true };
            if (remembers && !wanted.Equals(record))
                Put(wanted, write: true);
            if (remembers)
                Use(wanted);
            else if (!remembers && record is not null)
                Drop(name, write: true);
            foreach (var left in record?.Addresses.Except(held) ?? [])
                Rest(left);
        }
        else if (record is { ExpiresAt: null })
            Left(record);
    }

    private void Left(AddressReservation record)
    {
        // While some pool is in force in no version, it may be the very pool of this address, and nobody knows its terms.
        if (!Pools.IsComplete && record.Addresses.Any(address => Pools.Of(address) is null))
            return;
        var terms = record.Addresses.Select(address => _policies.Of(Pools.Of(address))).ToList();
        if (terms.Max(one => one.RetainFor) is var retain and > 0)
        {
            Put(record with { ExpiresAt = _now + Math.Max(retain, terms.Max(one => one.CoolDown)) }, write: true);
            return;
        }

        Drop(record.Name, write: true);
        foreach (var address in record.Addresses)
            Rest(address);
    }

    private void Rest(IpAddress address)
    {
        if (_policies.Of(Pools.Of(address)).CoolDown is var coolDown and > 0 && !_ledger.IsHeld(address))
            Put(new AddressReservation { Name = AddressReservation.NameFor(address), Addresses = [address], ExpiresAt = _now + coolDown, IsManaged = true }, write: true);
    }

    // At start: records of Services that hold what they held.
    private void SettleTheHolders()
    {
        foreach (var record in _reservations.All)
            if (record is { IsManaged: true, Service: { } service, ExpiresAt: null } && _services.TryGetValue(service, out var entry) && entry.Held.SequenceEqual(record.Addresses))
                Use(record);
    }

    // At start: records of Services that went while nobody watched.
    private void SettleTheGone()
    {
        foreach (var record in _reservations.All.ToList())
            if (record is { IsManaged: true, Service: { } service, ExpiresAt: null } && !_services.ContainsKey(service))
                Left(record);
        foreach (var ended in _reservations.Ended(_now))
            Drop(ended.Name, write: true);
    }

    private Func<IpAddress, bool> IsReservedFor(Entry entry) => address => _reservations.Of(entry.Facts.Key).Any(own => own.Addresses.Contains(address));

    // What is reserved for the Service goes before everything but a requested address, where it may have it now.
    private bool TryReserved(Entry entry, bool bothOnly, out IReadOnlyList<IpAddress> addresses)
    {
        addresses = [];
        var (service, request) = (entry.Facts, entry.Request);
        if (_reservations.Of(service.Key) is not { Count: > 0 } own)
            return false;
        IpAddress? Reserved(IpFamily family)
        {
            foreach (var reservation in own)
                foreach (var address in reservation.Addresses)
                    if (address.Family == family && MayHave(entry, address))
                        return address;
            return null;
        }

        var one = Reserved(request.Families[0]);
        var other = request.IsDualStack ? Reserved(request.Families[1]) : null;
        if (request.IsDualStack && (one ?? other) is { } only && (one is null || other is null))
            (one, other) = (only, Missing(entry, Pools.Of(only)!, only.IsIPv4 ? IpFamily.IPv6 : IpFamily.IPv4));
        if (one is not { } found)
            return false;
        string? quota = null;
        if (request.IsDualStack && other is { } second && (Pools.Of(found) == Pools.Of(second) || ArePartners(Pools.Of(found), Pools.Of(second))) && Fits(entry, found, second, ref quota))
            addresses = Ordered(found, second);
        else if ((!request.IsDualStack || (request.PrefersDualStack && !bothOnly)) && QuotaRefusal(entry, [found]) is null)
            addresses = [found];
        return addresses.Any(address => IsAsked(entry, Pools.Of(address)));
    }

    private static bool IsAsked(Entry entry, AddressPool? pool) => entry.Request.Pool.Length == 0 || entry.Request.Pool == pool?.Name;

    private bool MayHave(Entry entry, IpAddress address) =>
        Pools.Of(address) is { } pool && !_refused.ContainsKey(pool.Name) && pool.Admits(entry.Facts, NamespaceLabels(entry.Facts))
        && (IsAsked(entry, pool) || (entry.Request.IsDualStack && _policies.Of(pool).Partners.Any(partner => IsAsked(entry, partner))))
        && _reservations.Refusal(entry.Facts.Key, address) is null
        && _ledger.Refusal(entry.Facts.Key, address, entry.Request.Terms) is null;

    private bool ArePartners(AddressPool? one, AddressPool? other) => one is not null && other is not null && _policies.Of(one).Partners.Contains(other);

    // An address of the family that the pool's address is to be completed with.
    private IpAddress? Missing(Entry entry, AddressPool pool, IpFamily family) =>
        (_refused.ContainsKey(pool.Name) ? null : _ledger.First(pool, family, entry.Facts.Key, entry.Request.Terms)) ?? Paired(entry, pool, family);

    private IpAddress? Paired(Entry entry, AddressPool pool, IpFamily family)
    {
        foreach (var partner in _policies.Of(pool).Partners)
            if ((entry.Request.Pool.Length == 0 ? partner.AutoAssign : IsAsked(entry, pool) || IsAsked(entry, partner)) && !_refused.ContainsKey(partner.Name) && partner.Admits(entry.Facts, NamespaceLabels(entry.Facts))
                && _ledger.First(partner, family, entry.Facts.Key, entry.Request.Terms) is { } found)
                return found;
        return null;
    }

    // The first address of the pool that the quotas allow: where they allow no more, one that the namespace has already.
    private IpAddress? FirstWithin(Entry entry, AddressPool pool, IpFamily family, ref string? quota)
    {
        var found = _ledger.First(pool, family, entry.Facts.Key, entry.Request.Terms);
        if (_use is null || found is not { } address || QuotaRefusal(entry, [address]) is not { } refusal)
            return found;
        if (entry.Request.Terms.Key.Length > 0
            && _ledger.First(pool, family, entry.Facts.Key, entry.Request.Terms, sharedOnly: true) is { } shared && QuotaRefusal(entry, [shared]) is null)
            return shared;
        quota ??= refusal;
        return null;
    }

    private bool Fits(Entry entry, IpAddress one, IpAddress other, ref string? quota)
    {
        if (_use is null || QuotaRefusal(entry, [one, other]) is not { } refusal)
            return true;
        quota ??= refusal;
        return false;
    }

    /// <summary>Why the namespace may not have these addresses too, or null.</summary>
    private string? QuotaRefusal(Entry entry, IReadOnlyList<IpAddress> addresses)
    {
        if (_use is null)
            return null;
        var ns = entry.Facts.Key.Namespace;
        var labels = NamespaceLabels(entry.Facts);

        // What is kept for this very Service makes room for what it gets now.
        var own = _reservations.Of(entry.Facts.Key).Where(kept => _counted.Contains(kept.Name)).SelectMany(kept => kept.Addresses).Where(address => _use.Times(ns, address) == 1).ToList();
        foreach (var quota in addresses.SelectMany(address => _policies.Of(Pools.Of(address)).Quotas).Distinct())
        {
            if (!quota.Quota.Limits(ns, labels))
                continue;
            var used = quota.Pools.Sum(pool => (long)_use.Count(ns, pool)) - own.Count(address => quota.Pools.Contains(Pools.Of(address)));
            var added = addresses.Count(address => quota.Pools.Contains(Pools.Of(address)) && (!_use.Has(ns, address) || own.Contains(address)));
            if (added > 0 && used + added > quota.Quota.Addresses)
                return $"the quota is used up: namespace {ns} may have {quota.Quota.Addresses} address{(quota.Quota.Addresses == 1 ? "" : "es")} {quota}, and has {used}"
                    + (quota.Pools.Sum(pool => (long)_kept!.Count(ns, pool)) is var kept and > 0 ? $", of them {kept} kept for Services that are gone" : "");
        }

        return null;
    }

    // The Service has an address inside the cluster that lies in a guarded pool.
    private bool IsInGuarded(ServiceFacts service)
    {
        foreach (var address in service.ClusterIPs)
            foreach (var guard in _policies.Of(Pools.Of(address)).Guards)
                if (guard.Guard!.Services)
                    return true;
        return false;
    }
}
