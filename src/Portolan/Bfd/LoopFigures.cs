namespace Portolan.Bfd;

/// <summary>
/// What a <see cref="SessionLoop"/> counts. The thread that runs the loop writes; others read each number whole, if not all of one instant.
/// </summary>
internal sealed class LoopFigures
{
    /// <summary>Upper bounds of the lateness counts in microseconds; there is one count more, without a bound.</summary>
    public static ReadOnlySpan<int> Bounds => _bounds;

    private static readonly int[] _bounds = [50, 100, 250, 500, 1000, 2500, 5000, 10_000, 25_000, 50_000, 100_000, 250_000];
    private readonly long[] _counts = new long[_bounds.Length + 1];

    /// <summary>How many wake-ups were late by no more than their bound, each counted in one place only.</summary>
    public Span<long> Counts => _counts;

    /// <summary>All lateness together, microseconds.</summary>
    public long Lateness;

    /// <summary>Packets sent.</summary>
    public long Sent;

    /// <summary>Packets that were accepted.</summary>
    public long Received;

    /// <summary>Packets that were discarded (RFC 5880 §6.8.6).</summary>
    public long Discarded;

    /// <summary>Counts one wake-up.</summary>
    /// <param name="microseconds">How much later than asked for.</param>
    public void WokenLate(long microseconds)
    {
        var bounds = Bounds;
        var bucket = 0;
        while (bucket < bounds.Length && microseconds > bounds[bucket])
            bucket++;
        _counts[bucket]++;
        Lateness += microseconds;
    }
}
