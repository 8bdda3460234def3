using System.Diagnostics.CodeAnalysis;
using Portolan.Core.Cluster;

namespace Portolan.Core.Announcements.Bgp;

/// <summary>
/// Services, their endpoints and the context, with the plan of each Service and the routes of each class of peers. A change re-plans the Services it
/// touches and no others; plans and routes are always those a fresh index would hold. Not thread safe.
/// </summary>
public sealed class BgpIndex
{
    private readonly Dictionary<ObjectKey, ServiceFacts> _services = [];
    private readonly Dictionary<ObjectKey, SortedDictionary<ObjectKey, EndpointSliceFacts>> _slices = [];
    private readonly Dictionary<ObjectKey, ObjectKey> _serviceOfSlice = [];
    private readonly Dictionary<ObjectKey, BgpPlan> _plans = [];
    private BgpTerms _terms = BgpTerms.Of(BgpContext.Empty);
    private PeerClass[] _classes = [];
    private int _lastClass;

    /// <summary>The context the plans were made in.</summary>
    public BgpContext Context { get; private set; } = BgpContext.Empty;

    /// <summary>The plan of every Service.</summary>
    public IReadOnlyDictionary<ObjectKey, BgpPlan> Plans => _plans;

    /// <summary>Every peer of this node is in one of them.</summary>
    public IReadOnlyList<PeerClass> Classes => _classes;

    /// <summary>The class of a peer, or null when it is none of this node's.</summary>
    public PeerClass? ClassOf(string peer)
    {
        foreach (var found in _classes)
            if (found.Peers.Contains(peer))
                return found;
        return null;
    }

    /// <inheritdoc cref="BgpPlan.Peers"/>
    public IReadOnlyList<string> PeersOf(ObjectKey service) => _plans.GetValueOrDefault(service)?.Peers ?? [];

    /// <summary>The facts of a Service.</summary>
    public bool TryGetService(ObjectKey key, [MaybeNullWhen(false)] out ServiceFacts service) => _services.TryGetValue(key, out service);

    /// <summary>A Service appeared or changed.</summary>
    public BgpChanges Set(ServiceFacts service)
    {
        _services[service.Key] = service;
        return Plan(service.Key);
    }

    /// <summary>A Service is gone.</summary>
    public BgpChanges RemoveService(ObjectKey service) => _services.Remove(service) ? Plan(service) : BgpChanges.None;

    /// <summary>An EndpointSlice appeared or changed, perhaps its Service too.</summary>
    public BgpChanges Set(EndpointSliceFacts slice)
    {
        var former = _serviceOfSlice.TryGetValue(slice.Key, out var service) && service != slice.Service ? service : slice.Service;
        if (former != slice.Service)
            Forget(slice.Key, former);
        _serviceOfSlice[slice.Key] = slice.Service;
        if (!_slices.TryGetValue(slice.Service, out var slices))
            _slices[slice.Service] = slices = [];
        slices[slice.Key] = slice;
        return former == slice.Service ? Plan(slice.Service) : Plan(slice.Service, former);
    }

    /// <summary>An EndpointSlice is gone.</summary>
    public BgpChanges RemoveSlice(ObjectKey slice)
    {
        if (!_serviceOfSlice.Remove(slice, out var service))
            return BgpChanges.None;
        Forget(slice, service);
        return Plan(service);
    }

