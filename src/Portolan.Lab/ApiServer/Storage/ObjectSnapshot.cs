using Portolan.Core.Cluster;

namespace Portolan.Lab.ApiServer.Storage;

/// <summary>The objects of a resource, or of one namespace of it, at one revision. Holds references only and is read without a lock.</summary>
internal sealed class ObjectSnapshot
{
    private readonly SortedObjects.Snapshot _objects;
    private readonly string? _namespace;

    // Objects that were otherwise at the revision than they are in _objects (null: not there yet), in key order.
    private readonly KeyValuePair<ObjectKey, StoredObject?>[] _undone;

    public ObjectSnapshot(SortedObjects.Snapshot objects, string? ns, long revision, KeyValuePair<ObjectKey, StoredObject?>[]? undone = null)
    {
        (_objects, _namespace, Revision, _undone) = (objects, ns, revision, undone ?? []);
    }

    public long Revision { get; }

    public IEnumerable<StoredObject> Objects => From(default);

    public void Deconstruct(out IEnumerable<StoredObject> objects, out long revision) => (objects, revision) = (Objects, Revision);

    /// <summary>The objects from a key on (itself included), in key order.</summary>
    public IEnumerable<StoredObject> From(ObjectKey start)
    {
        if (_namespace is { } ns && string.CompareOrdinal(start.Namespace, ns) < 0) start = new(ns, "");
        var present = _objects.From(start);
        if (_namespace is not null) present = present.TakeWhile(o => o.Key.Namespace == _namespace);
        return _undone.Length == 0 ? present : Undo(present, start);
    }

    private IEnumerable<StoredObject> Undo(IEnumerable<StoredObject> present, ObjectKey start)
    {
        var next = 0;
        while (next < _undone.Length && _undone[next].Key.CompareTo(start) < 0) next++;
        foreach (var obj in present)
        {
            for (; next < _undone.Length && _undone[next].Key.CompareTo(obj.Key) < 0; next++)
                if (_undone[next].Value is { } gone)
                    yield return gone;
            if (next == _undone.Length || _undone[next].Key != obj.Key) yield return obj;
            else if (_undone[next++].Value is { } before) yield return before;
        }

        for (; next < _undone.Length; next++)
            if (_undone[next].Value is { } gone)
                yield return gone;
    }
}
