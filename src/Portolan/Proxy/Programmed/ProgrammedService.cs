using Portolan.Core.Cluster;

namespace Portolan.Proxy.Programmed;

/// <summary>What the kernel of this node has of one Service.</summary>
internal sealed record ProgrammedService
{
    /// <summary>Which Service.</summary>
    public required ObjectKey Key { get; init; }

    /// <summary><c>metadata.uid</c>: tells a Service from its successor of the same name.</summary>
    public string Uid { get; init; } = "";

    /// <summary>
    /// <c>metadata.resourceVersion</c> of the object that the rules were made from: whoever has seen the same version knows that all it says is in
    /// force. API servers give Services no generation, and this is told anew for each version, also where no rule is different.
    /// </summary>
    public string ResourceVersion { get; init; } = "";

    /// <summary><c>metadata.generation</c>, or 0.</summary>
    public long Generation { get; init; }

    /// <summary>False: it is gone, or this proxy has no rules for it (headless, or another proxy's).</summary>
    public bool Programmed { get; init; }

    /// <summary>Distinct addresses of endpoints on this node that connections under the policy Local may reach.</summary>
    public int LocalEndpoints { get; init; }

    /// <summary>Distinct addresses of endpoints that connections under the policy Cluster may reach.</summary>
    public int ClusterEndpoints { get; init; }

    /// <summary>Addresses at which connections are taken, as text: without those of another Service that was first. Sorted.</summary>
    public IReadOnlyList<string> Addresses { get; init; } = [];

    /// <inheritdoc/>
    public bool Equals(ProgrammedService? other) =>
        other is not null && Key == other.Key && Uid == other.Uid && ResourceVersion == other.ResourceVersion && Generation == other.Generation && Programmed == other.Programmed
        && LocalEndpoints == other.LocalEndpoints && ClusterEndpoints == other.ClusterEndpoints && Addresses.SequenceEqual(other.Addresses);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Key, ResourceVersion);
}
