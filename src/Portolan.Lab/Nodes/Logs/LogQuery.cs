using System.Globalization;

namespace Portolan.Lab.Nodes.Logs;

/// <summary><c>v1 PodLogOptions</c> as they come in a query string.</summary>
internal sealed record LogQuery(bool Follow = false, long? TailLines = null, bool Timestamps = false, bool Previous = false, DateTimeOffset? Since = null, long? LimitBytes = null)
{
    /// <exception cref="FormatException">A parameter is not what it must be; the message names it.</exception>
    public static LogQuery Parse(Func<string, string?> parameter, DateTimeOffset now)
    {
        DateTimeOffset? since = null;
        if (Number("sinceSeconds", 1) is { } seconds)
            since = now - TimeSpan.FromSeconds(Math.Min(seconds, (long)TimeSpan.FromDays(3650).TotalSeconds));
        else if (parameter("sinceTime") is { Length: > 0 } text)
            since = DateTimeOffset.TryParse(text, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal, out var time) ? time : throw new FormatException($"sinceTime: {text} is not a time (RFC 3339)");
        return new LogQuery(Flag("follow"), Number("tailLines", 0), Flag("timestamps"), Flag("previous"), since, Number("limitBytes", 1));

        bool Flag(string name) => parameter(name) is "true" or "1" or "True";

        long? Number(string name, long least) => parameter(name) switch
        {
            null or "" => null,
            var value when long.TryParse(value, CultureInfo.InvariantCulture, out var number) && number >= least => number,
            var value => throw new FormatException($"{name}: {value} is not a number of at least {least}"),
        };
    }
}
