using System.Globalization;

namespace Portolan.Lab.ApiServer.Schema;

/// <summary>The two ways the API writes instants: whole seconds, and microseconds; both in UTC.</summary>
internal static class Timestamps
{
    private const string Seconds = "yyyy-MM-dd'T'HH:mm:ss'Z'";
    private const string Micros = "yyyy-MM-dd'T'HH:mm:ss.ffffff'Z'";

    private static readonly string[] _rfc3339 =
    [
        "yyyy-MM-dd'T'HH:mm:sszzz", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFFzzz", "yyyy-MM-dd'T'HH:mm:ss'Z'", "yyyy-MM-dd'T'HH:mm:ss.FFFFFFF'Z'",
    ];

    public static bool TryParse(string text, out DateTimeOffset instant) =>
        DateTimeOffset.TryParseExact(TrimFraction(text), _rfc3339, CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out instant);

    public static string Format(DateTimeOffset instant) => instant.UtcDateTime.ToString(Seconds, CultureInfo.InvariantCulture);

    public static string FormatMicro(DateTimeOffset instant) => instant.UtcDateTime.ToString(Micros, CultureInfo.InvariantCulture);

    // Nanoseconds are finer than a tick; Go writes them, and nothing here needs them.
    private static string TrimFraction(string text)
    {
        var dot = text.IndexOf('.', StringComparison.Ordinal);
        if (dot < 0)
            return text;
        var end = dot + 1;
        while (end < text.Length && char.IsAsciiDigit(text[end]))
            end++;
        return end - dot > 8 ? text[..(dot + 8)] + text[end..] : text;
    }
}
