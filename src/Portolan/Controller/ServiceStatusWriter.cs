using System.Net;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Hosting;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Leases;
using Portolan.Kubernetes.Resources;

namespace Portolan.Controller;

/// <summary>
/// Brings each Service's status in line with the last decision about it, and keeps at it until the server has it. Only the controller's
/// loop touches the fields here; the requests run beside it and come back through <paramref name="post"/>.
/// </summary>
/// <param name="client">The API.</param>
/// <param name="fence">What each write passes.</param>
/// <param name="post">Runs an action on the controller's loop.</param>
/// <param name="time">The clock of the pauses.</param>
/// <param name="log">Told about what had to be tried again.</param>
/// <param name="tell">Tells the user of a Service what stands in the way; called on the loop.</param>
/// <param name="failed">Counts writes that failed; called on the loop.</param>
internal sealed class ServiceStatusWriter(
    KubeClient client,
    WriteFence fence,
    Func<Action, CancellationToken, ValueTask> post,
    TimeProvider time,
    ILogger log,
    Action<ObjectKey, ServiceEvent>? tell = null,
    Action? failed = null)
{
    private const int AtOnce = 8;

    // What was written and is gone again is written again at once; from the second time on somebody is against it.
    private static readonly TimeSpan FirstRest = TimeSpan.FromSeconds(1);
    private static readonly TimeSpan FenceRest = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan LongestOfWeather = TimeSpan.FromSeconds(15);
    private static readonly TimeSpan Doubt = TimeSpan.FromSeconds(2);
    private static readonly TimeSpan Peace = TimeSpan.FromMinutes(10);
    private static readonly string[] OurAnnotations = [ServiceAnnotations.AllocatedFromPool, ServiceAnnotations.FormerAllocatedFromPool, ServiceAnnotations.SharedAs];
    private readonly Dictionary<ObjectKey, StatusTarget> _targets = [];
    private readonly Queue<(ObjectKey Key, StatusTarget Target)> _queue = new();
    private readonly LeavingAddresses _leaving = new();
    private int _running;

    /// <summary>Writes that have not succeeded yet.</summary>
    public int Pending => _queue.Count + _running;

    /// <summary>The server has this version of the Service now, or, with null, has it no more.</summary>
    public void Observe(ObjectKey key, Service? service, CancellationToken stop)
    {
        if (service is null)
        {
            if (!_targets.Remove(key, out var gone))
                return;
            gone.EndPause();
            gone.Gone = true;
            Mark(gone, stop);
        }
        else if (_targets.TryGetValue(key, out var target))
        {
            (target.Observed, target.Gone) = (Needed(service), false);
            Consider(key, target, stop);
        }
        else
            _targets[key] = new StatusTarget(Needed(service));
    }

    /// <summary>This is what the Service's status should be.</summary>
    public void Desire(Decision decision, CancellationToken stop)
    {
        if (!_targets.TryGetValue(decision.Service, out var target))
            return;
        if (!decision.SameStatusAs(target.Desired))
        {
            // Whatever the pause was for, this is something else.
            target.EndPause();
            target.Pauses.Reset();
            if (target.IsWaiting)
                (target.IsWaiting, target.IsQueued) = (false, false);
        }

        target.Desired = decision;
        Consider(decision.Service, target, stop);
    }

    /// <summary>Nothing is wanted of any Service any more: another replica decides now.</summary>
    public void Forget()
    {
        foreach (var target in _targets.Values)
        {
            target.EndPause();
            (target.Desired, target.Written) = (null, null);
            _leaving.Change(target.Leaving, []);
            target.Leaving = [];
            if (target.IsWaiting)
                (target.IsWaiting, target.IsQueued) = (false, false);
        }
    }

    // Of tens of thousands of Services, what a patch is made from and no more.
    private static Service Needed(Service service)
    {
        Dictionary<string, string>? annotations = null;
        foreach (var name in OurAnnotations)
            if (service.Metadata.Annotations?.GetValueOrDefault(name) is { } value)
                (annotations ??= new(1))[name] = value;
        return new Service
        {
            Metadata = new ObjectMeta { Uid = service.Metadata.Uid, ResourceVersion = service.Metadata.ResourceVersion, Annotations = annotations },
            Status = service.Status?.LoadBalancer is { Ingress: not null } balancer ? new ServiceStatus { LoadBalancer = balancer } : null,
        };
    }

    private void Consider(ObjectKey key, StatusTarget target, CancellationToken stop)
    {
        Mark(target, stop);
        if (target.IsQueued || target.Desired is not { } desired)
            return;
        if (ServiceStatusPatch.Of(target.Observed, desired) is null)
        {
            StopDoubting(key, target, stop);
            return;
        }

        if (Rest(target, desired) is var rest && rest > TimeSpan.Zero)
        {
            Later(key, target, rest, stop);
            return;
        }

        target.IsQueued = true;
        _queue.Enqueue((key, target));
        StartSome(stop);
    }

    // There is nothing to write any more, but the last attempt may have come through although it failed: then the watch will have told soon.
    private void StopDoubting(ObjectKey key, StatusTarget target, CancellationToken stop)
    {
        if (target.Attempted.Count == 0)
            return;
        if (target.IsDoubted)
        {
            (target.Attempted, target.IsDoubted) = ([], false);
            Mark(target, stop);
        }
        else
        {
            target.IsDoubted = true;
            Later(key, target, Doubt, stop);
        }
    }

    private void StartSome(CancellationToken stop)
    {
        while (_running < AtOnce && _queue.TryDequeue(out var next))
        {
            // A Service that was deleted, and perhaps made again, meanwhile.
            var (key, target) = next;
            if (_targets.GetValueOrDefault(key) != target)
                continue;
            if (target.Desired is not { } desired || ServiceStatusPatch.Of(target.Observed, desired) is not { } patch)
            {
                target.IsQueued = false;
                continue;
            }

            if (_leaving.MustWait(key, desired.Addresses))
            {
                // It waits; but what it leaves itself goes now, or two that change places would wait for each other.
                if (target.Leaving.Count == 0)
                {
                    target.IsWaiting = true;
                    continue;
                }

                desired = new Decision { Service = key, Outcome = Outcome.Waiting, Reason = "its next address is still in another Service's status" };
                patch = ServiceStatusPatch.Of(target.Observed, desired) ?? patch;
            }

            _running++;
            (target.Attempted, target.IsDoubted) = (desired.Addresses, false);
            _ = WriteAsync(key, target, desired, patch, stop);
        }
    }

    // Which addresses the Service is leaving: its status shows them, or an attempt to write it may have put them there. One who is in
    // a quarrel about his status keeps nobody waiting: it may last.
    private void Mark(StatusTarget target, CancellationToken stop)
    {
        IReadOnlyList<IpAddress> now = target is { Gone: false, Reverts: 0, Desired: { } desired } ? ServiceStatusPatch.Leaving(target.Observed, target.Attempted, desired) : [];
        if (now.Count == 0 && target.Leaving.Count == 0)
            return;
        var free = _leaving.Change(target.Leaving, now);
        target.Leaving = now;
        foreach (var key in free)
            if (_targets.TryGetValue(key, out var waiting) && waiting.IsWaiting)
            {
                waiting.IsWaiting = false;
                _queue.Enqueue((key, waiting));
            }

        if (free.Count > 0)
            StartSome(stop);
    }

    // Nothing here is allowed to be thrown: each outcome becomes an action on the loop.
    private async Task WriteAsync(ObjectKey key, StatusTarget target, Decision decision, JsonObject patch, CancellationToken stop)
    {
        Action done;
        try
        {
            var written = await fence.WriteAsync(limit => client.PatchAsync(Kinds.Services, key.Namespace, key.Name, PatchKind.Merge, patch, "status", limit));
            written = await AnnotateAsync(key, decision, written);
            done = () => Written(key, target, decision, written);
        }
        catch (KubeApiException conflict) when (conflict.IsConflict)
        {
            done = await ReadAgainAsync(key, target, stop);
        }
        catch (KubeApiException gone) when (gone.IsNotFound)
        {
            done = () => target.Gone = true;
        }
        catch (NotLeadingException)
        {
            // Either the term ends, and whoever leads then decides anew; or a renewal that came late continues it, and what was decided in it still holds.
            done = () => target.Pause = FenceRest;
        }
        catch (Exception failure)
        {
            done = () => Failed(key, target, failure);
        }

        var pause = TimeSpan.Zero;
        await PostAsync(
            () =>
            {
                done();
                _running--;
                target.IsQueued = false;
                pause = target.Pause;
                if (pause == TimeSpan.Zero && !target.Gone && _targets.GetValueOrDefault(key) == target)
                    Consider(key, target, stop);
                else
                    Mark(target, stop);
                StartSome(stop);
                if (pause > TimeSpan.Zero)
                    Later(key, target, pause, stop);
            },
            stop);
    }

    private void Later(ObjectKey key, StatusTarget target, TimeSpan pause, CancellationToken stop)
    {
        target.IsQueued = true;
        target.BeginPause(paused => time.CreateTimer(
            _ => _ = PostAsync(
                () =>
                {
                    if (!target.IsPaused(paused))
                        return;
                    target.EndPause();
                    if (_targets.GetValueOrDefault(key) == target)
                        Consider(key, target, stop);
                },
                stop),
            null,
            pause,
            Timeout.InfiniteTimeSpan));
    }

    private async Task PostAsync(Action action, CancellationToken stop)
    {
        try
        {
            await post(action, stop);
        }
        catch (OperationCanceledException)
        {
            // The controller stops: the next one reads the status and the decision again.
        }
    }

    // A server may take the status without the annotation: then it is written by itself.
    private async Task<Service> AnnotateAsync(ObjectKey key, Decision decision, Service written)
    {
        if (!ServiceStatusPatch.HasAddresses(written, decision) || ServiceStatusPatch.Of(written, decision) is not { } rest)
            return written;
        rest.Remove("status");
        return await fence.WriteAsync(limit => client.PatchAsync(Kinds.Services, key.Namespace, key.Name, PatchKind.Merge, rest, ct: limit));
    }

    private async Task<Action> ReadAgainAsync(ObjectKey key, StatusTarget target, CancellationToken stop)
    {
        try
        {
            var fresh = await client.FindAsync(Kinds.Services, key.Namespace, key.Name, stop);
            if (fresh is null || fresh.Metadata.Uid != target.Observed.Metadata.Uid)
                return () => target.Gone = true;
            return () =>
            {
                // The first conflict is bad luck. More of them in a row are somebody who writes as fast as we do.
                (target.Observed, target.Attempted) = (Needed(fresh), []);
                target.Pause = target.Conflicts++ == 0 ? TimeSpan.Zero : target.Pauses.Next();
            };
        }
        catch (Exception failure)
        {
            return () => Failed(key, target, failure);
        }
    }

    private void Written(ObjectKey key, StatusTarget target, Decision decision, Service written)
    {
        // The watch will show the same version, or a later one, soon.
        (target.Observed, target.Attempted) = (Needed(written), []);
        target.Pause = TimeSpan.Zero;
        target.Pauses.Reset();
        (target.Conflicts, target.Refusal) = (0, null);

        var again = decision.SameStatusAs(target.Written) && time.GetElapsedTime(target.WrittenAt) < Peace;
        (target.Written, target.WrittenAt) = (decision, time.GetTimestamp());
        target.Reverts = again ? target.Reverts + 1 : 0;
        log.Line(LogLevel.Information, "updated service object", ("event", "serviceUpdated"), ("service", key));
        if (target.Reverts == 2)
        {
            var rival = ServiceStatusPatch.OtherManager(written) is { Length: > 0 } manager ? $" ({manager})" : "";
            var message = $"another controller{rival} keeps changing status.loadBalancer, which should be {Text(decision)}: only one may serve this Service, see loadBalancerClass";
            log.Line(LogLevel.Warning, message, ("op", "updateServiceStatus"), ("service", key));
            tell?.Invoke(key, new ServiceEvent(true, "LoadBalancerFailed", message));
        }
    }

    private TimeSpan Rest(StatusTarget target, Decision desired)
    {
        if (target.Reverts == 0 || !desired.SameStatusAs(target.Written))
            return TimeSpan.Zero;
        var rest = TimeSpan.FromTicks(Math.Min(StatusTarget.LongestRest.Ticks, FirstRest.Ticks << Math.Min(target.Reverts - 1, 20)));
        return rest - time.GetElapsedTime(target.WrittenAt);
    }

    private void Failed(ObjectKey key, StatusTarget target, Exception failure)
    {
        failed?.Invoke();
        target.Pause = target.Pauses.Next();
        var level = LogLevel.Warning;
        if (IsRefusal(failure))
        {
            // The server's answer will be the same until somebody changes its mind: the user must know, and the server must not be flooded.
            level = target.Refusal == failure.Message ? LogLevel.Debug : LogLevel.Warning;
            if (target.Refusal != failure.Message)
                tell?.Invoke(key, new ServiceEvent(true, "InternalError", $"the status {Text(target.Desired!)} could not be written: {failure.Message}"));
            (target.Refusal, target.Attempted) = (failure.Message, []);
        }
        else if (target.Pause > LongestOfWeather)
            target.Pause = LongestOfWeather;

        log.Line(level, $"failed to update service: {failure.Message}; again in {target.Pause.TotalMilliseconds:F0} ms", ("op", "updateServiceStatus"), ("service", key), ("error", failure.Message));
    }

    private static bool IsRefusal(Exception failure) => failure is KubeApiException { StatusCode: HttpStatusCode.BadRequest or HttpStatusCode.Forbidden or HttpStatusCode.UnprocessableEntity or HttpStatusCode.MethodNotAllowed };

    private static string Text(Decision decision) => decision.Addresses.Count > 0 ? string.Join(", ", decision.Addresses) : "empty";
}
