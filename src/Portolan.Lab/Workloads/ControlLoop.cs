using System.Threading.Channels;

using Microsoft.Extensions.Logging;

using Portolan.Core.Cluster;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;
using Portolan.Lab.Workloads.Controllers;

namespace Portolan.Lab.Workloads;

/// <summary>
/// All controllers in one loop over one cache: changes in, one key reconciled at a time, no locks. Nothing is polled; a controller that
/// waits for a time says so and is called then. What fails is tried again, later each time.
/// </summary>
internal sealed class ControlLoop
{
    private static readonly TimeSpan s_firstRetry = TimeSpan.FromMilliseconds(50);
    private static readonly TimeSpan s_lastRetry = TimeSpan.FromSeconds(5);

    private readonly KubeClient _client;
    private readonly TimeProvider _clock;
    private readonly ILogger _logger;
    private readonly Channel<(ResourceType<UntypedObject> Type, Change<UntypedObject> Change)> _changes =
        Channel.CreateBounded<(ResourceType<UntypedObject>, Change<UntypedObject>)>(new BoundedChannelOptions(4096) { SingleReader = true });
    private readonly Queue<(Controller Controller, ObjectKey Key)> _due = new();
    private readonly HashSet<(Controller, ObjectKey)> _isDue = [];
    private readonly PriorityQueue<(Controller Controller, ObjectKey Key), DateTimeOffset> _later = new();

    /// <summary>The one time that counts for a key; older entries of the queue are passed over.</summary>
    private readonly Dictionary<(Controller, ObjectKey), DateTimeOffset> _laterAt = [];
    private readonly Dictionary<(Controller, ObjectKey), int> _failures = [];
    private readonly HashSet<string> _synced = new(StringComparer.Ordinal);
    private readonly ClusterWriter _writer;
    private readonly List<Controller> _controllers;
    private readonly List<ResourceType<UntypedObject>> _kinds = [];
    private readonly Dictionary<string, (ResourceType<UntypedObject> Type, Controller Collector, CancellationTokenSource Stop)> _custom = new(StringComparer.Ordinal);
    private readonly TaskCompletionSource _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public ControlLoop(KubeClient client, TimeProvider clock, ILogger logger, Func<ClusterCache, ClusterWriter, IEnumerable<Controller>> controllers)
    {
        _client = client;
        _clock = clock;
        _logger = logger;
        Cache = new ClusterCache();
        _writer = new ClusterWriter(client, Cache, Spread, clock);
        _controllers = [.. controllers(Cache, _writer)];
    }

    public ClusterCache Cache { get; }

    public async Task RunAsync(CancellationToken cancel)
    {
        foreach (var type in WorkloadKinds.All)
        {
            _kinds.Add(type);
            _controllers.Add(new GarbageCollector(Cache, _writer, _kinds, type));
            _ = FollowAsync(type, cancel);
        }
        // Neither ends by itself: whichever does, brings its reason up.
        await (await Task.WhenAny(_failed.Task, WorkAsync(cancel)).ConfigureAwait(false)).ConfigureAwait(false);
    }

    private async Task FollowAsync(ResourceType<UntypedObject> type, CancellationToken cancel)
    {
        try
        {
            await new Reflector<UntypedObject>(_client, type, timeProvider: _clock, logger: _logger)
                .RunAsync(change => _changes.Writer.WriteAsync((type, change), cancel), cancel).ConfigureAwait(false);
        }
        catch (OperationCanceledException) when (cancel.IsCancellationRequested)
        {
        }
        catch (Exception broken)
        {
            _failed.TrySetException(broken);
        }
    }

    /// <summary>Custom kinds have owners, too: each that is defined is watched, for the garbage collector alone.</summary>
    private void Define(CacheChange change, CancellationToken cancel)
    {
        if (change.New is { } definition && CustomKind(definition) is { } type)
        {
            if (_custom.ContainsKey(change.Key.Name))
                return;
            var stop = CancellationTokenSource.CreateLinkedTokenSource(cancel);
            var collector = new GarbageCollector(Cache, _writer, _kinds, type);
            _custom[change.Key.Name] = (type, collector, stop);
            _kinds.Add(type);
            _controllers.Add(collector);
            _ = FollowAsync(type, stop.Token);
        }
        else if (_custom.Remove(change.Key.Name, out var gone))
        {
            gone.Stop.Cancel();
            gone.Stop.Dispose();
            _kinds.Remove(gone.Type);
            _controllers.Remove(gone.Collector);
            Cache.Drop(gone.Type);
        }
    }

