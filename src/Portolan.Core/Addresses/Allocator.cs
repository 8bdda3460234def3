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
        foreach (var entry in inOrder.OrderBy(Standing))
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

    // More addresses first: a dual-stack Service has more to lose. Then the older first.
    private List<Entry> HoldersFirst() =>
        [.. _services.Values.OrderByDescending(entry => Claims(entry).Count).ThenBy(entry => entry.Facts.CreatedAt).ThenBy(entry => entry.Facts.Key)];

    private bool IsOurs(ServiceFacts service) =>
        service.Type is ServiceType.LoadBalancer && (_loadBalancerClass is null ? string.IsNullOrEmpty(service.LoadBalancerClass) : service.LoadBalancerClass == _loadBalancerClass);

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

    private Decision Assigned(Entry entry, List<ServiceEvent> events, string reason) => new()
    {
        Service = entry.Facts.Key,
        Outcome = Outcome.Assigned,
        Addresses = entry.Held,
        Pool = Pools.Of(entry.Held[0])?.Name ?? "",
        SharedAs = entry.Terms.Record,
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
