using System.Threading.Channels;

using Microsoft.Extensions.Logging;

using Portolan.Core.Cluster;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;

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
    private readonly List<Controller> _controllers;

    public ControlLoop(KubeClient client, TimeProvider clock, ILogger logger, Func<ClusterCache, ClusterWriter, IEnumerable<Controller>> controllers)
    {
        _client = client;
        _clock = clock;
        _logger = logger;
        Cache = new ClusterCache();
        _controllers = [.. controllers(Cache, new ClusterWriter(client, Cache, Spread, clock))];
    }

    public ClusterCache Cache { get; }

    public async Task RunAsync(CancellationToken cancel)
    {
        var reflectors = WorkloadKinds.All.Select(type => new Reflector<UntypedObject>(_client, type, timeProvider: _clock, logger: _logger)
            .RunAsync(change => _changes.Writer.WriteAsync((type, change), cancel), cancel)).ToList();
        var reflecting = Task.WhenAll(reflectors);
        var working = WorkAsync(cancel);
        // Neither ends by itself: whichever does, brings its reason up.
        await (await Task.WhenAny(reflecting, working).ConfigureAwait(false)).ConfigureAwait(false);
    }

    private async Task WorkAsync(CancellationToken cancel)
    {
        while (true)
        {
            while (_changes.Reader.TryRead(out var next))
                Take(next.Type, next.Change);
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

    private void Take(ResourceType<UntypedObject> type, Change<UntypedObject> change)
    {
        if (change.Kind is ChangeKind.Synced)
        {
            if (_synced.Add(type.Kind) && _synced.Count == WorkloadKinds.All.Count)
                _logger.LogInformation("the cluster is known: {Pods} pods on {Nodes} nodes", Cache.All(WorkloadKinds.Pods).Count(), Cache.All(WorkloadKinds.Nodes).Count());
            return;
        }
        var effect = change.New is { } now ? Cache.Put(type, now) : Cache.Remove(type, change.Key, change.Old?.Uid() ?? "");
        if (effect is not null)
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
