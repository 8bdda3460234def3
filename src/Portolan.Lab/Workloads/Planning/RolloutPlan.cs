namespace Portolan.Lab.Workloads.Planning;

/// <param name="Name">The ReplicaSet's name.</param>
/// <param name="Wanted">Its spec.replicas.</param>
/// <param name="Pods">Pods it has, Ready or not.</param>
/// <param name="Available">Pods that are available.</param>
/// <param name="Created">When.</param>
internal sealed record ReplicaSetFacts(string Name, int Wanted, int Pods, int Available, DateTimeOffset Created);

/// <summary>How a Deployment moves its pods from old ReplicaSets to the new one. Pure: one call, one step.</summary>
internal static class RolloutPlan
{
    /// <param name="replicas">What the Deployment wants.</param>
    /// <param name="maxSurge">How many pods above that may be.</param>
    /// <param name="maxUnavailable">How many of those may be missing.</param>
    /// <param name="current">The ReplicaSet of today's template.</param>
    /// <param name="old">All others.</param>
    /// <returns>ReplicaSets whose number changes, with the new number.</returns>
    public static IReadOnlyDictionary<string, int> RollingUpdate(int replicas, int maxSurge, int maxUnavailable, ReplicaSetFacts current, IReadOnlyList<ReplicaSetFacts> old)
    {
        if (maxSurge == 0 && maxUnavailable == 0)
            maxUnavailable = 1;     // both rounded to nothing would stand still for ever
        var change = new Dictionary<string, int>(StringComparer.Ordinal);

        var total = current.Wanted + old.Sum(s => s.Wanted);
        var currentWanted = current.Wanted;
        if (currentWanted > replicas)
            currentWanted = replicas;
        else if (currentWanted < replicas)
            currentWanted += Math.Clamp(replicas + maxSurge - total, 0, replicas - currentWanted);
        if (currentWanted != current.Wanted)
        {
            change[current.Name] = currentWanted;
            return change;
        }

        // Old pods go only as far as enough pods stay available; those that serve nobody go first.
        var minimumAvailable = replicas - Math.Min(maxUnavailable, replicas);
        var left = old.ToDictionary(s => s.Name, s => s.Wanted, StringComparer.Ordinal);
        var budget = current.Wanted + old.Sum(s => s.Wanted) - minimumAvailable - Math.Max(0, current.Wanted - current.Available);
        if (budget <= 0)
            return change;
        foreach (var set in old.OrderBy(s => s.Created).ThenBy(s => s.Name, StringComparer.Ordinal))
        {
            var useless = Math.Min(Math.Max(0, set.Wanted - set.Available), Math.Max(0, budget));
            left[set.Name] -= useless;
            budget -= useless;
        }
        var spare = current.Available + old.Sum(s => s.Available) - minimumAvailable;
        foreach (var set in old.OrderBy(s => s.Created).ThenBy(s => s.Name, StringComparer.Ordinal))
        {
            var going = Math.Clamp(spare, 0, left[set.Name]);
            left[set.Name] -= going;
            spare -= going;
        }
        foreach (var set in old)
            if (left[set.Name] != set.Wanted)
                change[set.Name] = left[set.Name];
        return change;
    }

    /// <summary>Everything old first, the new only when no old pod is left.</summary>
    public static IReadOnlyDictionary<string, int> Recreate(int replicas, ReplicaSetFacts current, IReadOnlyList<ReplicaSetFacts> old)
    {
        var change = old.Where(s => s.Wanted > 0).ToDictionary(s => s.Name, _ => 0, StringComparer.Ordinal);
        if (change.Count == 0 && old.All(s => s.Pods == 0) && current.Wanted != replicas)
            change[current.Name] = replicas;
        return change;
    }
}
