using Portolan.Core.Cluster;
using Portolan.Kubernetes.Resources;

namespace Portolan.Lab.Workloads;

/// <summary>Which objects name which owners, by the owner's uid: a deletion must not look at all objects to find what it concerns.</summary>
internal sealed class DependentIndex
{
    private readonly Dictionary<string, HashSet<(string Kind, ObjectKey Key)>> _byOwner = new(StringComparer.Ordinal);

    /// <param name="kind">A kind's id.</param>
    /// <param name="owner">The owner's uid.</param>
    public IEnumerable<ObjectKey> Of(string kind, string owner) =>
        _byOwner.GetValueOrDefault(owner)?.Where(d => d.Kind == kind).Select(d => d.Key) ?? [];

    /// <param name="kind">The object's kind's id.</param>
    /// <param name="key">The object.</param>
    /// <param name="old">As it was, or null when it is new.</param>
    /// <param name="now">As it is, or null when it is gone.</param>
    public void Change(string kind, ObjectKey key, UntypedObject? old, UntypedObject? now)
    {
        foreach (var owner in old?.Metadata.OwnerReferences ?? [])
            if (owner.Uid is { } uid && _byOwner.TryGetValue(uid, out var dependents) && dependents.Remove((kind, key)) && dependents.Count == 0)
                _byOwner.Remove(uid);
        foreach (var owner in now?.Metadata.OwnerReferences ?? [])
        {
            if (owner.Uid is not { } uid)
                continue;
            if (!_byOwner.TryGetValue(uid, out var dependents))
                _byOwner[uid] = dependents = [];
            dependents.Add((kind, key));
        }
    }
}
