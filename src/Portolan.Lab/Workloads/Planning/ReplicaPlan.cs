namespace Portolan.Lab.Workloads.Planning;

/// <summary>What matters of a pod when some have to go.</summary>
/// <param name="Name">The pod's name.</param>
/// <param name="Node">Empty before it is scheduled.</param>
/// <param name="Running">Its phase is Running.</param>
/// <param name="Ready">Its Ready condition.</param>
/// <param name="Created">When.</param>
/// <param name="Cost">The annotation <c>controller.kubernetes.io/pod-deletion-cost</c>: the lower, the sooner it goes.</param>
internal readonly record struct ReplicaFacts(string Name, string Node, bool Running, bool Ready, DateTimeOffset Created, int Cost = 0);

/// <param name="Create">How many pods to make.</param>
/// <param name="Delete">Which pods to delete.</param>
internal sealed record ReplicaDecision(int Create, IReadOnlyList<string> Delete);

/// <summary>Wanted number against active pods. Pure.</summary>
internal static class ReplicaPlan
{
    /// <summary>A step is bounded, so that a mistyped number of replicas can be taken back.</summary>
    public const int Burst = 500;

    public static ReplicaDecision Of(int wanted, IReadOnlyCollection<ReplicaFacts> active)
    {
        var missing = wanted - active.Count;
        if (missing >= 0)
            return new ReplicaDecision(Math.Min(missing, Burst), []);

        // The order of a real ReplicaSet: those that serve least go first, then the cheapest, then those that crowd a node, then the youngest.
        var onNode = active.GroupBy(p => p.Node, StringComparer.Ordinal).ToDictionary(g => g.Key, g => g.Count(), StringComparer.Ordinal);
        var leaving = active
            .OrderBy(p => p.Node.Length > 0)
            .ThenBy(p => p.Running)
            .ThenBy(p => p.Ready)
            .ThenBy(p => p.Cost)
            .ThenByDescending(p => onNode[p.Node])
            .ThenByDescending(p => p.Created)
            .ThenBy(p => p.Name, StringComparer.Ordinal)
            .Take(Math.Min(-missing, Burst));
        return new ReplicaDecision(0, [.. leaving.Select(p => p.Name)]);
    }
}
