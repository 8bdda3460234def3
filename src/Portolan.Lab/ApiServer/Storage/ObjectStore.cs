using System.Threading.Channels;
using Portolan.Core.Cluster;

namespace Portolan.Lab.ApiServer.Storage;

/// <summary>What a write wants to become of an object.</summary>
/// <param name="Resource">The storage name, <c>deployments.apps</c>.</param>
/// <param name="Key">Which object.</param>
/// <param name="Expected">The revision the object must still have; 0: it must not exist.</param>
/// <param name="Object">The new state; for a deletion the last state.</param>
/// <param name="Delete">Remove the object.</param>
internal sealed record StoreWrite(string Resource, ObjectKey Key, long Expected, UnversionedObject Object, bool Delete = false);

/// <summary>What became of a write: the object as stored, or, when the expected revision was not met, what is there instead.</summary>
internal readonly record struct StoreOutcome(bool Committed, StoredObject? Object);

/// <summary>
/// All objects, in memory and on disk. Writes go through one thread that takes whatever has queued up, decides each write against the state before it,
/// makes the batch durable with one fsync, and only then shows it to readers and watchers. So an acknowledged write is durable, nobody ever sees
/// a change that a crash could undo, and revisions never go back. The recent past is kept in the same way: watches resume and pages of a list go on
/// across a restart.
/// </summary>
internal sealed class ObjectStore : IDisposable
{
    private const int MaxBatch = 512;
    private const long LargeHeap = 32 << 20;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, ResourceTable> _tables = new(StringComparer.Ordinal);
    private readonly Channel<Pending> _queue = Channel.CreateBounded<Pending>(new BoundedChannelOptions(8192) { SingleReader = true });
    private readonly StoreFile _file;
    private readonly Compaction _compaction;
    private readonly Thread _writer;
    private long _revision;
    private Exception? _broken;

    public ObjectStore(string path, HistoryLimits? limits = null, TimeProvider? clock = null)
    {
        _file = new StoreFile(path);
        _compaction = new(limits ?? HistoryLimits.Default, clock ?? TimeProvider.System);
        _revision = _file.ReadRevision();
        Load();
        _writer = new Thread(WriteLoop) { IsBackground = true, Name = "store" };
        _writer.Start();
    }

    /// <summary>Called on the writer thread after each batch is visible, in revision order. Must be quick and must not write.</summary>
    public event Action<WatchEvent>? Committed;

    /// <summary>Completes with the error if the disk refuses a write: the process cannot go on honestly.</summary>
    public Task Failed => _failed.Task;

    private readonly TaskCompletionSource _failed = new(TaskCreationOptions.RunContinuationsAsynchronously);

    public long Revision
    {
        get { lock (_lock) return _revision; }
    }

    public StoredObject? Find(string resource, ObjectKey key)
    {
        lock (_lock) return _tables.TryGetValue(resource, out var table) ? table.Find(key) : null;
    }

    /// <summary>The objects of a namespace (null: of all) as they are now.</summary>
    public ObjectSnapshot List(string resource, string? ns)
    {
        lock (_lock) return Table(resource).Snapshot(ns, _revision);
    }

    /// <summary>The objects as they were at a revision that is not in the future; null when the history does not reach back to it.</summary>
    public ObjectSnapshot? ListAt(string resource, string? ns, long revision)
    {
        lock (_lock) return revision < Table(resource).CompactedAt ? null : Table(resource).SnapshotAt(ns, revision);
    }

    /// <summary>
    /// Starts a watch. With no revision the subscription begins with all objects; with one, with the events after it, also when it lies in the future.
    /// Taking the snapshot and subscribing is one critical section, so no event falls between or comes twice.
    /// </summary>
    /// <returns>Null when the history no longer reaches back to <paramref name="after"/>: the watcher must list again.</returns>
    public Subscription? Subscribe(WatchScope scope, long? after)
    {
        lock (_lock)
        {
            var table = Table(scope.Resource);
            if (after < table.CompactedAt) return null;
            var missed = new List<WatchEvent>();
            if (after is { } revision)
                foreach (var e in table.EventsAfter(revision))
                    if (scope.Includes(e.New.Key))
                        missed.Add(e);
            var subscription = new Subscription(this, scope)
            {
                Initial = after is null ? table.Snapshot(scope.Namespace, _revision) : null,
                Missed = missed,
                Revision = Math.Max(_revision, after ?? 0),
            };
            table.Subscribers.Add(subscription);
            return subscription;
        }
    }

    /// <summary>Tells the watchers that asked for bookmarks how far they have seen.</summary>
    public void OfferBookmarks()
    {
        lock (_lock)
            foreach (var table in _tables.Values)
                foreach (var subscription in table.Subscribers)
                    subscription.OfferBookmark(_revision);
    }

    /// <summary>Ends a watch, with a bookmark at its end for who asked for bookmarks.</summary>
    public void End(Subscription subscription)
    {
        lock (_lock)
        {
            subscription.OfferBookmark(_revision);
            subscription.Complete();
        }
    }

