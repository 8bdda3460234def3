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
/// a change that a crash could undo, and revisions never go back.
/// </summary>
internal sealed class ObjectStore : IDisposable
{
    /// <summary>How many events per resource a watch may lie behind and still resume.</summary>
    public const int History = 4096;

    private const int MaxBatch = 512;
    private readonly Lock _lock = new();
    private readonly Dictionary<string, ResourceTable> _tables = new(StringComparer.Ordinal);
    private readonly Channel<Pending> _queue = Channel.CreateBounded<Pending>(new BoundedChannelOptions(8192) { SingleReader = true });
    private readonly StoreFile _file;
    private readonly Thread _writer;
    private long _revision;
    private Exception? _broken;

    public ObjectStore(string path)
    {
        _file = new StoreFile(path);
        _revision = _file.ReadRevision();
        foreach (var obj in _file.ReadObjects()) Table(obj.Resource).Load(obj);
        foreach (var (resource, revision) in _file.ReadHeads()) Table(resource).ResumableFrom = revision;
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

    /// <summary>The objects of a namespace (null: of all) and the revision at which that was so.</summary>
    public (StoredObject[] Objects, long Revision) List(string resource, string? ns)
    {
        lock (_lock) return (_tables.TryGetValue(resource, out var table) ? table.Snapshot(ns) : [], _revision);
    }

    /// <summary>
    /// Starts a watch. With no revision the subscription begins with all objects; with one, with the events after it.
    /// Taking the snapshot and subscribing is one critical section, so no event falls between or comes twice.
    /// </summary>
    /// <returns>Null when the history no longer reaches back to <paramref name="after"/> (or it lies in the future): the watcher must list again.</returns>
    public Subscription? Subscribe(string resource, string? ns, long? after)
    {
        lock (_lock)
        {
            var table = Table(resource);
            Subscription subscription;
            if (after is not { } revision)
                subscription = new(this, resource, ns) { Initial = table.Snapshot(ns), Revision = _revision };
            else if (revision < table.ResumableFrom || revision > _revision)
                return null;
            else
                subscription = new(this, resource, ns)
                {
                    Missed = [.. table.EventsAfter(revision).Where(e => ns is null || e.New.Key.Namespace == ns)],
                    Revision = _revision,
                };
            table.Subscribers.Add(subscription);
            return subscription;
        }
    }

    /// <summary>The revision up to which a watcher with an empty queue has seen everything; null while its queue is not empty.</summary>
    public long? CaughtUp(Subscription subscription)
    {
        lock (_lock) return subscription.Events.Count == 0 ? _revision : null;
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
        lock (_lock) Table(subscription.Resource).Subscribers.Remove(subscription);
    }

    public void Dispose()
    {
        _queue.Writer.TryComplete();
        _writer.Join();
        _file.Dispose();
    }

    private ResourceTable Table(string resource)
    {
        if (!_tables.TryGetValue(resource, out var table)) _tables[resource] = table = new(History);
        return table;
    }

    private void WriteLoop()
    {
        var batch = new List<Pending>();
        var outcomes = new List<StoreOutcome>();
        var events = new List<WatchEvent>();
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
                    _file.Write(events);
                    Publish(events);
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

    private void Publish(List<WatchEvent> events)
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
