namespace Portolan.Hosting;

/// <summary>
/// Pauses that double from <paramref name="first"/> up to <paramref name="longest"/>, each shortened at random by up to a half:
/// many processes that lost the same server must not come back in step.
/// </summary>
internal sealed class BackOff(TimeSpan first, TimeSpan longest)
{
    private int _failures;

    /// <summary>The pause after one more failure.</summary>
    public TimeSpan Next()
    {
        var full = Math.Min(longest.Ticks, first.Ticks * (double)(1L << Math.Min(_failures++, 30)));
        return TimeSpan.FromTicks((long)(full * (1 - (Random.Shared.NextDouble() / 2))));
    }

    /// <summary>Something worked: the next failure starts from the shortest pause again.</summary>
    public void Reset() => _failures = 0;
}
