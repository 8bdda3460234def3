using Portolan.Core.Cluster;

namespace Portolan.Lab.Workloads;

/// <summary>One duty: it says which of its keys a change touches, and brings one key at a time to what it should be.</summary>
internal abstract class Controller(string name)
{
    public string Name { get; } = name;

    public abstract IEnumerable<ObjectKey> Touches(CacheChange change);

    /// <returns>When to look again though nothing changed, or null.</returns>
    public abstract Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancel);
}
