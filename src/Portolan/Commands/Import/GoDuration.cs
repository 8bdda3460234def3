using System.Globalization;
using System.Text.RegularExpressions;

namespace Portolan.Commands.Import;

/// <summary>Times as the API writes them: numbers with units, largest first by habit (<c>1h30m</c>, <c>90s</c>, <c>500ms</c>).</summary>
internal static partial class GoDuration
{
    [GeneratedRegex(@"^(?:(?<number>\d+(?:\.\d*)?|\.\d+)(?<unit>ns|us|µs|ms|s|m|h))+$")]
    private static partial Regex Parts { get; }

    /// <summary>No signs; a bare 0 is allowed.</summary>
    public static bool TryParse(string text, out TimeSpan time)
    {
        time = TimeSpan.Zero;
        if (text == "0")
            return true;
        if (Parts.Match(text) is not { Success: true } match)
            return false;
        var seconds = 0.0;
        for (var i = 0; i < match.Groups["number"].Captures.Count; i++)
            seconds += double.Parse(match.Groups["number"].Captures[i].ValueSpan, CultureInfo.InvariantCulture) * match.Groups["unit"].Captures[i].Value switch
            {
                "h" => 3600,
                "m" => 60,
                "s" => 1,
                "ms" => 1e-3,
                "ns" => 1e-9,
                _ => 1e-6,
            };
        if (seconds > TimeSpan.MaxValue.TotalSeconds / 2)
            return false;
        time = TimeSpan.FromSeconds(seconds);
        return true;
    }

    /// <summary>As the API prints it: <c>1m30s</c>, <c>2m0s</c>, <c>0s</c>. Parts of a second are dropped.</summary>
    public static string Format(TimeSpan time)
    {
        var seconds = (long)time.TotalSeconds;
        return (seconds >= 3600 ? $"{seconds / 3600}h" : "") + (seconds >= 60 ? $"{seconds / 60 % 60}m" : "") + $"{seconds % 60}s";
    }
}
