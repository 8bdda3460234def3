namespace Portolan.Lab.Workloads.Planning;

/// <param name="Name">The node's name.</param>
/// <param name="ShouldRun">A pod is to be started there.</param>
/// <param name="ShouldContinue">A pod that is there may stay.</param>
internal readonly record struct DaemonNode(string Name, bool ShouldRun, bool ShouldContinue);

/// <param name="Name">The pod's name.</param>
/// <param name="Node">Where it is, or where it is pinned to.</param>
/// <param name="Updated">Made of today's template.</param>
/// <param name="Available">Ready for long enough.</param>
/// <param name="Failed">Finished with an error: it is replaced.</param>
/// <param name="Deleting">On its way out.</param>
/// <param name="Created">When.</param>
internal readonly record struct DaemonPod(string Name, string Node, bool Updated, bool Available, bool Failed, bool Deleting, DateTimeOffset Created);

/// <param name="Create">Nodes that get a pod.</param>
/// <param name="Delete">Pods that go.</param>
internal sealed record DaemonDecision(IReadOnlyList<string> Create, IReadOnlyList<string> Delete);

/// <summary>One pod on each node that wants one; after a change of the template the old ones go, not too many at a time. Pure.</summary>
internal static class DaemonPlan
{
    /// <param name="nodes">All nodes.</param>
    /// <param name="pods">The set's pods.</param>
    /// <param name="maxUnavailable">How many nodes may be without an available pod during an update; null when pods are replaced only by hand (OnDelete).</param>
    public static DaemonDecision Of(IReadOnlyCollection<DaemonNode> nodes, IReadOnlyCollection<DaemonPod> pods, int? maxUnavailable)
    {
        var create = new List<string>();
        var delete = new List<string>();
        var byNode = pods.ToLookup(p => p.Node, StringComparer.Ordinal);
        var outdated = new List<DaemonPod>();
        var unavailable = 0;
        foreach (var node in nodes.OrderBy(n => n.Name, StringComparer.Ordinal))
        {
            var there = byNode[node.Name].ToList();
            var alive = there.Where(p => !p.Deleting && !p.Failed).OrderByDescending(p => p.Updated).ThenBy(p => p.Created).ThenBy(p => p.Name, StringComparer.Ordinal).ToList();
            delete.AddRange(there.Where(p => p.Failed && !p.Deleting).Select(p => p.Name));
            if (!node.ShouldContinue)
            {
                delete.AddRange(alive.Select(p => p.Name));
                continue;
            }
            delete.AddRange(alive.Skip(1).Select(p => p.Name));
            // The successor waits until the old pod is gone: it may need the same port of the host.
            if (node.ShouldRun && there.Count == 0)
                create.Add(node.Name);
            if (node.ShouldRun && !alive.Exists(p => p.Available))
                unavailable++;
            if (alive.Count > 0 && !alive[0].Updated)
                outdated.Add(alive[0]);
        }

        if (maxUnavailable is { } most)
        {
            // One that serves nobody costs nothing; the others only as far as the budget goes.
            delete.AddRange(outdated.Where(p => !p.Available).Select(p => p.Name));
            delete.AddRange(outdated.Where(p => p.Available).Take(Math.Max(0, Math.Max(1, most) - unavailable)).Select(p => p.Name));
        }
        var known = nodes.Select(n => n.Name).ToHashSet(StringComparer.Ordinal);
        delete.AddRange(pods.Where(p => !known.Contains(p.Node) && !p.Deleting).Select(p => p.Name));
        return new DaemonDecision(create, delete);
    }
}
