using System.Buffers;
using System.CommandLine;
using System.Globalization;

namespace Portolan.Hosting;

/// <summary>Options whose value is a duration as Go writes it: numbers with units, one after the other (<c>500ms</c>, <c>1.5s</c>, <c>1h30m</c>).</summary>
internal static class DurationOption
{
    private static readonly SearchValues<char> Digits = SearchValues.Create("0123456789.");

    public static Option<Duration> Create(string name, string description, TimeSpan otherwise) => new(name)
    {
        Description = description,
        HelpName = "duration",
        DefaultValueFactory = _ => new Duration(otherwise),
        CustomParser = result =>
        {
            if (TryParse(result.Tokens[0].Value, out var duration))
                return new Duration(duration);
            result.AddError($"{name}: '{result.Tokens[0].Value}' is not a duration like 4s or 500ms");
            return default;
        },
    };

    /// <summary>Reads a duration of zero or more.</summary>
    public static bool TryParse(ReadOnlySpan<char> text, out TimeSpan duration)
    {
        duration = default;
        if (text is "0")
            return true;
        var seconds = 0d;
        while (!text.IsEmpty)
        {
            var digits = text.IndexOfAnyExcept(Digits);
            if (digits <= 0 || !double.TryParse(text[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
                return false;
            text = text[digits..];
            var next = text.IndexOfAny(Digits);
            var factor = (next < 0 ? text : text[..next]) switch { "ns" => 1e-9, "us" or "µs" => 1e-6, "ms" => 1e-3, "s" => 1, "m" => 60, "h" => 3600, _ => 0d };
            if (factor == 0)
                return false;
            seconds += number * factor;
            text = next < 0 ? [] : text[next..];
        }

        // A year is more than any option means, and far from what a TimeSpan can hold.
        if (seconds is <= 0 or > 366 * 86400)
            return false;
        duration = TimeSpan.FromSeconds(seconds);
        return true;
    }
}

/// <summary>A duration that is written as it is read.</summary>
internal readonly record struct Duration(TimeSpan Time)
{
    public override string ToString() => Time.TotalSeconds >= 1 ? string.Create(CultureInfo.InvariantCulture, $"{Time.TotalSeconds}s") : string.Create(CultureInfo.InvariantCulture, $"{Time.TotalMilliseconds}ms");
}
