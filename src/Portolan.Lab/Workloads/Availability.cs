using Portolan.Kubernetes.Resources;

namespace Portolan.Lab.Workloads;

/// <param name="Count">Pods that have been Ready for long enough.</param>
/// <param name="Next">When the next one will have been, if nothing changes.</param>
internal readonly record struct Availability(int Count, DateTimeOffset? Next)
{
    /// <param name="pods">The pods.</param>
    /// <param name="minReadySeconds">0 or more.</param>
    /// <param name="now">The time.</param>
    public static Availability Of(IEnumerable<UntypedObject> pods, long minReadySeconds, DateTimeOffset now)
    {
        var count = 0;
        DateTimeOffset? next = null;
        foreach (var pod in pods)
        {
            if (pod.IsAvailable(minReadySeconds, now, out var until))
                count++;
            else if (until is not null && (next is null || until < next))
                next = until;
        }
        return new Availability(count, next);
    }
}
