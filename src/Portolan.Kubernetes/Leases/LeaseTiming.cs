namespace Portolan.Kubernetes.Leases;

/// <summary>The three times of a leader election, under client-go's names.</summary>
/// <param name="Duration">
/// How long the others leave a lease alone after they last saw it change; whole seconds, 1 s at least, because a Lease can say nothing
/// finer. This is the gap when a leader dies without a word.
/// </param>
/// <param name="RenewDeadline">
/// How long the leader acts on a renewal, counted from before it was sent; shorter than <paramref name="Duration"/>. The difference is
/// the margin for clocks that run at different rates and for requests that are on their way.
/// </param>
/// <param name="RetryPeriod">The leader's pause between renewals, a candidate's between attempts; shorter than the renew deadline.</param>
public readonly record struct LeaseTiming(TimeSpan Duration, TimeSpan RenewDeadline, TimeSpan RetryPeriod)
{
    /// <summary>
    /// 4 s, 3 s, 1 s: a dead leader is missed for 4 s at most, at the price of one small write a second. Followers watch the lease and
    /// cost nothing but that one event; and they see a release at once, whatever the times are.
    /// </summary>
    public static LeaseTiming Default => new(TimeSpan.FromSeconds(4), TimeSpan.FromSeconds(3), TimeSpan.FromSeconds(1));

    /// <summary>What is wrong with the times, or null.</summary>
    public string? Problem() =>
        Duration < TimeSpan.FromSeconds(1) || Duration.Ticks % TimeSpan.TicksPerSecond != 0 ? "the lease duration must be a whole number of seconds, 1s at least"
        : RenewDeadline >= Duration ? "the renew deadline must be shorter than the lease duration"
        : RetryPeriod >= RenewDeadline ? "the retry period must be shorter than the renew deadline"
        : RetryPeriod < TimeSpan.FromMilliseconds(50) ? "the retry period must be 50ms at least"
        : null;
}
