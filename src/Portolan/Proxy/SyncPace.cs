namespace Portolan.Proxy;

/// <summary>Keeps changes of the rules at least a period apart (<c>minSyncPeriod</c>): what comes in between is collected, and programmed at once when the period is over.</summary>
/// <param name="period">0: nothing waits.</param>
/// <param name="time">The clock.</param>
internal sealed class SyncPace(TimeSpan period, TimeProvider time)
{
    private long _next = long.MinValue;

    /// <summary>Something waits for <see cref="Next"/>.</summary>
    internal bool IsHolding { get; private set; }

    /// <summary>The timestamp from which rules may change again.</summary>
    internal long Next => _next;

    /// <summary>Whether rules may change now; otherwise whoever asks waits for <see cref="Next"/>.</summary>
    internal bool Allows() => !(IsHolding = time.GetTimestamp() < _next);

    /// <summary>Rules were changed.</summary>
    internal void Ran()
    {
        if (period > TimeSpan.Zero)
            _next = time.GetTimestamp() + (long)(period.TotalSeconds * time.TimestampFrequency);
    }
}
