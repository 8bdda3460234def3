namespace Portolan.Lab.Workloads.Planning;

/// <param name="Name">The pod's name.</param>
/// <param name="Index">With completionMode Indexed: which of the completions it works on.</param>
/// <param name="Succeeded">It ran to its end.</param>
/// <param name="Failed">It ended otherwise.</param>
/// <param name="Deleting">On its way out.</param>
/// <param name="Restarts">How often its containers were started again: with restartPolicy OnFailure these are the failures.</param>
/// <param name="Ended">When it failed.</param>
internal readonly record struct JobPod(string Name, int? Index, bool Succeeded, bool Failed, bool Deleting, int Restarts, DateTimeOffset? Ended)
{
    public bool IsActive => !Succeeded && !Failed && !Deleting;
}

/// <summary>What a Job's spec asks for.</summary>
/// <param name="Parallelism">How many pods at a time.</param>
/// <param name="Completions">How many must succeed; null: the first success says that the work is done.</param>
/// <param name="BackoffLimit">How many failures it stands.</param>
/// <param name="Indexed">Each completion has a number of its own.</param>
/// <param name="Suspended">No pod may run now.</param>
/// <param name="RestartsInPlace">restartPolicy OnFailure: containers are started again in their pod.</param>
internal readonly record struct JobSettings(int Parallelism, int? Completions, int BackoffLimit, bool Indexed, bool Suspended, bool RestartsInPlace);

/// <summary>How a Job stands.</summary>
internal enum JobOutcome
{
    Running,
    Complete,
    BackoffLimitExceeded,
}

/// <param name="Create">Pods to make, by index; null for one without.</param>
/// <param name="Delete">Pods to delete.</param>
/// <param name="Outcome">How the job stands.</param>
/// <param name="Wait">Until when nothing is made, after a failure.</param>
internal sealed record JobDecision(IReadOnlyList<int?> Create, IReadOnlyList<string> Delete, JobOutcome Outcome, DateTimeOffset? Wait);

/// <summary>Which pods a Job makes and when it is done. Pure.</summary>
internal static class JobPlan
{
    private static readonly TimeSpan s_firstWait = TimeSpan.FromSeconds(10);
    private static readonly TimeSpan s_longestWait = TimeSpan.FromMinutes(10);

    /// <param name="job">What is asked for.</param>
    /// <param name="pods">Its pods.</param>
    /// <param name="succeeded">How many have succeeded, those included that are no longer there.</param>
    /// <param name="failed">How many have failed, those included.</param>
    /// <param name="now">The time.</param>
    public static JobDecision Of(JobSettings job, IReadOnlyCollection<JobPod> pods, int succeeded, int failed, DateTimeOffset now)
    {
        var active = pods.Where(p => p.IsActive).OrderBy(p => p.Name, StringComparer.Ordinal).ToList();
        var done = job.Indexed ? pods.Where(p => p is { Succeeded: true, Index: not null }).Select(p => p.Index!.Value).Where(i => i < job.Completions).Distinct().Count() : succeeded;
        var failures = job.RestartsInPlace ? failed + pods.Where(p => !p.Failed).Sum(p => p.Restarts) : failed;
        if (failures > job.BackoffLimit)
            return new JobDecision([], [.. active.Select(p => p.Name)], JobOutcome.BackoffLimitExceeded, null);
        if (job.Completions is { } completions ? done >= completions : done > 0 && active.Count == 0)
            return new JobDecision([], [.. active.Select(p => p.Name)], JobOutcome.Complete, null);
        if (job.Suspended)
            return new JobDecision([], [.. active.Select(p => p.Name)], JobOutcome.Running, null);

        var wanted = job.Completions is { } all ? Math.Min(job.Parallelism, all - done) : done > 0 ? active.Count : job.Parallelism;
        if (active.Count > wanted)
            return new JobDecision([], [.. active.TakeLast(active.Count - wanted).Select(p => p.Name)], JobOutcome.Running, null);
        if (active.Count == wanted)
            return new JobDecision([], [], JobOutcome.Running, null);
        // The first failure waits ten seconds, each further one twice as long as the one before.
        if (pods.Where(p => p.Failed).Max(p => p.Ended) is { } last)
        {
            var wait = last + TimeSpan.FromSeconds(Math.Min(s_longestWait.TotalSeconds, s_firstWait.TotalSeconds * Math.Pow(2, Math.Clamp(failed - 1, 0, 10))));
            if (wait > now)
                return new JobDecision([], [], JobOutcome.Running, wait);
        }
        var missing = wanted - active.Count;
        if (!job.Indexed)
            return new JobDecision([.. Enumerable.Repeat((int?)null, missing)], [], JobOutcome.Running, null);
        var taken = pods.Where(p => p.Index is not null && (p.IsActive || p.Succeeded || p.Deleting)).Select(p => p.Index!.Value).ToHashSet();
        return new JobDecision([.. Enumerable.Range(0, job.Completions ?? 0).Where(i => !taken.Contains(i)).Take(missing).Select(i => (int?)i)], [], JobOutcome.Running, null);
    }
}