    /// <summary>Null while the server does not serve it.</summary>
    private static ResourceType<UntypedObject>? CustomKind(UntypedObject definition)
    {
        var spec = definition.Json["spec"];
        var version = spec.Objects("versions").OrderByDescending(v => v.Flag("storage")).FirstOrDefault(v => v.Flag("served")).Text("name");
        return definition.HasCondition("Established") && !definition.IsDeleting() && version is not null
            ? ResourceType.Untyped(spec.Text("group")!, version, spec.Text("names", "plural")!, spec.Text("names", "kind")!, spec.Text("scope") == "Namespaced")
            : null;
    }

    private async Task WorkAsync(CancellationToken cancel)
    {
        while (true)
        {
            while (_changes.Reader.TryRead(out var next))
                Take(next.Type, next.Change, cancel);
            MoveDue();
            if (_synced.Count < WorkloadKinds.All.Count || _due.Count == 0)
                await WaitAsync(cancel).ConfigureAwait(false);
            else
                await ReconcileAsync(cancel).ConfigureAwait(false);
        }
    }

    private async Task ReconcileAsync(CancellationToken cancel)
    {
        var item = _due.Dequeue();
        _isDue.Remove(item);
        _laterAt.Remove(item);
        try
        {
            var again = await item.Controller.ReconcileAsync(item.Key, cancel).ConfigureAwait(false);
            _failures.Remove(item);
            if (again is { } wait)
                Postpone(item, wait);
        }
        catch (Exception e) when (e is KubeApiException or HttpRequestException or IOException or OperationCanceledException && !cancel.IsCancellationRequested)
        {
            var failures = _failures[item] = _failures.GetValueOrDefault(item) + 1;
            var wait = TimeSpan.FromMilliseconds(Math.Min(s_lastRetry.TotalMilliseconds, s_firstRetry.TotalMilliseconds * Math.Pow(2, Math.Min(failures - 1, 10))));
            // A conflict is the ordinary course of things: somebody wrote first, and the watch brings what.
            _logger.Log(e is KubeApiException { IsConflict: true } && failures < 5 ? LogLevel.Debug : LogLevel.Warning,
                "{Controller} {Key}: {Reason}; again in {Wait} ms", item.Controller.Name, item.Key, e.Message, (int)wait.TotalMilliseconds);
            Postpone(item, wait);
        }
    }

    private async Task WaitAsync(CancellationToken cancel)
    {
        if (!_later.TryPeek(out _, out var time))
        {
            await _changes.Reader.WaitToReadAsync(cancel).ConfigureAwait(false);
            return;
        }
        var wait = time - _clock.GetUtcNow();
        if (wait <= TimeSpan.Zero && _synced.Count == WorkloadKinds.All.Count)
            return;
        using var alarm = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var change = _changes.Reader.WaitToReadAsync(alarm.Token).AsTask();
        await Task.WhenAny(change, Task.Delay(wait > TimeSpan.Zero ? wait : s_lastRetry, _clock, alarm.Token)).ConfigureAwait(false);
        await alarm.CancelAsync().ConfigureAwait(false);
        await ((Task)change).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        cancel.ThrowIfCancellationRequested();
    }

    private void Take(ResourceType<UntypedObject> type, Change<UntypedObject> change, CancellationToken cancel)
    {
        if (!_kinds.Contains(type))
            return;     // of a kind that is gone
        if (change.Kind is ChangeKind.Synced)
        {
            if (!_custom.Values.Any(c => c.Type == type) && _synced.Add(type.Id()) && _synced.Count == WorkloadKinds.All.Count)
                _logger.LogInformation("the cluster is known: {Pods} pods on {Nodes} nodes", Cache.All(WorkloadKinds.Pods).Count(), Cache.All(WorkloadKinds.Nodes).Count());
            return;
        }
        var effect = change.New is { } now ? Cache.Put(type, now) : Cache.Remove(type, change.Key, change.Old?.Uid() ?? "");
        if (effect is null)
            return;
        if (effect.Is(WorkloadKinds.Definitions))
            Define(effect, cancel);
        Spread(effect);
    }

    private void Spread(CacheChange change)
    {
        foreach (var controller in _controllers)
            foreach (var key in controller.Touches(change))
                Enqueue(controller, key);
    }

    private void Enqueue(Controller controller, ObjectKey key)
    {
        if (_isDue.Add((controller, key)))
            _due.Enqueue((controller, key));
    }

    private void MoveDue()
    {
        while (_later.TryPeek(out var item, out var time) && time <= _clock.GetUtcNow())
        {
            _later.Dequeue();
            if (_laterAt.TryGetValue(item, out var counts) && counts == time)
            {
                _laterAt.Remove(item);
                Enqueue(item.Controller, item.Key);
            }
        }
    }

    private void Postpone((Controller, ObjectKey) item, TimeSpan wait)
    {
        var time = _clock.GetUtcNow() + wait;
        _laterAt[item] = time;
        _later.Enqueue(item, time);
    }
}
