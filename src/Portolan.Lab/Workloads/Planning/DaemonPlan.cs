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

/// <summary>How far an update may go at a time (<c>spec.updateStrategy.rollingUpdate</c>).</summary>
/// <param name="MaxUnavailable">How many nodes may be without an available pod.</param>
/// <param name="MaxSurge">How many nodes may have a new pod beside an old one that still serves; 0: the old one goes first.</param>
internal readonly record struct DaemonUpdate(int MaxUnavailable, int MaxSurge);

/// <summary>One pod on each node that wants one; after a change of the template the old ones are replaced, not too many at a time. Pure.</summary>
internal static class DaemonPlan
{
    /// <param name="nodes">All nodes.</param>
    /// <param name="pods">The set's pods.</param>
    /// <param name="update">Null when pods are replaced only by hand (OnDelete).</param>
    public static DaemonDecision Of(IReadOnlyCollection<DaemonNode> nodes, IReadOnlyCollection<DaemonPod> pods, DaemonUpdate? update)
    {
        var create = new List<string>();
        var delete = new List<string>();
        var byNode = pods.ToLookup(p => p.Node, StringComparer.Ordinal);
        var surges = update is { MaxSurge: > 0 };
        var pairs = new List<Pair>();
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
            // One of each template at most; without a surge one in all.
            var kept = surges ? alive.GroupBy(p => p.Updated).Select(g => g.First()).ToList() : alive.Take(1).ToList();
            delete.AddRange(alive.Except(kept).Select(p => p.Name));
            // The successor waits until the old pod is gone: it may need the same port of the host.
            if (node.ShouldRun && there.Count == 0)
                create.Add(node.Name);
            pairs.Add(new Pair(node, kept.Where(p => p.Updated).Cast<DaemonPod?>().FirstOrDefault(), kept.Where(p => !p.Updated).Cast<DaemonPod?>().FirstOrDefault()));
        }

        if (update is { } limits)
        {
            if (surges)
                Surge(pairs, limits.MaxSurge, create, delete);
            else
                Replace(pairs, limits.MaxUnavailable, delete);
        }
        var known = nodes.Select(n => n.Name).ToHashSet(StringComparer.Ordinal);
        delete.AddRange(pods.Where(p => !known.Contains(p.Node) && !p.Deleting).Select(p => p.Name));
        return new DaemonDecision(create, delete);
    }

    /// <summary>The old pod goes first. One that serves nobody costs nothing; the others only as far as the budget goes.</summary>
    private static void Replace(List<Pair> pairs, int maxUnavailable, List<string> delete)
    {
        var outdated = pairs.Where(p => p.New is null && p.Old is not null).Select(p => p.Old!.Value).ToList();
        var unavailable = pairs.Count(p => p.Node.ShouldRun && p.New is not { Available: true } && p.Old is not { Available: true });
        delete.AddRange(outdated.Where(p => !p.Available).Select(p => p.Name));
        delete.AddRange(outdated.Where(p => p.Available).Take(Math.Max(0, Math.Max(1, maxUnavailable) - unavailable)).Select(p => p.Name));
    }

    /// <summary>The new pod comes first, beside an old one that serves only as far as the budget goes; the old one goes when the new one serves.</summary>
    private static void Surge(List<Pair> pairs, int maxSurge, List<string> create, List<string> delete)
    {
        var surging = pairs.Count(p => p is { New: { Available: false }, Old: not null });
        delete.AddRange(pairs.Where(p => p is { New: { Available: true }, Old: not null }).Select(p => p.Old!.Value.Name));
        var waiting = pairs.Where(p => p is { New: null, Old: not null } && p.Node.ShouldRun).ToList();
        create.AddRange(waiting.Where(p => !p.Old!.Value.Available).Select(p => p.Node.Name));
        create.AddRange(waiting.Where(p => p.Old!.Value.Available).Take(Math.Max(0, maxSurge - surging)).Select(p => p.Node.Name));
    }

    private readonly record struct Pair(DaemonNode Node, DaemonPod? New, DaemonPod? Old);
}
