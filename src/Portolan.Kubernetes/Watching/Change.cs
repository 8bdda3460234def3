using Portolan.Core.Cluster;

namespace Portolan.Kubernetes.Watching;

/// <summary>What happened to an object.</summary>
public enum ChangeKind
{
    /// <summary>It is new to us.</summary>
    Added,

    /// <summary>It is another version of what we knew.</summary>
    Modified,

    /// <summary>It is gone.</summary>
    Deleted,

    /// <summary>No object: everything that existed at the start has been reported.</summary>
    Synced,
}

/// <summary>One change of a collection, told apart from what is.</summary>
/// <param name="Kind">What happened.</param>
/// <param name="Key">Which object; default for <see cref="ChangeKind.Synced"/>.</param>
/// <param name="Old">The last version known before, or null, also where the source keeps no objects.</param>
/// <param name="New">The version now, or null.</param>
/// <typeparam name="T">The object's model.</typeparam>
public readonly record struct Change<T>(ChangeKind Kind, ObjectKey Key, T? Old, T? New)
    where T : class;