    public async Task<StoreOutcome> WriteAsync(StoreWrite write, CancellationToken cancellation)
    {
        var pending = new Pending(write);
        await _queue.Writer.WriteAsync(pending, cancellation);
        // From here on the write happens whatever becomes of the caller, as with any server.
        return await pending.Done.Task;
    }

    /// <summary>Ends every watch of a resource that is no longer served.</summary>
    public void CloseWatches(string resource)
    {
        lock (_lock)
        {
            if (!_tables.TryGetValue(resource, out var table)) return;
            foreach (var subscription in table.Subscribers) subscription.Complete();
        }
    }

    internal void Unsubscribe(Subscription subscription)
    {
        lock (_lock) Table(subscription.Scope.Resource).Subscribers.Remove(subscription);
    }

    public void Dispose()
    {
        _queue.Writer.TryComplete();
        _writer.Join();
        _file.Dispose();
    }

    private ResourceTable Table(string resource)
    {
        if (!_tables.TryGetValue(resource, out var table)) _tables[resource] = table = new(resource);
        return table;
    }

    // Goes through all states in order, as they came to be: what is kept of the past is remembered again, and what is left at the end is the present.
    private void Load()
    {
        foreach (var (resource, revision) in _file.ReadCompactions()) Table(resource).LoadCompaction(revision);
        var events = new List<WatchEvent>();
        foreach (var (obj, deleted) in _file.ReadStates())
        {
            var table = Table(obj.Resource);
            if (obj.Revision <= table.CompactedAt)
            {
                table.Load(obj);
                continue;
            }

            var e = new WatchEvent(obj.Revision, table.Find(obj.Key), obj, deleted);
            table.Apply(e);
            events.Add(e);
        }

        _compaction.Load(events);
        // What reading left behind is more than the objects themselves, and nothing else would ask for it back soon.
        if (GC.GetTotalMemory(forceFullCollection: false) > LargeHeap) GC.Collect(2, GCCollectionMode.Aggressive, blocking: true, compacting: true);
    }

    private void WriteLoop()
    {
        var batch = new List<Pending>();
        var outcomes = new List<StoreOutcome>();
        var events = new List<WatchEvent>();
        var dropped = new List<WatchEvent>();
        var overlay = new Dictionary<(string, ObjectKey), StoredObject?>();
        // The thread blocks here when idle; a dedicated thread, because SQLite's calls block.
        while (_queue.Reader.WaitToReadAsync().AsTask().GetAwaiter().GetResult())
        {
            while (batch.Count < MaxBatch && _queue.Reader.TryRead(out var pending)) batch.Add(pending);
            try
            {
                if (_broken is not null) throw new StoreBrokenException(_broken);
                var revision = _revision;
                foreach (var pending in batch) outcomes.Add(Decide(pending.Write, ref revision, events, overlay));
                if (events.Count > 0)
                {
                    _compaction.Advance(events, dropped);
                    _file.Write(events, dropped);
                    Publish(events, dropped);
                }

                for (var i = 0; i < batch.Count; i++) batch[i].Done.TrySetResult(outcomes[i]);
            }
            catch (Exception e) when (e is Microsoft.Data.Sqlite.SqliteException or StoreBrokenException)
            {
                // Whether the batch reached the disk is unknown. Answering anything else now could contradict what a restart finds.
                _broken ??= e;
                foreach (var pending in batch) pending.Done.TrySetException(new StoreBrokenException(_broken));
                _failed.TrySetException(_broken);
            }

            batch.Clear();
            outcomes.Clear();
            events.Clear();
            dropped.Clear();
            overlay.Clear();
        }
    }

    private StoreOutcome Decide(StoreWrite write, ref long revision, List<WatchEvent> events, Dictionary<(string, ObjectKey), StoredObject?> overlay)
    {
        if (!overlay.TryGetValue((write.Resource, write.Key), out var current)) current = Find(write.Resource, write.Key);
        if ((current?.Revision ?? 0) != write.Expected) return new(false, current);
        if (write.Delete && current is null) return new(false, null);
        var stored = write.Object.WithRevision(write.Resource, write.Key, ++revision);
        events.Add(new(revision, current, stored, write.Delete));
        overlay[(write.Resource, write.Key)] = write.Delete ? null : stored;
        return new(true, stored);
    }

    private void Publish(List<WatchEvent> events, List<WatchEvent> dropped)
    {
        lock (_lock)
        {
            foreach (var e in events)
            {
                var table = Table(e.New.Resource);
                table.Apply(e);
                _revision = e.Revision;
                foreach (var subscription in table.Subscribers) subscription.Offer(e);
            }

            foreach (var e in dropped) Table(e.New.Resource).DropOldestEvent();
        }

        if (Committed is not { } committed) return;
        foreach (var e in events) committed(e);
    }

    private sealed class Pending(StoreWrite write)
    {
        public StoreWrite Write { get; } = write;
        public TaskCompletionSource<StoreOutcome> Done { get; } = new(TaskCreationOptions.RunContinuationsAsynchronously);
    }
}

/// <summary>The disk refused a write; nothing more is accepted.</summary>
internal sealed class StoreBrokenException(Exception cause) : Exception($"the store cannot be written: {cause.Message}", cause);