    /// <summary>Pools, advertisements, peers, policies or our own node changed. Where that matters, all is planned anew; peers keep their class where they can.</summary>
    public BgpChanges Set(BgpContext context)
    {
        Context = context;
        var (former, terms) = (_terms, BgpTerms.Of(context));
        if (terms.SameAs(former))
            return BgpChanges.None;
        _terms = terms;
        var (formerClasses, formerTables) = (_classes, _classes.ToDictionary(known => known, known => known.Table));
        var formerClassOf = formerClasses.SelectMany(known => known.Peers.Select(peer => (peer, known))).ToDictionary(pair => pair.peer, pair => pair.known);
        _classes = Reclassify(terms.Groups, former.Groups, formerClasses);

        var services = new List<ObjectKey>();
        foreach (var (key, service) in _services)
        {
            var plan = BgpPlan.For(service, SlicesOf(key), terms);
            if (!plan.Equals(_plans[key]))
                services.Add(key);
            _plans[key] = plan;
            foreach (var route in plan.Routes)
                _classes[route.Group].Table.Add(route);
        }

        var routes = new List<RouteChange>();
        foreach (var now in _classes)
            foreach (var (prefix, attributes) in now.Table.Since(formerTables.GetValueOrDefault(now) ?? new RouteTable()))
                routes.Add(new RouteChange(now, prefix, attributes));
        var peers = formerClassOf.Keys.Union(_classes.SelectMany(now => now.Peers), StringComparer.Ordinal);
        return new BgpChanges(routes, services, [.. peers.Where(peer => formerClassOf.GetValueOrDefault(peer) != ClassOf(peer)).Order(StringComparer.Ordinal)]);
    }

    private BgpChanges Plan(params ReadOnlySpan<ObjectKey> services)
    {
        List<ObjectKey>? changed = null;
        List<RouteChange>? before = null;
        foreach (var key in services)
        {
            var former = _plans.GetValueOrDefault(key);
            var plan = _services.TryGetValue(key, out var service) ? BgpPlan.For(service, SlicesOf(key), _terms) : null;
            if (plan is null ? former is null : plan.Equals(former))
                continue;
            (changed ??= []).Add(key);
            before ??= [];
            foreach (var route in plan?.Routes ?? [])
                Remember(route, before);
            foreach (var route in former?.Routes ?? [])
                Remember(route, before);
            foreach (var route in former?.Routes ?? [])
                _classes[route.Group].Table.Remove(route);
            foreach (var route in plan?.Routes ?? [])
                _classes[route.Group].Table.Add(route);
            if (plan is null)
                _plans.Remove(key);
            else
                _plans[key] = plan;
        }

        if (changed is null)
            return BgpChanges.None;
        var routes = new List<RouteChange>(before!.Count);
        foreach (var (owner, prefix, attributes) in before)
            if (owner[prefix] is var now && !Equals(now, attributes))
                routes.Add(new RouteChange(owner, prefix, now));
        return new BgpChanges(routes, changed, []);
    }

    // What was said of a prefix before anything changed.
    private void Remember(PlannedRoute route, List<RouteChange> before)
    {
        var owner = _classes[route.Group];
        foreach (var known in before)
            if (known.Class == owner && known.Prefix == route.Prefix)
                return;
        before.Add(new RouteChange(owner, route.Prefix, owner[route.Prefix]));
    }

    /// <summary>
    /// Finds the classes of new groups of peers, their tables empty. A group that hears as a former class is that class; else one whose peers were
    /// together before stays what it was: a peer that need not change its table does not.
    /// </summary>
    private PeerClass[] Reclassify(IReadOnlyList<PeerGroup> groups, IReadOnlyList<PeerGroup> former, PeerClass[] formerClasses)
    {
        var classes = new PeerClass?[groups.Count];
        var free = Enumerable.Range(0, former.Count).ToList();
        for (var i = 0; i < groups.Count; i++)
            Claim(i, free.FindIndex(number => former[number].HearsAs(groups[i])));
        for (var i = 0; i < groups.Count; i++)
            if (classes[i] is null)
                Claim(i, free.FindIndex(number => former[number].Peers.Intersect(groups[i].Peers).Any()));
        for (var i = 0; i < groups.Count; i++)
        {
            classes[i] ??= new PeerClass(++_lastClass);
            classes[i]!.Peers = groups[i].Peers;
            classes[i]!.Table = new RouteTable();
        }

        return classes!;

        void Claim(int group, int index)
        {
            if (index < 0)
                return;
            classes[group] = formerClasses[free[index]];
            free.RemoveAt(index);
        }
    }

    private void Forget(ObjectKey slice, ObjectKey service)
    {
        var slices = _slices[service];
        slices.Remove(slice);
        if (slices.Count == 0)
            _slices.Remove(service);
    }

    private IReadOnlyList<EndpointSliceFacts> SlicesOf(ObjectKey service) => _slices.TryGetValue(service, out var slices) ? [.. slices.Values] : [];
}
