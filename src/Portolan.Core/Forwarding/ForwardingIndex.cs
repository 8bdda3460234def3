using System.Runtime.InteropServices;
using Portolan.Core.Cluster;

namespace Portolan.Core.Forwarding;

/// <summary>How the plan of one Service port changed.</summary>
/// <param name="Key">Which Service port.</param>
/// <param name="Old">Its plan before, or null.</param>
/// <param name="New">Its plan now, or null.</param>
public readonly record struct ServicePortChange(ServicePortKey Key, ServicePortPlan? Old, ServicePortPlan? New);

/// <summary>
/// Holds what the plans are made of and the plans themselves. An event marks the Service it touches; <see cref="TakeChanges"/> plans
/// what is marked anew. Whatever the history, the plans are those that the same objects would give from scratch.
/// </summary>
public sealed class ForwardingIndex
{
    private readonly Dictionary<ObjectKey, ForwardedService> _services = [];
    private readonly Dictionary<ObjectKey, EndpointSliceFacts> _slices = [];
    private readonly List<ForwardedService> _touched = [];
    private readonly List<ForwardedService> _claiming = [];
    private readonly List<ForwardedService> _due = [];
    private readonly List<ForwardedService> _planned = []; // since TakeServices
    private readonly FrontClaims _claims = new();
    private readonly SchedulingHistory _scheduling = new();
    private readonly Candidates _candidates = new();
    private ForwardingContext _context;

    /// <summary>An index without Services.</summary>
    public ForwardingIndex(ForwardingContext context) => _context = context;

    /// <summary>This node. A change touches every Service.</summary>
    public ForwardingContext Context
    {
        get => _context;
        set
        {
            if (_context == value)
                return;
            _context = value;
            foreach (var service in _services.Values)
                Touch(service).IsAltered = true;
        }
    }

    /// <summary>Every plan in force, fronts that belong to another Service left out.</summary>
    public IEnumerable<ServicePortPlan> Plans
    {
        get
        {
            foreach (var service in _services.Values)
            {
                foreach (var plan in service.InForce)
                    yield return plan;
            }
        }
    }

    /// <summary>What is in force for each Service.</summary>
    public IEnumerable<ServiceForwarding> Services => _services.Values.Where(service => service.Service is not null).Select(Forwarding);

    /// <summary>The slice as last told of, or null.</summary>
    public EndpointSliceFacts? Slice(ObjectKey slice) => _slices.GetValueOrDefault(slice);

    /// <summary>When the share of a new endpoint grows next; null where none is new (<see cref="Advance"/>).</summary>
    public TimeSpan? NextStep => _scheduling.NextStep;

    /// <summary>Tells the time. It touches the Services whose new endpoints get more by now, each at most once a second.</summary>
    /// <param name="now">Time since any fixed moment, never less than before.</param>
    public void Advance(TimeSpan now)
    {
        while (_scheduling.TryStep(now, out var key))
        {
            if (_services.TryGetValue(key, out var service))
                Touch(service);
        }
    }

    /// <summary>A Service is new or different.</summary>
    public void Set(ServiceFacts service) => Set(Touch(service.Key), service);

    /// <summary>A Service is gone.</summary>
    public void RemoveService(ObjectKey service)
    {
        if (_services.TryGetValue(service, out var known))
            Set(Touch(known), null);
    }

    private static void Set(ForwardedService service, ServiceFacts? facts)
    {
        service.Service = facts;
        service.IsAltered = true;
    }

    /// <summary>An EndpointSlice is new or different; it may have moved to another Service.</summary>
    public void Set(EndpointSliceFacts slice)
    {
        ref var known = ref CollectionsMarshal.GetValueRefOrAddDefault(_slices, slice.Key, out _);
        var before = known;
        known = slice;
        var service = Touch(slice.Service);
        if (before is not null && before.Service == slice.Service)
        {
            service.Replace(before, slice);
            return;
        }

        if (before is not null)
            Touch(before.Service).Remove(before);
        service.Add(slice);
    }

    /// <summary>An EndpointSlice is gone.</summary>
    public void RemoveSlice(ObjectKey slice)
    {
        if (_slices.Remove(slice, out var known))
            Touch(known.Service).Remove(known);
    }

    /// <summary>Plans what was touched since the last call.</summary>
    /// <returns>What is different now, in no particular order; each Service port once.</returns>
    public List<ServicePortChange> TakeChanges()
    {
        foreach (var service in _touched)
            Plan(service);
        Claim();
        // A front may go from one Service to another: then that one is due too.
        var changes = new List<ServicePortChange>(_due.Count);
        foreach (var service in _due)
            Compare(service, changes);

        foreach (var service in _touched)
        {
            service.IsTouched = service.IsAltered = false;
            if (service.Service is null)
                _scheduling.Forget(service.Key);
            if (service.IsGone)
                _services.Remove(service.Key);
        }

        _touched.Clear();
        _claiming.Clear();
        _due.Clear();
        return changes;
    }

    /// <summary>
    /// What is in force for each Service that <see cref="TakeChanges"/> planned since the last call, whether or not a Service port is
    /// different: for those who must be told only after the kernel was.
    /// </summary>
    public List<ServiceForwarding> TakeServices()
    {
        var services = new List<ServiceForwarding>(_planned.Count);
        foreach (var service in _planned)
        {
            service.IsPlanned = false;
            // One that was gone and came back is another object, and planned itself.
            if (!service.IsGone || !_services.TryGetValue(service.Key, out var other) || other == service)
                services.Add(Forwarding(service));
        }

        _planned.Clear();
        return services;
    }

