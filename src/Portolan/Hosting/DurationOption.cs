using System.CommandLine;
using System.Globalization;
using Portolan.Core.Configuration;

namespace Portolan.Hosting;

/// <summary>Options whose value is a duration as Go writes it: numbers with units, one after the other (<c>500ms</c>, <c>1.5s</c>, <c>1h30m</c>).</summary>
internal static class DurationOption
{
    private static readonly TimeSpan Longest = TimeSpan.FromDays(366);

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

    /// <summary>Reads a duration of zero to a year, which is more than any option means.</summary>
    public static bool TryParse(string text, out TimeSpan duration) =>
        GoDuration.TryParse(text, out duration) && duration >= TimeSpan.Zero && duration <= Longest;
}

/// <summary>A duration that is written as it is read.</summary>
internal readonly record struct Duration(TimeSpan Time)
{
    public override string ToString() => Time.TotalSeconds >= 1 ? string.Create(CultureInfo.InvariantCulture, $"{Time.TotalSeconds}s") : string.Create(CultureInfo.InvariantCulture, $"{Time.TotalMilliseconds}ms");
}
