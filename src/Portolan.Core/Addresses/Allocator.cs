using Portolan.Core.Addresses.Policies;
using Portolan.Core.Cluster;

namespace Portolan.Core.Addresses;

/// <summary>
/// Gives Services their addresses: a fold over changes, without a clock or an API. Each call takes one change and returns the decisions
/// that follow from it; the order of preference is keep → requested address → requested pool → pools pinned to the Service → the others.
/// <para>
/// Until <see cref="Start"/> it only listens. Then those who hold an address, by their status, are confirmed first, so that nobody's
/// address is given to another because of a restart. From then on the allocator's own memory of who holds what is the truth:
/// a status that says otherwise is an old one, or another writer's.
/// </para>
/// </summary>
public sealed partial class Allocator
{
    private readonly string? _loadBalancerClass;

    /// <summary>Asks all who wait whenever something is freed. What the index of the waiting saves must change no decision, and this is what it is held against.</summary>
    internal bool AsksEverybody { get; init; }

    /// <summary>How often it had to think about a Service.</summary>
    internal long DecisionsMade { get; private set; }

    private readonly Dictionary<ObjectKey, Entry> _services = [];
    private readonly Dictionary<string, IReadOnlyDictionary<string, string>> _namespaces = new(StringComparer.Ordinal);
    // Without an address, or with one of two: to be looked at again when something is freed.
    private readonly WaitingServices _waiting = new();
    private readonly ReservationBook _reservations;
    private readonly AddressLedger _ledger;
    private readonly PoolCandidates _candidates = new();
    private bool _started;

    private readonly Dictionary<string, long> _servicesIn = new(StringComparer.Ordinal);

    // Something was freed, or is shared on other terms: those who wait may be lucky now.
    private bool _freed;
    private readonly List<Touched> _touched = [];

    /// <summary>An allocator that knows of nothing yet.</summary>
    /// <param name="loadBalancerClass">Serve Services of exactly this class; null: those without one.</param>
    public Allocator(string? loadBalancerClass = null)
    {
        _loadBalancerClass = loadBalancerClass;
        _reservations = new ReservationBook();
        _ledger = new AddressLedger(_reservations);
    }

    /// <summary>The pools in force.</summary>
    public PoolSet Pools => _ledger.Pools;

    /// <summary>How much of each pool is in use.</summary>
    public IEnumerable<PoolUse> Use() => _ledger.Use().Select(use => use with { Services = _servicesIn.GetValueOrDefault(use.Pool) });

    /// <summary>The last decision about a Service, or null.</summary>
    public Decision? Current(ObjectKey service) => _services.GetValueOrDefault(service)?.Decision;

    /// <summary>What those who wait for an address have been told is in the way.</summary>
    public IEnumerable<(ObjectKey Service, ServiceEvent Told)> Complaints() =>
        _services.Values.Where(entry => entry.Decision is { Outcome: Outcome.Waiting }).SelectMany(entry => entry.Said.Where(told => told.IsWarning).Select(told => (entry.Facts.Key, told)));

    /// <summary>Everything has been listed once: confirm the holders, then serve the others.</summary>
    public IReadOnlyList<Decision> Start()
    {
        _started = true;
        var decisions = new List<Decision>();
        var inOrder = HoldersFirst();
        foreach (var entry in inOrder)
            Claim(entry);
        SettleTheHolders();
        foreach (var entry in inOrder)
            decisions.Add(Confirmed(entry, Decide(entry)));
        SettleTheGone();
        return ServeWaiting(decisions);
    }

    // Whoever has what its status says was told all of it when it got it: a restart is no news.
    private static Decision Confirmed(Entry entry, Decision decision) =>
        decision.Outcome is Outcome.Assigned && decision.Events.Count > 0 && decision.Addresses.SequenceEqual(entry.Facts.Ingress.Select(ingress => ingress.Address))
            ? decision with { Events = [.. decision.Events.Where(told => told.Reason is not ("deprecatedAnnotation" or "AdditionalAssignFailed"))] }
            : decision;

    /// <summary>One that has heard all that this one has heard, and has decided nothing: what was held is to be read from the Services' status again, and reservations
    /// from their objects.</summary>
    public Allocator Afresh()
    {
        var fresh = new Allocator(_loadBalancerClass);
        fresh.SetPools(Pools);
        fresh.SetPolicies(_policies.Set);
        fresh.Advance(_now);
        foreach (var (name, node) in _nodes)
            fresh.SetNode(name, node);
        foreach (var (name, labels) in _namespaces)
            fresh.SetNamespace(name, labels);
        foreach (var entry in _services.Values)
            fresh.SetService(entry.Facts);
        return fresh;
    }