    private static ServiceForwarding Forwarding(ForwardedService service) => new(service.Key, service.Service, service.HealthCheck, service.InForce);

    /// <summary>
    /// Services whose annotations for their proxies say something wrong, or something else wrong than before; each once. Only those with an
    /// endpoint on this node, or every node of the cluster would say the same.
    /// </summary>
    public IReadOnlyCollection<ServiceErrors> TakeErrors() => _scheduling.TakeErrors();

    private void Plan(ForwardedService service)
    {
        Review(service);
        if (service.Service is not { } facts)
        {
            service.HealthCheck = null;
            Replace(service, [], 0);
            return;
        }

        var endpoints = new Endpoints(service.Slices, _context, _scheduling.Look(facts, service.Slices, _context), _candidates);
        service.HealthCheck = HealthCheckPlan.Of(facts, service.Slices, _context);
        if (service.IsAltered)
            Replace(service, ForwardingPlan.Ports(facts, service.Plans, endpoints), facts.CreatedAt);
        else
            PlanEndpoints(service, endpoints);
    }

    // What the array held is in force until the change is told.
    private static void PlanEndpoints(ForwardedService service, in Endpoints endpoints)
    {
        ServicePortPlan[]? plans = null;
        for (var i = 0; i < service.Plans.Length; i++)
        {
            var plan = ForwardingPlan.Again(service.Plans[i], endpoints);
            if (!ReferenceEquals(plan, service.Plans[i]))
                (plans ??= [.. service.Plans])[i] = plan;
        }

        service.Plans = plans ?? service.Plans;
    }

    private void Replace(ForwardedService service, ServicePortPlan[] plans, long createdAt)
    {
        if (service.CreatedAt == createdAt && HaveSameFronts(service.Plans, plans))
        {
            service.Plans = plans;
            return;
        }

        for (var i = 0; i < service.Plans.Length; i++)
        {
            foreach (var server in service.Plans[i].VirtualServers)
            {
                if (_claims.Release(server.Front, service, i) is { } heir)
                    Review(heir);
            }
        }

        (service.Plans, service.CreatedAt, service.IsContested) = (plans, createdAt, false);
        _claiming.Add(service);
    }

    private static bool HaveSameFronts(ServicePortPlan[] before, ServicePortPlan[] now)
    {
        if (before.Length != now.Length)
            return false;
        for (var i = 0; i < now.Length; i++)
        {
            if (before[i].Key != now[i].Key || !before[i].HasSameVirtualServers(now[i]))
                return false;
        }

        return true;
    }

    private void Claim()
    {
        var fronts = 0;
        foreach (var service in _claiming)
        {
            foreach (var plan in service.Plans)
                fronts += plan.VirtualServers.Length;
        }

        _claims.Expect(fronts);
        foreach (var service in _claiming)
            Claim(service);
    }

    private void Claim(ForwardedService service)
    {
        for (var i = 0; i < service.Plans.Length; i++)
        {
            foreach (var server in service.Plans[i].VirtualServers)
            {
                if (_claims.Claim(server.Front, new FrontClaim(service, i, server.Kind is FrontKind.ClusterIP)) is not { } loser)
                    continue;
                loser.IsContested = true;
                Review(loser);
            }
        }
    }

    private void Review(ForwardedService service)
    {
        if (!service.IsDue)
            _due.Add(service);
        service.IsDue = true;
        if (!service.IsPlanned)
            _planned.Add(service);
        service.IsPlanned = true;
    }

    private void Compare(ForwardedService service, List<ServicePortChange> changes)
    {
        var (before, now) = (service.InForce, service.IsContested ? Owned(service) : service.Plans);
        service.InForce = now;
        service.IsDue = false;
        if (ReferenceEquals(before, now))
            return;
        for (var i = 0; i < before.Length; i++)
        {
            if (ForwardingPlan.Find(now, before[i].Key, i) is null)
                changes.Add(new ServicePortChange(before[i].Key, before[i], null));
        }

        for (var i = 0; i < now.Length; i++)
        {
            var old = ForwardingPlan.Find(before, now[i].Key, i);
            if (!now[i].Equals(old))
                changes.Add(new ServicePortChange(now[i].Key, old, now[i]));
        }
    }

    private ServicePortPlan[] Owned(ForwardedService service)
    {
        ServicePortPlan[]? owned = null;
        for (var i = 0; i < service.Plans.Length; i++)
        {
            var (plan, port) = (service.Plans[i], i);
            var servers = plan.VirtualServers.RemoveAll(server => !_claims.IsOwner(server.Front, service, port));
            if (servers.Length < plan.VirtualServers.Length)
                (owned ??= [.. service.Plans])[i] = plan with { VirtualServers = servers };
        }

        service.IsContested = owned is not null;
        return owned ?? service.Plans;
    }

    private ForwardedService Touch(ObjectKey key)
    {
        ref var service = ref CollectionsMarshal.GetValueRefOrAddDefault(_services, key, out _);
        return Touch(service ??= new ForwardedService(key));
    }

    private ForwardedService Touch(ForwardedService service)
    {
        if (!service.IsTouched)
            _touched.Add(service);
        service.IsTouched = true;
        return service;
    }
}
