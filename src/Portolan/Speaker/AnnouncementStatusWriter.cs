using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Portolan.Controller;
using Portolan.Core.Cluster;
using Portolan.Hosting;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;

namespace Portolan.Speaker;

/// <summary>
/// Keeps one status object per Service that this node announces, and none for others. On layer 2 a new announcer also removes what former ones, which may
/// be dead, left behind; several that announce together leave each other's alone. Writes happen in the background and never delay an announcement.
/// </summary>
/// <param name="client">Writes them.</param>
/// <param name="kind">What kind of status.</param>
/// <param name="options">Whose they are.</param>
/// <param name="time">For pauses.</param>
/// <param name="log">Told of what the API server refuses.</param>
internal sealed class AnnouncementStatusWriter<T>(KubeClient client, AnnouncementStatusKind<T> kind, SpeakerOptions options, TimeProvider time, ILogger log)
    where T : class, IKubeObject
{
    private const int RememberedGone = 256;

    private readonly Lock _gate = new();
    private readonly Dictionary<ObjectKey, Wish> _wanted = [];
    private readonly Dictionary<ObjectKey, List<Stored>> _found = [];
    private readonly Dictionary<string, ObjectKey> _serviceOf = new(StringComparer.Ordinal); // by the status's name
    private readonly HashSet<ObjectKey> _dirty = [];

    /// <summary>Uids of statuses that were seen to go, the latest few: a rival deletes ours while the answer to our write is still on its way.</summary>
    private readonly Queue<string> _gone = new();
    private readonly Channel<bool> _signal = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });
    private bool _listed;
    private List<OwnerReference>? _owners;

    /// <summary>What is needed of a stored status: there may be thousands.</summary>
    /// <param name="Name">Its name.</param>
    /// <param name="Uid">Its uid.</param>
    /// <param name="Version">Its resource version.</param>
    /// <param name="Node">Whose it is.</param>
    /// <param name="Values">What it says; null: nothing yet.</param>
    private sealed record Stored(string Name, string? Uid, string? Version, string? Node, IReadOnlyList<string>? Values);

    /// <summary>What is to be stored of a Service that this node announces.</summary>
    /// <param name="Values">What it is to say.</param>
    /// <param name="Others">The nodes that announce it too.</param>
    private sealed record Wish(IReadOnlyList<string> Values, IReadOnlyList<string> Others)
    {
        public bool Equals(Wish? other) => other is not null && Values.SequenceEqual(other.Values) && Others.SequenceEqual(other.Others);

        public override int GetHashCode() => HashCode.Combine(Values.Count, Others.Count);
    }

    /// <summary>Whether this node announces a Service, and how.</summary>
    /// <param name="service">The Service.</param>
    /// <param name="values">On these interfaces (empty: on all), or to these peers; null: it does not announce the Service.</param>
    /// <param name="others">The nodes that announce it too; null: none.</param>
    public void Want(ObjectKey service, IReadOnlyList<string>? values, IReadOnlyList<string>? others = null)
    {
        var wish = values is null ? null : new Wish(values, others ?? []);
        lock (_gate)
        {
            if (wish is null ? !_wanted.Remove(service) : wish.Equals(_wanted.GetValueOrDefault(service)))
                return;
            if (wish is not null)
                _wanted[service] = wish;
            Touch(service);
        }
    }

    /// <summary>Takes what is stored.</summary>
    public void On(Change<T> change)
    {
        lock (_gate)
        {
            if (change.Kind is ChangeKind.Synced)
            {
                _listed = true;
                foreach (var service in _wanted.Keys.Concat(_found.Keys))
                    _dirty.Add(service);
                _signal.Writer.TryWrite(true);
            }
            else if (change.New is { } status)
            {
                if (ServiceOf(status) is not { } service)
                    return;
                Keep(service, Read(status));
                Touch(service);
            }
            else if (_serviceOf.Remove(change.Key.Name, out var service))
            {
                _gone.Enqueue(Find(service, change.Key.Name)?.Uid ?? change.Old?.Metadata.Uid ?? "");
                Drop(service, change.Key.Name);
                if (_gone.Count > RememberedGone)
                    _gone.Dequeue();
                Touch(service);
            }
        }
    }

    /// <summary>Writes until the stop.</summary>
    public async Task RunAsync(CancellationToken stop)
    {
        var pauses = new BackOff(TimeSpan.FromMilliseconds(200), TimeSpan.FromSeconds(10));
        while (await _signal.Reader.WaitToReadAsync(stop))
        {
            _signal.Reader.TryRead(out _);
            while (Next() is { } service)
            {
                try
                {
                    await ReconcileAsync(service, stop);
                    pauses.Reset();
                }
                catch (Exception failure) when (ApiFailure.IsTransient(failure, stop))
                {
                    lock (_gate)
                        Touch(service);
                    await Task.Delay(pauses.Next(), time, stop);
                }
                catch (KubeApiException refusal)
                {
                    log.LogWarning("the status of {Service} cannot be written: {Failure}", service, refusal.Message);
                }
            }
        }
    }

    private ObjectKey? Next()
    {
        lock (_gate)
        {
            // Before the list is known, what looks missing may be there.
            if (!_listed || _dirty.Count == 0)
                return null;
            var service = _dirty.First();
            _dirty.Remove(service);
            return service;
        }
    }

    private async Task ReconcileAsync(ObjectKey service, CancellationToken stop)
    {
        Wish? wish;
        List<Stored> found;
        lock (_gate)
            (wish, found) = (_wanted.GetValueOrDefault(service), [.. _found.GetValueOrDefault(service) ?? []]);
        var wanted = wish?.Values;

        var own = found.FindAll(status => status.Node == options.NodeName);
        var kept = wanted is null ? null : own.FirstOrDefault();
        // Whoever announces clears away those of others who do not; whoever does not clears only its own.
        foreach (var extra in (wish is null || !kind.IsExclusive ? own : found).Where(status => status != kept && !(status.Node is { } node && wish?.Others.Contains(node) is true)))
        {
            await client.DeleteAsync(kind.Type, options.Namespace, extra.Name, extra.Uid, ct: stop);
            lock (_gate)
                Drop(service, extra.Name);
        }

        if (wanted is null)
            return;
        kept ??= Note(service, await CreateAsync(service, stop));
        if (kept.Values?.SequenceEqual(wanted) is true)
            return;
        Note(service, await client.ReplaceStatusAsync(
            kind.Type,
            kind.Make(
                new ObjectMeta { Name = kept.Name, Namespace = options.Namespace, Uid = kept.Uid, ResourceVersion = kept.Version },
                new AnnouncementStatus(options.NodeName, service, wanted)),
            stop));
    }

    private async Task<T> CreateAsync(ObjectKey service, CancellationToken stop)
    {
        _owners ??= await OwnersAsync(stop);
        return await client.CreateAsync(
            kind.Type,
            options.Namespace,
            kind.Make(
                new ObjectMeta
                {
                    GenerateName = kind.Prefix,
                    Namespace = options.Namespace,
                    Labels = new Dictionary<string, string>
                    {
                        [AnnouncementStatus.NodeLabel] = options.NodeName,
                        [AnnouncementStatus.ServiceLabel] = service.Name,
                        [AnnouncementStatus.NamespaceLabel] = service.Namespace,
                    },
                    OwnerReferences = _owners.Count > 0 ? _owners : null,
                },
                null),
            stop);
    }

    // The pod's end is the status's end, by garbage collection.
    private async Task<List<OwnerReference>> OwnersAsync(CancellationToken stop) =>
        options.PodName.Length > 0 && await client.FindAsync(Kinds.Pods, options.Namespace, options.PodName, stop) is { } pod
            ? [new OwnerReference { ApiVersion = "v1", Kind = "Pod", Name = options.PodName, Uid = pod.Metadata.Uid }]
            : [];

    private Stored Note(ObjectKey service, T status)
    {
        var stored = Read(status);
        lock (_gate)
        {
            // The watch may be ahead of our own answer: what it has seen go is not found again, or nobody would write it anew.
            if (!_gone.Contains(stored.Uid ?? ""))
                Keep(service, stored);
            return stored;
        }
    }

    private Stored Read(T status)
    {
        var written = kind.Read(status);
        var node = status.Metadata.Labels?.GetValueOrDefault(AnnouncementStatus.NodeLabel) ?? written?.Node;
        return new Stored(
            status.Metadata.Name!, status.Metadata.Uid, status.Metadata.ResourceVersion, node == options.NodeName ? options.NodeName : node,
            written is { } content && content.Node == node ? content.Values : null);
    }

    private void Keep(ObjectKey service, Stored status)
    {
        Drop(service, status.Name);
        if (!_found.TryGetValue(service, out var found))
            _found[service] = found = new List<Stored>(1);
        found.Add(status);
        _serviceOf[status.Name] = service;
    }

    private Stored? Find(ObjectKey service, string name) => _found.GetValueOrDefault(service)?.Find(status => status.Name == name);

    private void Drop(ObjectKey service, string name)
    {
        if (_found.TryGetValue(service, out var found) && found.RemoveAll(status => status.Name == name) > 0 && found.Count == 0)
            _found.Remove(service);
    }

    private void Touch(ObjectKey service)
    {
        _dirty.Add(service);
        _signal.Writer.TryWrite(true);
    }

    private static ObjectKey? ServiceOf(T status) =>
        status.Metadata.Labels is { } labels && labels.TryGetValue(AnnouncementStatus.ServiceLabel, out var name) && labels.TryGetValue(AnnouncementStatus.NamespaceLabel, out var ns)
            ? new ObjectKey(ns, name)
            : null;
}
