using System.Runtime.InteropServices;
using Portolan.Core.Cluster;

namespace Portolan.Lab.ApiServer.Storage;

/// <summary>The current objects of one resource, its recent events and who watches. Not thread-safe: the store's lock guards it.</summary>
internal sealed class ResourceTable(string resource)
{
    private readonly SortedObjects _objects = new();

    // The events kept are those from _first on; the slots before it are cut off from time to time.
    private readonly List<WatchEvent> _events = [];
    private int _first;

    public string Resource => resource;

    public List<Subscription> Subscribers { get; } = [];

    /// <summary>The last event no longer kept: the past can be told from here on, and not before.</summary>
    public long CompactedAt { get; private set; }

    public StoredObject? Find(ObjectKey key) => _objects.Find(key);

    public ObjectSnapshot Snapshot(string? ns, long revision) => new(_objects.Share(), ns, revision);

    /// <summary>The objects as they were; the revision must not lie before <see cref="CompactedAt"/>.</summary>
    public ObjectSnapshot SnapshotAt(string? ns, long revision)
    {
        var before = new SortedDictionary<ObjectKey, StoredObject?>();
        foreach (var e in EventsAfter(revision))
            if (ns is null || e.New.Key.Namespace == ns)
                before.TryAdd(e.New.Key, e.Old);
        return new(_objects.Share(), ns, revision, [.. before]);
    }

    public ReadOnlySpan<WatchEvent> EventsAfter(long revision)
    {
        var kept = CollectionsMarshal.AsSpan(_events)[_first..];
        int low = 0, high = kept.Length;
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (kept[middle].Revision <= revision) low = middle + 1;
            else high = middle;
        }

        return kept[low..];
    }

    /// <summary>Takes over a state from before the history.</summary>
    public void Load(StoredObject obj) => _objects.Put(obj);

    public void LoadCompaction(long revision) => CompactedAt = revision;

    public void Apply(in WatchEvent e)
    {
        if (e.Deleted) _objects.Remove(e.New.Key);
        else _objects.Put(e.New);
        _events.Add(e);
    }

    public void DropOldestEvent()
    {
        CompactedAt = _events[_first].Revision;
        _events[_first++] = default;
        if (_first < 256 || _first * 2 < _events.Count) return;
        _events.RemoveRange(0, _first);
        _first = 0;
    }
}