    /// <summary>A Service is new or has changed.</summary>
    public IReadOnlyList<Decision> SetService(ServiceFacts service)
    {
        var request = AddressRequest.Of(service);
        if (!_services.TryGetValue(service.Key, out var entry))
            _services[service.Key] = entry = new Entry(service, request);
        else if (entry.Facts.Uid != service.Uid)
        {
            // Deleted and made again between two looks: the new one has no claim on what the old one had, unless a policy keeps it.
            Release(entry);
            Settle(service.Key, entry.Held);
            (entry.Decision, entry.LastHeld) = (null, null);
        }

        var guarded = _policies.HasGuards && (IsInGuarded(entry.Facts) || IsInGuarded(service));
        (entry.Facts, entry.Request) = (service, request);
        if (!_started)
            return [];
        return guarded && Guard() ? DecideAll() : ServeWaiting([Decide(entry)]);
    }

    /// <summary>A Service is gone.</summary>
    public IReadOnlyList<Decision> RemoveService(ObjectKey service)
    {
        if (!_services.Remove(service, out var entry))
            return [];
        Release(entry);
        Settle(service, entry.Held);
        _waiting.Remove(service);
        if (_started && _policies.HasGuards && IsInGuarded(entry.Facts) && Guard())
            return DecideAll();
        return _started ? ServeWaiting([]) : [];
    }

    /// <summary>The pools have changed.</summary>
    public IReadOnlyList<Decision> SetPools(PoolSet pools)
    {
        _ledger.SetPools(pools);
        ApplyPolicies(_policies.Set);
        _servicesIn.Clear();
        foreach (var entry in _services.Values)
            Count(entry);
        _candidates.Clear();
        return DecideAll();
    }

    /// <summary>A Namespace has these labels, or, with null, is gone.</summary>
    public IReadOnlyList<Decision> SetNamespace(string name, IReadOnlyDictionary<string, string>? labels)
    {
        if (labels is null)
            _namespaces.Remove(name);
        else
            _namespaces[name] = labels;
        _candidates.Forget(name);
        return _policies.HasQuotas || Pools.Pools.Any(pool => pool.SelectsNamespaces) ? DecideAll(name) : [];
    }

    private List<Decision> DecideAll(string? ofNamespace = null)
    {
        var decisions = new List<Decision>();
        if (!_started)
            return decisions;
        foreach (var entry in HoldersFirst())
            if (ofNamespace is null || entry.Facts.Key.Namespace == ofNamespace)
                decisions.Add(Decide(entry));
        return ServeWaiting(decisions);
    }

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

    // More addresses first: a dual-stack Service has more to lose. Then the older first.
    private List<Entry> HoldersFirst() =>
        [.. _services.Values.OrderByDescending(entry => Claims(entry).Count).ThenBy(entry => entry.Facts.CreatedAt).ThenBy(entry => entry.Facts.Key)];

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

    private bool IsOurs(ServiceFacts service) =>
        service.Type is ServiceType.LoadBalancer && (_loadBalancerClass is null ? string.IsNullOrEmpty(service.LoadBalancerClass) : service.LoadBalancerClass == _loadBalancerClass);

    // Before anyone is given anything at start, everyone who may keep an address has it.
    private void Claim(Entry entry)
    {
        var claims = Claims(entry);
        if (claims.Count > 0 && IsOurs(entry.Facts) && entry.Request.Families.Count > 0 && LeaveReason(entry, claims, atStart: true) is null)
            Hold(entry, claims);
    }

