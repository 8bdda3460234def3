namespace Portolan.Commands.Import;

/// <summary>Durations as the API prints them.</summary>
internal static class DurationText
{
    /// <summary><c>1m30s</c>, <c>2m0s</c>, <c>0s</c>. Parts of a second are dropped.</summary>
    public static string Of(TimeSpan time)
    {
        var seconds = (long)time.TotalSeconds;
        return (seconds >= 3600 ? $"{seconds / 3600}h" : "") + (seconds >= 60 ? $"{seconds / 60 % 60}m" : "") + $"{seconds % 60}s";
    }
}
