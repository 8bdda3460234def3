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
internal sealed class ServiceStatusWriter(KubeClient client, WriteFence fence, Func<Action, CancellationToken, ValueTask> post, TimeProvider time, ILogger log)
{
    private const int AtOnce = 8;
    private readonly Dictionary<ObjectKey, Target> _targets = [];
    private readonly Queue<ObjectKey> _queue = new();
    private int _running;

    /// <summary>Writes that have not succeeded yet.</summary>
    public int Pending => _queue.Count + _running;

    /// <summary>The server has this version of the Service now, or, with null, has it no more.</summary>
    public void Observe(ObjectKey key, Service? service, CancellationToken stop)
    {
        if (service is null)
            _targets.Remove(key);
        else if (_targets.TryGetValue(key, out var target))
        {
            (target.Observed, target.Gone) = (service, false);
            Consider(key, target, stop);
        }
        else
            _targets[key] = new Target(service);
    }

    /// <summary>This is what the Service's status should be.</summary>
    public void Desire(Decision decision, CancellationToken stop)
    {
        if (!_targets.TryGetValue(decision.Service, out var target))
            return;
        target.Desired = decision;
        Consider(decision.Service, target, stop);
    }

    /// <summary>Nothing is wanted of any Service any more: another replica decides now.</summary>
    public void Forget()
    {
        foreach (var target in _targets.Values)
            target.Desired = null;
    }

    /// <summary>The patch that brings a Service's status in line with a decision, or null when it is.</summary>
    public static JsonObject? Patch(Service service, Decision decision)
    {
        if (decision.Outcome is Outcome.NotOurs)
            return null;
        var annotations = service.Metadata.Annotations;
        var pool = annotations?.GetValueOrDefault(ServiceAnnotations.AllocatedFromPool) ?? "";
        var former = annotations?.ContainsKey(ServiceAnnotations.FormerAllocatedFromPool) ?? false;

        // While the pool is not known, because it is wrong just now, what the annotation says is left as it is.
        var wantedPool = decision.Outcome is Outcome.Assigned && decision.Pool.Length == 0 ? pool : decision.Pool;
        if (HasAddresses(service, decision) && pool == wantedPool && !former)
            return null;
        var ingress = Ingress(service, decision);
        var annotation = new JsonObject { [ServiceAnnotations.AllocatedFromPool] = wantedPool.Length > 0 ? wantedPool : null };
        if (former)
            annotation[ServiceAnnotations.FormerAllocatedFromPool] = null;
        return new JsonObject
        {
            ["metadata"] = new JsonObject { ["resourceVersion"] = service.Metadata.ResourceVersion, ["annotations"] = annotation },
            ["status"] = new JsonObject { ["loadBalancer"] = new JsonObject { ["ingress"] = ingress.Count > 0 ? ingress : null } },
        };
    }

    // Whatever else an entry with the right address says (ports, ipMode) is the server's or another controller's, and no reason to write.
    private static bool HasAddresses(Service service, Decision decision)
    {
        var shown = service.Status?.LoadBalancer?.Ingress ?? [];
        return decision.Outcome is Outcome.Released
            ? !shown.Exists(entry => IsLeaving(entry, decision))
            : shown.Select(entry => entry.IP ?? entry.Hostname ?? "").SequenceEqual(decision.Addresses.Select(address => address.ToString()));
    }

    private static JsonArray Ingress(Service service, Decision decision)
    {
        var entries = new JsonArray();
        foreach (var address in decision.Addresses)
            entries.Add((JsonNode)new JsonObject { ["ip"] = address.ToString() });
        if (decision.Outcome is Outcome.Released)
            foreach (var entry in service.Status?.LoadBalancer?.Ingress ?? [])
                if (!IsLeaving(entry, decision))
                    entries.Add((JsonNode)Copy(entry));
        return entries;
    }