    private Decision Decide(Entry entry)
    {
        DecisionsMade++;
        var draft = Draft(entry);
        var said = entry.Said;
        entry.Said = draft.Events;
        entry.Decision = draft.Events.Count == 0 || said.Count == 0 ? draft : draft with { Events = [.. draft.Events.Where(told => !said.Contains(told))] };
        Settle(entry.Facts.Key, entry.Held);
        File(entry, draft.Outcome);
        return entry.Decision;
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

    private Decision Draft(Entry entry)
    {
        var service = entry.Facts;
        var request = entry.Request;
        if (!IsOurs(service))
            return LeaveAlone(entry, service.Type is ServiceType.LoadBalancer ? $"loadBalancerClass is {service.LoadBalancerClass ?? "not set"}" : "type is not LoadBalancer");

        var events = new List<ServiceEvent>();
        foreach (var former in service.Annotations.Count > 0 ? ServiceAnnotations.Former(service) : [])
            events.Add(new ServiceEvent(true, "deprecatedAnnotation", $"Service uses the deprecated annotation {former}: use {ServiceAnnotations.Prefix}{former[ServiceAnnotations.FormerPrefix.Length..]}"));

        if (Pools.Pools.Count == 0 && Pools.IsComplete)
            return Fail(entry, events, "there is no IPAddressPool");
        if (request.Families.Count == 0)
            return Fail(entry, events, "the Service has no cluster IP, so the address family is not known");
        if (request is { RequiresDualStack: true, IsDualStack: false })
        {
            var few = $"ipFamilyPolicy is RequireDualStack, and {string.Join(", ", service.ClusterIPs)} is the only cluster IP";
            events.Add(new ServiceEvent(true, "not enough clusterips", few));
            return Wait(entry, events, few);
        }

        if ((entry.Held.Count == 0 || entry.Decision is null) && service.Ingress.Count > 1 && !IsOneOrOneOfEach([.. service.Ingress.Select(ingress => ingress.Address)]))
            events.Add(new ServiceEvent(true, "nolbIPsIPFamily",
                $"status.loadBalancer.ingress: {string.Join(", ", service.Ingress.Select(ingress => ingress.Address))}: must be one address, or one of each family"));
        var held = Claims(entry);
        return held.Count > 0 ? Keep(entry, held, events) : Allocate(entry, events);
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

    private Decision Assigned(Entry entry, List<ServiceEvent> events, string reason) => new()
    {
        Service = entry.Facts.Key,
        Outcome = Outcome.Assigned,
        Addresses = entry.Held,
        Pool = Pools.Of(entry.Held[0])?.Name ?? "",
        Reason = reason,
        Events = events,
    };

    private Decision Fail(Entry entry, List<ServiceEvent> events, string reason)
    {
        events.Add(new ServiceEvent(true, "AllocationFailed", $"Failed to allocate IP for \"{entry.Facts.Key}\": {reason}"));
        return Wait(entry, events, reason);
    }

    private Decision Wait(Entry entry, List<ServiceEvent> events, string reason)
    {
        Release(entry);
        return new Decision { Service = entry.Facts.Key, Outcome = Outcome.Waiting, Reason = reason, Events = events };
    }

    private Decision LeaveAlone(Entry entry, string reason)
    {
        // An address of ours in the status of a Service that is not ours any more is our litter, also if the change came while nobody watched.
        // Where another class has it now, what its controller wrote stays.
        var service = entry.Facts;
        var isLoadBalancer = service.Type is ServiceType.LoadBalancer;
        var marked = ServiceAnnotations.IsAllocated(service);
        List<IpAddress> leaving = [.. entry.Held, .. service.Ingress.Select(ingress => ingress.Address)
            .Where(address => !entry.Held.Contains(address) && (Pools.Of(address) is not null ? marked || !isLoadBalancer : marked && !isLoadBalancer))];
        Release(entry);
        return new Decision { Service = service.Key, Outcome = marked || leaving.Count > 0 ? Outcome.Released : Outcome.NotOurs, Leaving = leaving, Reason = reason };
    }

    private void Hold(Entry entry, IReadOnlyList<IpAddress> addresses)
    {
        if (entry.Held.SequenceEqual(addresses) && entry.Terms.Equals(entry.Request.Terms))
            return;
        var moves = entry.Held.Count > 0;
        Release(entry);
        foreach (var address in addresses)
        {
            _ledger.Hold(entry.Facts.Key, address, entry.Request.Terms);
            _use?.Add(entry.Facts.Key.Namespace, address);
            _touched.Add(new Touched(address, entry.Request.Terms.Key, entry.Request.Terms.Backend));
        }

        (entry.Held, entry.LastHeld, entry.Terms) = (addresses, addresses, entry.Request.Terms);
        Count(entry);
        _freed |= moves;
    }

    private void Release(Entry entry)
    {
        if (entry.Held.Count == 0)
            return;
        foreach (var address in entry.Held)
        {
            _ledger.Release(entry.Facts.Key, address);
            _use?.Remove(entry.Facts.Key.Namespace, address);
            _touched.Add(new Touched(address, entry.Terms.Key, entry.Terms.Backend));
        }

        (entry.Held, entry.Terms) = ([], SharingTerms.None);
        if (entry.CountedIn is { } pool)
            _servicesIn[pool]--;
        entry.CountedIn = null;
        _freed = true;
    }

    private void Count(Entry entry)
    {
        entry.CountedIn = entry.Held.Count > 0 ? Pools.Of(entry.Held[0])?.Name : null;
        if (entry.CountedIn is { } pool)
            _servicesIn[pool] = _servicesIn.GetValueOrDefault(pool) + 1;
    }

    private IReadOnlyDictionary<string, string>? NamespaceLabels(ServiceFacts service) => _namespaces.GetValueOrDefault(service.Key.Namespace);

    private static string Wanted(AddressRequest request) => request.IsDualStack ? "IPv4 and IPv6 address" : $"{request.Families[0]} address";

    private static string Listed(IEnumerable<string> names)
    {
        const int most = 4;
        var all = names.ToList();
        return all.Count == 0 ? "none is in force" : string.Join(", ", all.Take(most)) + (all.Count > most ? $" and {all.Count - most} more" : "");
    }

    private sealed class Entry(ServiceFacts facts, AddressRequest request)
    {
        public ServiceFacts Facts { get; set; } = facts;

        public AddressRequest Request { get; set; } = request;

        public IReadOnlyList<IpAddress> Held { get; set; } = [];

        /// <summary>What it held last, also after it has left it; null when it never held any.</summary>
        public IReadOnlyList<IpAddress>? LastHeld { get; set; }

        public SharingTerms Terms { get; set; } = SharingTerms.None;

        public string? CountedIn { get; set; }

        public Decision? Decision { get; set; }

        public IReadOnlyList<ServiceEvent> Said { get; set; } = [];
    }
}
