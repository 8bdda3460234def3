using System.Diagnostics.CodeAnalysis;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Core.Announcements;

/// <summary>
/// What is, and what follows from it: Services, their endpoints and the context, with the plan of each Service. A change re-plans the Services
/// it touches and no others; the plans are always those a fresh index would hold. Not thread safe.
/// </summary>
public sealed partial class AnnouncementIndex
{
    private readonly Dictionary<ObjectKey, AnnouncedService> _services = [];
    private readonly Dictionary<ObjectKey, SortedDictionary<ObjectKey, EndpointSliceFacts>> _slices = [];
    private readonly Dictionary<ObjectKey, ObjectKey> _serviceOfSlice = [];
    private readonly Dictionary<IpAddress, AddressSharers> _sharers = [];
    private readonly Dictionary<ObjectKey, AnnouncementPlan> _plans = [];

    /// <summary>The context the plans were made in.</summary>
    public AnnouncementContext Context { get; private set; } = AnnouncementContext.Empty;

    /// <summary>The plan of every Service.</summary>
    public IReadOnlyDictionary<ObjectKey, AnnouncementPlan> Plans => _plans;

    /// <summary>A Service appeared or changed.</summary>
    /// <returns>The Services whose plan is another now. Those of bounded placement follow with <see cref="Settle"/>.</returns>
    public IReadOnlyList<ObjectKey> Set(ServiceFacts service)
    {
        if (!_services.TryGetValue(service.Key, out var known))
            _services[service.Key] = known = new AnnouncedService(service, BallotOf);
        _isUnplaced |= known.Now is not null && known.Facts.CreatedAt != service.CreatedAt;
        known.Facts = service;
        return Follow(known, service.Ingress.Count > 0 ? service.Ingress[0].Address : null);
    }

    /// <summary>A Service is gone.</summary>
    /// <inheritdoc cref="Set(ServiceFacts)" path="/returns"/>
    public IReadOnlyList<ObjectKey> RemoveService(ObjectKey service)
    {
        if (!_services.Remove(service, out var known))
            return [];
        known.IsGone = true;
        return Follow(known, null);
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
        var own = EndpointsChanged(slice.Service);
        return former.Count == 0 ? own : [.. former, .. own];
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
        return EndpointsChanged(service);
    }

    /// <summary>Pools, advertisements, policies, nodes, living speakers or their reports changed.</summary>
    /// <returns>The Services whose plan is another now, those of bounded placement among them.</returns>
    public IReadOnlyList<ObjectKey> Set(AnnouncementContext context)
    {
        var isSameConfiguration = SameConfiguration(Context, context);
        Context = context;
        var haveNodesChanged = UpdateNodes();
        var everything = UpdateVerdicts() || haveNodesChanged;
        var suspects = UpdateUnprogrammed();
        if (!isSameConfiguration)
            _electorates.Clear();
        foreach (var electorate in _electorates.Values)
            electorate.Update(context, haveNodesChanged);

        var changed = new List<ObjectKey>();
        foreach (var service in _services.Values)
        {
            if (!isSameConfiguration)
                Classify(service);
            if ((!isSameConfiguration || everything || service.Electorate is { HasChanged: true } || (suspects && IsSuspect(service))) && Elect(service))
                changed.Add(service.Facts.Key);
        }

        _formerlyUnprogrammed.Clear();
        changed.AddRange(Settle());
        return changed;
    }

    /// <summary>
    /// Places the addresses of bounded placement anew, where anything changed that they depend on: a batch of changes costs one placement.
    /// </summary>
    /// <returns>The Services whose plan is another now.</returns>
    public IReadOnlyList<ObjectKey> Settle() => _isUnplaced ? Place() : [];

    /// <summary>The facts of a Service.</summary>
    public bool TryGetService(ObjectKey key, [MaybeNullWhen(false)] out ServiceFacts service)
    {
        service = _services.GetValueOrDefault(key)?.Facts;
        return service is not null;
    }

    /// <summary>The facts of all Services.</summary>
    public IEnumerable<ServiceFacts> Services => _services.Values.Select(service => service.Facts);

    /// <summary>All EndpointSlices.</summary>
    public IEnumerable<EndpointSliceFacts> Slices => _slices.Values.SelectMany(slices => slices.Values);

    /// <summary>An EndpointSlice, or null.</summary>
    public EndpointSliceFacts? FindSlice(ObjectKey slice) => _serviceOfSlice.TryGetValue(slice, out var service) ? _slices[service].GetValueOrDefault(slice) : null;

    private IReadOnlyList<ObjectKey> EndpointsChanged(ObjectKey key)
    {
        if (!_services.TryGetValue(key, out var service))
            return [];
        Classify(service);
        return Elect(service) ? [key] : [];
    }

    // A Service, and those that share the address it had or has now: all of them follow what is wrong with any.
    private IReadOnlyList<ObjectKey> Follow(AnnouncedService service, IpAddress? address)
    {
        var touched = new SortedSet<ObjectKey>();
        if (service.Sharers is { } former && former.Address != address)
        {
            former.Services.Remove(service);
            service.Sharers = null;
            _isUnplaced |= service.Now is not null;
            service.Now = null;
            foreach (var other in former.Services)
                if (Elect(other))
                    touched.Add(other.Facts.Key);
            if (former.Services.Count == 0)
                _sharers.Remove(former.Address);
        }

        var joined = service.Sharers is null && address is not null;
        if (joined)
        {
            if (!_sharers.TryGetValue(address!.Value, out var sharers))
                _sharers[address.Value] = sharers = new AddressSharers(address.Value, _nodes);
            sharers.Services.Add(service);
            service.Sharers = sharers;
        }

        if (service.IsGone)
        {
            if (_plans.Remove(service.Facts.Key))
                touched.Add(service.Facts.Key);
        }
        else
        {
            Classify(service);
            if (Elect(service))
                touched.Add(service.Facts.Key);
        }

        if (joined)
            foreach (var other in service.Sharers!.Services)
                if (other != service && Elect(other))
                    touched.Add(other.Facts.Key);
        return [.. touched];
    }

    private IReadOnlyList<EndpointSliceFacts> SlicesOf(ObjectKey service) => _slices.TryGetValue(service, out var slices) ? [.. slices.Values] : [];

    private Ballot BallotOf(AnnouncedService service) => new(
        service.Facts,
        SlicesOf(service.Facts.Key),
        service.Facts.Ingress[0].Address,
        service.Announceable.Advertisements,
        service.Announceable.Policy,
        Context,
        [.. service.Sharers!.Services.Where(other => other != service).Select(other => other.Facts.Key)],
        service.Announceable.Policy.Placement is Placement.Bounded ? _plans.GetValueOrDefault(service.Facts.Key)?.Election.Winner : null);
}
