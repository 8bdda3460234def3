using System.Diagnostics.CodeAnalysis;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Core.Announcements;

/// <summary>
/// What is, and what follows from it: Services, their endpoints and the context, with the plan of each Service. A change re-plans the
/// Services it touches, a change of the context all of them; the plans are always those a fresh index would hold. Not thread safe.
/// </summary>
public sealed class AnnouncementIndex
{
    private readonly Dictionary<ObjectKey, ServiceFacts> _services = [];
    private readonly Dictionary<ObjectKey, SortedDictionary<ObjectKey, EndpointSliceFacts>> _slices = [];
    private readonly Dictionary<ObjectKey, ObjectKey> _serviceOfSlice = [];
    private readonly Dictionary<IpAddress, HashSet<ObjectKey>> _sharers = [];
    private readonly Dictionary<ObjectKey, AnnouncementPlan> _plans = [];

    /// <summary>The context the plans were made in.</summary>
    public AnnouncementContext Context { get; private set; } = AnnouncementContext.Empty;

    /// <summary>The plan of every Service.</summary>
    public IReadOnlyDictionary<ObjectKey, AnnouncementPlan> Plans => _plans;

    /// <summary>A Service appeared or changed.</summary>
    /// <returns>The Services whose plan is another now.</returns>
    public IReadOnlyList<ObjectKey> Set(ServiceFacts service)
    {
        var before = FirstAddress(service.Key);
        _services[service.Key] = service;
        return Replan(service.Key, before);
    }

    /// <summary>A Service is gone.</summary>
    /// <inheritdoc cref="Set(ServiceFacts)" path="/returns"/>
    public IReadOnlyList<ObjectKey> RemoveService(ObjectKey service)
    {
        var before = FirstAddress(service);
        return _services.Remove(service) ? Replan(service, before) : [];
    }

    /// <summary>An EndpointSlice appeared or changed, perhaps its Service too.</summary>
    /// <inheritdoc cref="Set(ServiceFacts)" path="/returns"/>
    public IReadOnlyList<ObjectKey> Set(EndpointSliceFacts slice)
    {
        IReadOnlyList<ObjectKey> former =
            _serviceOfSlice.TryGetValue(slice.Key, out var service) && service != slice.Service ? RemoveSlice(slice.Key) : [];
        _serviceOfSlice[slice.Key] = slice.Service;
        if (!_slices.TryGetValue(slice.Service, out var slices))
            _slices[slice.Service] = slices = [];
        slices[slice.Key] = slice;
        return [.. former, .. Replan(slice.Service)];
    }

    /// <summary>An EndpointSlice is gone.</summary>
    /// <inheritdoc cref="Set(ServiceFacts)" path="/returns"/>
    public IReadOnlyList<ObjectKey> RemoveSlice(ObjectKey slice)
    {
        if (!_serviceOfSlice.Remove(slice, out var service))
            return [];
        var slices = _slices[service];
        slices.Remove(slice);
        if (slices.Count == 0)
            _slices.Remove(service);
        return Replan(service);
    }

    /// <summary>Pools, advertisements, nodes or living speakers changed.</summary>
    /// <inheritdoc cref="Set(ServiceFacts)" path="/returns"/>
    public IReadOnlyList<ObjectKey> Set(AnnouncementContext context)
    {
        Context = context;
        var changed = new List<ObjectKey>();
        foreach (var key in _services.Keys)
            changed.AddRange(Replan(key));
        return changed;
    }

    /// <summary>The facts of a Service.</summary>
    public bool TryGetService(ObjectKey key, [MaybeNullWhen(false)] out ServiceFacts service) => _services.TryGetValue(key, out service);

    private IpAddress? FirstAddress(ObjectKey service) =>
        _services.TryGetValue(service, out var facts) && facts.Ingress.Count > 0 ? facts.Ingress[0].Address : null;

    // A Service, and those that share the address it had or has now: all of them follow what is wrong with any.
    private IReadOnlyList<ObjectKey> Replan(ObjectKey key, IpAddress? before)
    {
        var after = FirstAddress(key);
        if (before == after)
            return Replan(key);
        var touched = new SortedSet<ObjectKey> { key };
        if (before is { } left && _sharers.TryGetValue(left, out var former))
        {
            former.Remove(key);
            touched.UnionWith(former);
            if (former.Count == 0)
                _sharers.Remove(left);
        }

        if (after is { } joined)
        {
            if (!_sharers.TryGetValue(joined, out var sharers))
                _sharers[joined] = sharers = [];
            sharers.Add(key);
            touched.UnionWith(sharers);
        }

        return [.. touched.SelectMany(Replan)];
    }

    private ObjectKey[] Replan(ObjectKey key)
    {
        if (!_services.TryGetValue(key, out var service))
            return _plans.Remove(key) ? [key] : [];
        IReadOnlyList<EndpointSliceFacts> slices = _slices.TryGetValue(key, out var own) ? [.. own.Values] : [];
        IReadOnlyCollection<ObjectKey> sharers = FirstAddress(key) is { } address && _sharers[address] is { Count: > 1 } all ? [.. all.Where(other => other != key)] : [];
        var plan = AnnouncementPlan.For(service, slices, Context, sharers);
        if (_plans.TryGetValue(key, out var old) && old.Equals(plan))
            return [];
        _plans[key] = plan;
        return [key];
    }
}
