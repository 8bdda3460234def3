using Portolan.Core.Cluster;

namespace Portolan.Core.Forwarding;

/// <summary>What is wrong with a Service's annotations for its proxies.</summary>
/// <param name="Service">The Service.</param>
/// <param name="Errors">At least one.</param>
public readonly record struct ServiceErrors(ServiceFacts Service, IReadOnlyList<FieldError> Errors);

/// <summary>
/// What must be remembered of Services with annotations for their proxies, and of no others: which endpoints are new and when they get
/// more, and what was said of wrong annotations.
/// </summary>
internal sealed class SchedulingHistory
{
    private static readonly TimeSpan ShortestStep = TimeSpan.FromSeconds(1);
    private readonly Dictionary<ObjectKey, SlowStart> _slowStarts = [];
    private readonly PriorityQueue<ObjectKey, TimeSpan> _steps = new();
    private readonly HashSet<ObjectKey> _awaitsStep = [];
    private readonly Dictionary<ObjectKey, IReadOnlyList<FieldError>> _errors = [];
    private readonly Dictionary<ObjectKey, ServiceErrors> _untold = [];
    private TimeSpan _now;

    /// <summary>When the next Service has a step due, or null.</summary>
    internal TimeSpan? NextStep => _steps.TryPeek(out _, out var due) ? due : null;

    /// <summary>Tells the time, never less than before, and takes a Service whose new endpoints get more by now.</summary>
    /// <param name="now">Time since any fixed moment.</param>
    /// <param name="service">The Service.</param>
    /// <returns>False where there is none, or no other.</returns>
    internal bool TryStep(TimeSpan now, out ObjectKey service)
    {
        _now = now;
        if (!_steps.TryPeek(out service, out var due) || due > now)
            return false;
        _steps.Dequeue();
        _awaitsStep.Remove(service);
        return true;
    }

    /// <summary>How the Service's connections are spread now.</summary>
    internal Balance Look(ServiceFacts service, IReadOnlyList<EndpointSliceFacts> slices, ForwardingContext context)
    {
        var scheduling = Scheduling.Of(service);
        var errors = scheduling.ErrorsIn(context);
        if (errors.Count > 0 || _errors.Count > 0)
            Note(service, HasEndpointHere(slices, context) ? errors : []);
        if (scheduling.SlowStart == TimeSpan.Zero)
        {
            if (_slowStarts.Count > 0)
                _slowStarts.Remove(service.Key);
            return new Balance(scheduling, null, context.IsIpvs);
        }

        if (!_slowStarts.TryGetValue(service.Key, out var slowStart))
            _slowStarts[service.Key] = slowStart = new SlowStart();
        slowStart.Look(slices, _now);
        var ages = slowStart.Ages(scheduling.SlowStart, _now);
        if (SlowStart.UntilNextStep(ages, scheduling.SlowStart) is { } pause && _awaitsStep.Add(service.Key))
            _steps.Enqueue(service.Key, _now + (pause > ShortestStep ? pause : ShortestStep));
        return new Balance(scheduling, ages, context.IsIpvs);
    }

    /// <summary>The Service is gone.</summary>
    internal void Forget(ObjectKey service)
    {
        _slowStarts.Remove(service);
        _errors.Remove(service);
        _untold.Remove(service);
    }

    /// <summary>The Services with an endpoint here that have other errors than before, each once.</summary>
    internal IReadOnlyCollection<ServiceErrors> TakeErrors()
    {
        if (_untold.Count == 0)
            return [];
        ServiceErrors[] errors = [.. _untold.Values];
        _untold.Clear();
        return errors;
    }

    private static bool HasEndpointHere(IEnumerable<EndpointSliceFacts> slices, ForwardingContext context) =>
        slices.Any(slice => slice.Endpoints.Any(endpoint => endpoint.NodeName == context.NodeName));

    private void Note(ServiceFacts service, IReadOnlyList<FieldError> errors)
    {
        if (errors.Count == 0)
        {
            _errors.Remove(service.Key);
            _untold.Remove(service.Key);
        }
        else if (!_errors.TryGetValue(service.Key, out var before) || !before.SequenceEqual(errors))
        {
            _errors[service.Key] = errors;
            _untold[service.Key] = new ServiceErrors(service, errors);
        }
    }
}
