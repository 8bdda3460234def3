namespace Portolan.Bgp;

/// <summary>
/// How often something failed that never should, and how long it is left alone for that: a second at first, then twice as long each time, up to a minute. After
/// ten minutes without, the next failure is the first again. Times are microseconds.
/// </summary>
/// <param name="Count">All failures.</param>
/// <param name="Row">Those since it last went well.</param>
/// <param name="LastAt">When the last one was.</param>
internal readonly record struct Faults(long Count, int Row, long LastAt)
{
    /// <summary>It has not failed.</summary>
    public static readonly Faults None;

    private const long FirstPause = 1_000_000;
    private const long LongestPause = 60_000_000;
    private const long GoneWell = 600_000_000;

    /// <summary>How long it is left alone after the last one; 0: there was none.</summary>
    public long Pause => Row == 0 ? 0 : Math.Min(LongestPause, FirstPause << Math.Min(Row - 1, 16));

    /// <summary>When it may begin again.</summary>
    public long Until => LastAt + Pause;

    /// <summary>It has failed, again perhaps.</summary>
    public Faults Another(long now) => new(Count + 1, Row == 0 || now - LastAt >= GoneWell ? 1 : Math.Min(Row + 1, 1000), now);
}
