namespace Portolan.Lab.Workloads.Planning;

/// <param name="Name">The ReplicaSet's name.</param>
/// <param name="Wanted">Its spec.replicas.</param>
/// <param name="Pods">Pods it has, Ready or not.</param>
/// <param name="Available">Pods that are available.</param>
/// <param name="Created">When.</param>
/// <param name="Desired">How many pods the Deployment wanted when the set was last scaled.</param>
/// <param name="Most">How many it allowed then, with its surge.</param>
internal sealed record ReplicaSetFacts(string Name, int Wanted, int Pods, int Available, DateTimeOffset Created, int? Desired = null, int? Most = null);

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

    /// <summary>Whether the Deployment's number was changed since its sets were scaled: that is shared out before a rollout goes on.</summary>
    public static bool IsResized(RolloutSettings settings, ReplicaSetFacts? current, IReadOnlyList<ReplicaSetFacts> old) =>
        Active(current, old).Any(s => s.Desired is { } desired && desired != settings.Replicas);

    /// <summary>
    /// A new number of pods for sets that are in the middle of a rollout, or paused in it: each gets its share in proportion to its size, so that the risk
    /// stays spread as it was (Kubernetes, "Proportional scaling").
    /// </summary>
    public static IReadOnlyDictionary<string, int> Resize(RolloutSettings settings, ReplicaSetFacts? current, IReadOnlyList<ReplicaSetFacts> old)
    {
        var active = Active(current, old).ToList();
        if (active.Count <= 1)
        {
            var only = active.FirstOrDefault() ?? current ?? old.MaxBy(s => s.Created);
            return only is null ? [] : Changed([only], new() { [only.Name] = settings.Replicas }, settings);
        }
        if (current is not null && current.Wanted == settings.Replicas && current.Available == settings.Replicas)
            return Changed(active, active.ToDictionary(s => s.Name, s => s == current ? settings.Replicas : 0, StringComparer.Ordinal), settings);
        if (settings.Recreate)
            return Changed(active, active.ToDictionary(s => s.Name, s => s.Wanted, StringComparer.Ordinal), settings);

        var allowed = settings.Replicas > 0 ? settings.Replicas + settings.MaxSurge : 0;
        var difference = allowed - active.Sum(s => s.Wanted);
        var left = difference;
        var sizes = new Dictionary<string, int>(StringComparer.Ordinal);
        // The largest first; of two that are equally large the newer one grows, the older one shrinks.
        var ordered = active.OrderByDescending(s => s.Wanted).ThenBy(s => difference > 0 ? -s.Created.UtcTicks : s.Created.UtcTicks).ToList();
        foreach (var set in ordered)
        {
            var share = difference == 0 ? 0 : (int)Math.Round((double)set.Wanted * allowed / Math.Max(1, set.Most ?? allowed), MidpointRounding.AwayFromZero) - set.Wanted;
            share = difference > 0 ? Math.Clamp(share, 0, Math.Max(0, left)) : Math.Clamp(share, Math.Min(0, left), 0);
            sizes[set.Name] = set.Wanted + share;
            left -= share;
        }
        if (left != 0)
            sizes[ordered[0].Name] = Math.Max(0, sizes[ordered[0].Name] + left);
        return Changed(active, sizes, settings);
    }

    /// <summary>Those whose number changes, or that still carry an older number of the Deployment.</summary>
    private static Dictionary<string, int> Changed(IEnumerable<ReplicaSetFacts> sets, Dictionary<string, int> sizes, RolloutSettings settings) => sets
        .Where(s => sizes[s.Name] != s.Wanted || (s.Desired is { } desired && desired != settings.Replicas))
        .ToDictionary(s => s.Name, s => sizes[s.Name], StringComparer.Ordinal);

    private static IEnumerable<ReplicaSetFacts> Active(ReplicaSetFacts? current, IReadOnlyList<ReplicaSetFacts> old) =>
        (current is null ? old : old.Append(current)).Where(s => s.Wanted > 0);

    /// <summary>Everything old first, the new only when no old pod is left.</summary>
    public static IReadOnlyDictionary<string, int> Recreate(int replicas, ReplicaSetFacts current, IReadOnlyList<ReplicaSetFacts> old)
    {
        var change = old.Where(s => s.Wanted > 0).ToDictionary(s => s.Name, _ => 0, StringComparer.Ordinal);
        if (change.Count == 0 && old.All(s => s.Pods == 0) && current.Wanted != replicas)
            change[current.Name] = replicas;
        return change;
    }
}
