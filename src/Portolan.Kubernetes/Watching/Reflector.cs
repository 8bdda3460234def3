using Microsoft.Extensions.Logging;
using Portolan.Core.Cluster;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;

namespace Portolan.Kubernetes.Watching;

/// <summary>
/// Mirrors one collection: lists it, watches it, and reports every change once and in order. Losing the server loses nothing: what changed
/// meanwhile is found by the next list. An object whose resource version did not move is not reported again.
/// </summary>
/// <typeparam name="T">The object's model.</typeparam>
public sealed class Reflector<T>
    where T : class, IKubeObject
{
    private static readonly TimeSpan _firstDelay = TimeSpan.FromMilliseconds(100);
    private static readonly TimeSpan _longestDelay = TimeSpan.FromSeconds(5);

    private readonly KubeClient _client;
    private readonly ResourceType<T> _type;
    private readonly string? _namespace;
    private readonly string? _labelSelector;
    private readonly string? _fieldSelector;
    private readonly TimeProvider _time;
    private readonly ILogger _logger;
    private readonly bool _keepsObjects;
    private readonly Dictionary<ObjectKey, Known> _known = [];
    private bool _synced;
    private string _resourceVersion = "";
    private readonly Lock _gate = new();
    private TaskCompletionSource? _refresh;
    private CancellationTokenSource? _following;

    /// <summary>Prepares a reflector; nothing is asked before <see cref="RunAsync"/>.</summary>
    /// <param name="client">The API.</param>
    /// <param name="type">The kind.</param>
    /// <param name="ns">One namespace, or null for all.</param>
    /// <param name="labelSelector">Or null.</param>
    /// <param name="fieldSelector">Or null.</param>
    /// <param name="timeProvider">The clock of the back-off.</param>
    /// <param name="logger">Told when the server is lost and found.</param>
    /// <param name="keepsObjects">
    /// False: only what tells versions apart is remembered, and <see cref="Change{T}.Old"/> is null, except for an object that the watch saw
    /// going. For many objects of which the consumer keeps what it needs.
    /// </param>
    public Reflector(KubeClient client, ResourceType<T> type, string? ns = null, string? labelSelector = null, string? fieldSelector = null, TimeProvider? timeProvider = null, ILogger? logger = null, bool keepsObjects = true)
    {
        _keepsObjects = keepsObjects;
        _client = client;
        _type = type;
        _namespace = ns;
        _labelSelector = labelSelector;
        _fieldSelector = fieldSelector;
        _time = timeProvider ?? TimeProvider.System;
        _logger = logger ?? Microsoft.Extensions.Logging.Abstractions.NullLogger.Instance;
    }

    /// <summary>Runs until cancelled. <paramref name="onChange"/> is awaited, so a slow consumer slows the stream instead of filling memory.</summary>
    /// <exception cref="OperationCanceledException">Always, in the end.</exception>
    public async Task RunAsync(Func<Change<T>, ValueTask> onChange, CancellationToken ct)
    {
        var failures = 0;
        void Answered()
        {
            if (failures > 0)
                _logger.LogInformation("{Kind}: the API server answers again", _type.Kind);
            failures = 0;
        }

        while (true)
        {
            ct.ThrowIfCancellationRequested();
            try
            {
                if (_resourceVersion.Length == 0)
                    await RelistAsync(onChange, ct).ConfigureAwait(false);
                await FollowAsync(onChange, Answered, ct).ConfigureAwait(false);
            }
            catch (OperationCanceledException) when (IsRefreshAsked && !ct.IsCancellationRequested)
            {
                _resourceVersion = "";
            }
            catch (KubeApiException e) when (e.IsExpired)
            {
                // What happened in between is no longer remembered over there: a list tells the difference.
                _resourceVersion = "";
            }
            catch (Exception e) when (e is HttpRequestException or IOException or KubeApiException or OperationCanceledException or System.Text.Json.JsonException && !ct.IsCancellationRequested)
            {
                if (failures++ == 0)
                    _logger.LogWarning("{Kind}: {Reason}; trying again", _type.Kind, e.Message);
                await Task.Delay(Delay(failures, (e as KubeApiException)?.RetryAfter), _time, ct).ConfigureAwait(false);
            }
        }
    }

    /// <summary>
    /// Completes when everything the server had at the moment of the call has been reported. Our watch may lag behind what others wrote;
    /// a list that names no version is answered from what the server has committed.
    /// </summary>
    public Task RefreshAsync(CancellationToken ct)
    {
        lock (_gate)
        {
            _refresh ??= new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
            _following?.Cancel();
            return _refresh.Task.WaitAsync(ct);
        }
    }

    private bool IsRefreshAsked
    {
        get
        {
            lock (_gate)
                return _refresh is not null;
        }
    }

    private async Task RelistAsync(Func<Change<T>, ValueTask> onChange, CancellationToken ct)
    {
        // A list that began before it was asked for does not count.
        TaskCompletionSource? asked;
        lock (_gate)
            asked = _refresh;
        var list = await _client.ListAsync(_type, _namespace, _labelSelector, _fieldSelector, ct).ConfigureAwait(false);
        var gone = new HashSet<ObjectKey>(_known.Keys);
        foreach (var item in list.Items)
        {
            gone.Remove(Key(item));
            await ReportAsync(item, onChange).ConfigureAwait(false);
        }

        foreach (var key in gone)
            await ForgetAsync(key, null, onChange).ConfigureAwait(false);
        _resourceVersion = list.ResourceVersion;
        if (!_synced)
        {
            _synced = true;
            await onChange(new Change<T>(ChangeKind.Synced, default, null, null)).ConfigureAwait(false);
        }

        if (asked is null)
            return;
        lock (_gate)
            if (_refresh == asked)
                _refresh = null;
        asked.SetResult();
    }

    private async Task FollowAsync(Func<Change<T>, ValueTask> onChange, Action answered, CancellationToken ct)
    {
        var timeout = TimeSpan.FromSeconds(300 + Random.Shared.Next(300));
        using var following = CancellationTokenSource.CreateLinkedTokenSource(ct);
        lock (_gate)
        {
            _following = following;
            if (_refresh is not null)
                following.Cancel();
        }

        try
        {
            await FollowAsync(onChange, answered, timeout, following.Token).ConfigureAwait(false);
        }
        finally
        {
            lock (_gate)
                _following = null;
        }
    }

    private async Task FollowAsync(Func<Change<T>, ValueTask> onChange, Action answered, TimeSpan timeout, CancellationToken ct)
    {
        await foreach (var e in _client.WatchAsync(_type, _namespace, _resourceVersion, _labelSelector, _fieldSelector, timeout, answered, ct).ConfigureAwait(false))
        {
            if (e.Object is { } item && e.Kind is ChangeKind.Deleted)
                await ForgetAsync(Key(item), item, onChange).ConfigureAwait(false);
            else if (e.Object is { } present)
                await ReportAsync(present, onChange).ConfigureAwait(false);
            if (e.ResourceVersion.Length > 0)
                _resourceVersion = e.ResourceVersion;
        }
    }

    private async ValueTask ReportAsync(T item, Func<Change<T>, ValueTask> onChange)
    {
        var key = Key(item);
        var known = _known.TryGetValue(key, out var old);
        if (known && old.ResourceVersion == item.Metadata.ResourceVersion)
            return;
        // A successor of the same name is another object: the old one went without our seeing it.
        if (known && old.Uid != item.Metadata.Uid)
        {
            await ForgetAsync(key, null, onChange).ConfigureAwait(false);
            (known, old) = (false, default);
        }

        _known[key] = new Known(item.Metadata.Uid, item.Metadata.ResourceVersion, _keepsObjects ? item : null);
        await onChange(new Change<T>(known ? ChangeKind.Modified : ChangeKind.Added, key, old.Object, item)).ConfigureAwait(false);
    }

    private async ValueTask ForgetAsync(ObjectKey key, T? last, Func<Change<T>, ValueTask> onChange)
    {
        if (_known.Remove(key, out var old))
            await onChange(new Change<T>(ChangeKind.Deleted, key, last ?? old.Object, null)).ConfigureAwait(false);
    }

    private static TimeSpan Delay(int failures, TimeSpan? asked)
    {
        var longest = Math.Min(_longestDelay.TotalMilliseconds, _firstDelay.TotalMilliseconds * Math.Pow(2, Math.Min(failures - 1, 10)));
        var delay = TimeSpan.FromMilliseconds(longest * (0.5 + (0.5 * Random.Shared.NextDouble())));
        return asked > delay ? asked.Value : delay;
    }

    private static ObjectKey Key(T item) => new(item.Metadata.Namespace ?? "", item.Metadata.Name ?? "");

    private readonly record struct Known(string? Uid, string? ResourceVersion, T? Object);
}
