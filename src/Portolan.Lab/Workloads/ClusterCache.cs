using Portolan.Core.Cluster;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;

namespace Portolan.Lab.Workloads;

/// <param name="Type">The object's kind.</param>
/// <param name="Key">The object.</param>
/// <param name="Old">As it was, or null when it is new.</param>
/// <param name="New">As it is, or null when it is gone.</param>
internal sealed record CacheChange(ResourceType<UntypedObject> Type, ObjectKey Key, UntypedObject? Old, UntypedObject? New)
{
    public bool Is(ResourceType<UntypedObject> type) => Type.Id() == type.Id();
    public UntypedObject Latest => (New ?? Old)!;
}

/// <summary>
/// The cluster as the controllers know it: what was watched and, ahead of that, what they wrote themselves. Because a pod that was
/// just created is here before its watch event is, no controller creates it twice; because an event that is older than our own write
/// is dropped, none goes back in time.
/// </summary>
internal sealed class ClusterCache
{
    private readonly Dictionary<string, Dictionary<string, Dictionary<string, UntypedObject>>> _kinds = new(StringComparer.Ordinal);

    private readonly DependentIndex _dependents = new();

    /// <summary>What we deleted and the watch has not yet confirmed.</summary>
    private readonly HashSet<string> _tombstones = new(StringComparer.Ordinal);

    public UntypedObject? Find(ResourceType<UntypedObject> type, ObjectKey key) =>
        _kinds.GetValueOrDefault(type.Id())?.GetValueOrDefault(key.Namespace)?.GetValueOrDefault(key.Name);

    public IEnumerable<UntypedObject> All(ResourceType<UntypedObject> type) =>
        _kinds.GetValueOrDefault(type.Id())?.Values.SelectMany(ns => ns.Values) ?? [];

    public IEnumerable<UntypedObject> In(ResourceType<UntypedObject> type, string ns) =>
        _kinds.GetValueOrDefault(type.Id())?.GetValueOrDefault(ns)?.Values ?? Enumerable.Empty<UntypedObject>();

    /// <summary>The objects of a kind that name an owner.</summary>
    public IEnumerable<UntypedObject> OwnedBy(ResourceType<UntypedObject> type, string owner) =>
        _dependents.Of(type.Id(), owner).Select(key => Find(type, key)!);

    /// <summary>An object as a watch or the answer to our own write shows it.</summary>
    /// <returns>What it changed, or null when we knew better.</returns>
    public CacheChange? Put(ResourceType<UntypedObject> type, UntypedObject value)
    {
        if (_tombstones.Contains(value.Uid()))
            return null;
        var old = Find(type, value.Key());
        if (old is not null && old.Uid() == value.Uid() && !IsNewer(value, old))
            return null;
        Names(type, value.Key().Namespace)[value.Key().Name] = value;
        _dependents.Change(type.Id(), value.Key(), old, value);
        return new CacheChange(type, value.Key(), old, value);
    }

    /// <summary>The watch says it is gone.</summary>
    public CacheChange? Remove(ResourceType<UntypedObject> type, ObjectKey key, string uid)
    {
        _tombstones.Remove(uid);
        return Forget(type, key, uid);
    }

    /// <summary>We deleted it and the server said it is gone; watch events on their way cannot bring it back.</summary>
    public CacheChange? Bury(ResourceType<UntypedObject> type, ObjectKey key, string uid)
    {
        var change = Forget(type, key, uid);
        if (change is not null)
            _tombstones.Add(uid);
        return change;
    }

    /// <summary>The kind itself is gone, and its objects with it.</summary>
    public void Drop(ResourceType<UntypedObject> type)
    {
        foreach (var value in All(type))
            _dependents.Change(type.Id(), value.Key(), value, null);
        _kinds.Remove(type.Id());
    }

    private CacheChange? Forget(ResourceType<UntypedObject> type, ObjectKey key, string uid)
    {
        var old = Find(type, key);
        if (old is null || old.Uid() != uid)
            return null;
        Names(type, key.Namespace).Remove(key.Name);
        _dependents.Change(type.Id(), key, old, null);
        return new CacheChange(type, key, old, null);
    }

    /// <summary>Versions of one object are numbers that only grow (KEP-5504); where they are not, the later word counts.</summary>
    private static bool IsNewer(UntypedObject value, UntypedObject than) =>
        !ulong.TryParse(value.Metadata.ResourceVersion, out var a) || !ulong.TryParse(than.Metadata.ResourceVersion, out var b) || a > b;

    private Dictionary<string, UntypedObject> Names(ResourceType<UntypedObject> type, string ns)
    {
        if (!_kinds.TryGetValue(type.Id(), out var namespaces))
            _kinds[type.Id()] = namespaces = new(StringComparer.Ordinal);
        if (!namespaces.TryGetValue(ns, out var names))
            namespaces[ns] = names = new(StringComparer.Ordinal);
        return names;
    }
}
