using Portolan.Core.Cluster;

namespace Portolan.Lab.ApiServer.Storage;

/// <summary>The current objects of one resource in key order, its recent events and who watches. Not thread-safe: the store's lock guards it.</summary>
internal sealed class ResourceTable(int history)
{
    private readonly Dictionary<ObjectKey, StoredObject> _byKey = [];
    private readonly List<StoredObject> _sorted = [];
    private readonly Queue<WatchEvent> _events = new();

    public List<Subscription> Subscribers { get; } = [];

    /// <summary>A watch can resume from this revision or a later one: everything after it is still in the history.</summary>
    public long ResumableFrom { get; set; }

    public int Count => _sorted.Count;

    public StoredObject? Find(ObjectKey key) => _byKey.GetValueOrDefault(key);

    /// <summary>The objects of a namespace, or all of them when it is null.</summary>
    public StoredObject[] Snapshot(string? ns)
    {
        if (ns is null) return [.. _sorted];
        var start = IndexOf(new(ns, ""));
        var end = start;
        while (end < _sorted.Count && _sorted[end].Key.Namespace == ns) end++;
        return [.. _sorted[start..end]];
    }

    public IEnumerable<WatchEvent> EventsAfter(long revision)
    {
        foreach (var e in _events)
            if (e.Revision > revision)
                yield return e;
    }

    public void Load(StoredObject obj) => Put(obj);

    public void Apply(in WatchEvent e)
    {
        if (e.Deleted) Remove(e.New.Key);
        else Put(e.New);
        if (_events.Count == history) ResumableFrom = _events.Dequeue().Revision;
        _events.Enqueue(e);
    }

    private void Put(StoredObject obj)
    {
        var at = IndexOf(obj.Key);
        if (at < _sorted.Count && _sorted[at].Key == obj.Key) _sorted[at] = obj;
        else _sorted.Insert(at, obj);
        _byKey[obj.Key] = obj;
    }

    private void Remove(ObjectKey key)
    {
        if (!_byKey.Remove(key)) return;
        _sorted.RemoveAt(IndexOf(key));
    }

    private int IndexOf(ObjectKey key)
    {
        int low = 0, high = _sorted.Count;
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (_sorted[middle].Key.CompareTo(key) < 0) low = middle + 1;
            else high = middle;
        }

        return low;
    }
}
