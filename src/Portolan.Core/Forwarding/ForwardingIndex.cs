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
    private readonly Dictionary<ObjectKey, Entry> _services = [];
    private readonly Dictionary<ObjectKey, ObjectKey> _serviceOfSlice = [];
    private readonly HashSet<ObjectKey> _touched = [];
    private readonly HashSet<ObjectKey> _planned = []; // since TakeServices
    private readonly FrontClaims _claims = new();
    private readonly SchedulingHistory _scheduling = new();
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
            _touched.UnionWith(_services.Keys);
        }
    }

    /// <summary>Every plan in force, fronts that belong to another Service left out.</summary>
    public IEnumerable<ServicePortPlan> Plans => _services.Values.SelectMany(entry => entry.InForce.Values);

    /// <summary>What is in force for each Service.</summary>
    public IEnumerable<ServiceForwarding> Services => _services.Where(entry => entry.Value.Service is not null).Select(entry => Forwarding(entry.Key));

    /// <summary>The slice as last told of, or null.</summary>
    public EndpointSliceFacts? Slice(ObjectKey slice) =>
        _serviceOfSlice.TryGetValue(slice, out var service) ? _services[service].Slices[slice] : null;

    /// <summary>When the share of a new endpoint grows next; null where none is new (<see cref="Advance"/>).</summary>
    public TimeSpan? NextStep => _scheduling.NextStep;

    /// <summary>Tells the time. It touches the Services whose new endpoints get more by now, each at most once a second.</summary>
    /// <param name="now">Time since any fixed moment, never less than before.</param>
    public void Advance(TimeSpan now)
    {
        while (_scheduling.TryStep(now, out var service))
        {
            if (_services.ContainsKey(service))
                _touched.Add(service);
        }
    }

    /// <summary>A Service is new or different.</summary>
    public void Set(ServiceFacts service)
    {
        Touch(service.Key).Service = service;
    }

    /// <summary>A Service is gone.</summary>
    public void RemoveService(ObjectKey service)
    {
        if (_services.ContainsKey(service))
            Touch(service).Service = null;
    }

    /// <summary>An EndpointSlice is new or different; it may have moved to another Service.</summary>
    public void Set(EndpointSliceFacts slice)
    {
        if (_serviceOfSlice.TryGetValue(slice.Key, out var before) && before != slice.Service)
            RemoveSlice(slice.Key);
        _serviceOfSlice[slice.Key] = slice.Service;
        Touch(slice.Service).Slices[slice.Key] = slice;
    }

    /// <summary>An EndpointSlice is gone.</summary>
    public void RemoveSlice(ObjectKey slice)
    {
        if (_serviceOfSlice.Remove(slice, out var service))
            Touch(service).Slices.Remove(slice);
    }

    /// <summary>Plans what was touched since the last call.</summary>
    /// <returns>What is different now, in no particular order; each Service port once.</returns>
    public List<ServicePortChange> TakeChanges()
    {
        // A front may go from one Service port to another: those ports change too.
        var ports = new HashSet<ServicePortKey>();
        foreach (var key in _touched)
        {
            var entry = _services[key];
            var before = entry.Plans;
            entry.Plans = entry.Service is { } service ? Plan(service, entry.Slices.Values) : [];
            entry.HealthCheck = entry.Service is { } checkedService ? HealthCheckPlan.Of(checkedService, entry.Slices.Values, _context) : null;
            _planned.Add(key);
            var createdAt = entry.Service?.CreatedAt ?? 0;
            foreach (var plan in before)
            {
                ports.Add(plan.Key);
                foreach (var server in plan.VirtualServers)
                    _claims.Release(server.Front, plan.Key, ports);
            }

            foreach (var plan in entry.Plans)
            {
                ports.Add(plan.Key);
                foreach (var server in plan.VirtualServers)
                    _claims.Claim(server.Front, new FrontClaim(server.Kind, createdAt, plan.Key), ports);
            }
        }

        var changes = new List<ServicePortChange>();
        foreach (var port in ports)
        {
            var entry = _services[port.Service];
            var old = entry.InForce.GetValueOrDefault(port);
            var now = entry.Plans.FirstOrDefault(plan => plan.Key == port) is { } plan ? InForce(plan) : null;
            if (now is not null ? now.Equals(old) : old is null)
                continue;
            if (now is null)
                entry.InForce.Remove(port);
            else
                entry.InForce[port] = now;
            _planned.Add(port.Service);
            changes.Add(new ServicePortChange(port, old, now));
        }

        foreach (var key in _touched)
        {
            if (_services[key].Service is not null)
                continue;
            _scheduling.Forget(key);
            if (_services[key].Slices.Count == 0)
                _services.Remove(key);
        }

        _touched.Clear();
        return changes;
    }

    /// <summary>
    /// What is in force for each Service that <see cref="TakeChanges"/> planned since the last call, whether or not a Service port is
    /// different: for those who must be told only after the kernel was.
    /// </summary>
    public List<ServiceForwarding> TakeServices()
    {
        var services = new List<ServiceForwarding>(_planned.Count);
        foreach (var key in _planned)
            services.Add(Forwarding(key));
        _planned.Clear();
        return services;
    }

    private ServiceForwarding Forwarding(ObjectKey key) =>
        _services.TryGetValue(key, out var entry) ? new(key, entry.Service, entry.HealthCheck, entry.InForce.Values) : new(key, null, null, []);

    /// <summary>
    /// Services whose annotations for their proxies say something wrong, or something else wrong than before; each once. Only those with an
    /// endpoint on this node, or every node of the cluster would say the same.
    /// </summary>
    public IReadOnlyCollection<ServiceErrors> TakeErrors() => _scheduling.TakeErrors();

    private IReadOnlyList<ServicePortPlan> Plan(ServiceFacts service, IReadOnlyCollection<EndpointSliceFacts> slices) =>
        ForwardingPlan.Of(service, slices, _context, _scheduling.Look(service, slices, _context)).Ports;

    private ServicePortPlan InForce(ServicePortPlan plan)
    {
        foreach (var server in plan.VirtualServers)
        {
            if (_claims.Owner(server.Front) != plan.Key)
                return plan with { VirtualServers = [.. plan.VirtualServers.Where(owned => _claims.Owner(owned.Front) == plan.Key)] };
        }

        return plan;
    }

    private Entry Touch(ObjectKey service)
    {
        _touched.Add(service);
        if (!_services.TryGetValue(service, out var entry))
            _services[service] = entry = new Entry();
        return entry;
    }

    private sealed class Entry
    {
        internal ServiceFacts? Service { get; set; }

        internal Dictionary<ObjectKey, EndpointSliceFacts> Slices { get; } = [];

        internal IReadOnlyList<ServicePortPlan> Plans { get; set; } = [];

        internal HealthCheckPlan? HealthCheck { get; set; }

        internal Dictionary<ServicePortKey, ServicePortPlan> InForce { get; } = [];
    }
}