    private static JsonObject Copy(LoadBalancerIngress entry)
    {
        var copy = new JsonObject();
        foreach (var (name, value) in new[] { ("ip", entry.IP), ("hostname", entry.Hostname), ("ipMode", entry.IpMode) })
            if (value is not null)
                copy[name] = value;
        if (entry.Ports is not null)
            copy["ports"] = entry.Ports.DeepClone();
        return copy;
    }

    private static bool IsLeaving(LoadBalancerIngress entry, Decision decision) => IpAddress.TryParse(entry.IP, out var address) && decision.Leaving.Contains(address);

    private void Consider(ObjectKey key, Target target, CancellationToken stop)
    {
        if (target.IsQueued || target.Desired is not { } desired || Patch(target.Observed, desired) is null)
            return;
        target.IsQueued = true;
        _queue.Enqueue(key);
        StartSome(stop);
    }

    private void StartSome(CancellationToken stop)
    {
        while (_running < AtOnce && _queue.TryDequeue(out var key))
        {
            if (!_targets.TryGetValue(key, out var target))
                continue;
            if (target.Desired is not { } desired || Patch(target.Observed, desired) is not { } patch)
            {
                target.IsQueued = false;
                continue;
            }

            _running++;
            _ = WriteAsync(key, target, desired, patch, stop);
        }
    }

    // Nothing here is allowed to be thrown: each outcome becomes an action on the loop.
    private async Task WriteAsync(ObjectKey key, Target target, Decision decision, JsonObject patch, CancellationToken stop)
    {
        Action done;
        try
        {
            var written = await fence.WriteAsync(limit => client.PatchAsync(Kinds.Services, key.Namespace, key.Name, PatchKind.Merge, patch, "status", limit));
            written = await AnnotateAsync(key, decision, written);
            done = () => Written(target, written);
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
            // Whoever leads then decides anew.
            done = () => target.Desired = ReferenceEquals(target.Desired, decision) ? null : target.Desired;
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
                StartSome(stop);
                if (pause > TimeSpan.Zero)
                    _ = LaterAsync(key, target, pause, stop);
            },
            stop);
    }

    private async Task LaterAsync(ObjectKey key, Target target, TimeSpan pause, CancellationToken stop)
    {
        target.IsQueued = true;
        await Task.Delay(pause, time, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await PostAsync(
            () =>
            {
                target.IsQueued = false;
                if (_targets.GetValueOrDefault(key) == target)
                    Consider(key, target, stop);
            },
            stop);
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
        if (!HasAddresses(written, decision) || Patch(written, decision) is not { } rest)
            return written;
        rest.Remove("status");
        return await fence.WriteAsync(limit => client.PatchAsync(Kinds.Services, key.Namespace, key.Name, PatchKind.Merge, rest, ct: limit));
    }

    private async Task<Action> ReadAgainAsync(ObjectKey key, Target target, CancellationToken stop)
    {
        try
        {
            var fresh = await client.FindAsync(Kinds.Services, key.Namespace, key.Name, stop);
            if (fresh is null || fresh.Metadata.Uid != target.Observed.Metadata.Uid)
                return () => target.Gone = true;
            return () =>
            {
                target.Observed = fresh;
                target.Pause = TimeSpan.Zero;
            };
        }
        catch (Exception failure)
        {
            return () => Failed(key, target, failure);
        }
    }

    private void Written(Target target, Service written)
    {
        // The watch will show the same version, or a later one, soon.
        target.Observed = written;
        target.Pause = TimeSpan.Zero;
        target.Pauses.Reset();
    }

    private void Failed(ObjectKey key, Target target, Exception failure)
    {
        target.Pause = target.Pauses.Next();
        log.LogWarning("status of {Service} could not be written; again in {PauseMs} ms: {Message}", key, (long)target.Pause.TotalMilliseconds, failure.Message);
    }

    private sealed class Target(Service observed)
    {
        public Service Observed { get; set; } = observed;

        public Decision? Desired { get; set; }

        public bool IsQueued { get; set; }

        public bool Gone { get; set; }

        public TimeSpan Pause { get; set; }

        public BackOff Pauses { get; } = new(TimeSpan.FromMilliseconds(100), TimeSpan.FromSeconds(15));
    }
}
