using System.Buffers;
using System.Globalization;
using System.Net.Sockets;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Schema.Custom;

/// <summary>The string formats that are checked; an unknown format says nothing, as on a real server.</summary>
internal static class Formats
{
    private static readonly SearchValues<char> _digits = SearchValues.Create("0123456789.");

    public static bool Matches(string format, string text) => format switch
    {
        "date-time" or "datetime" => Timestamps.TryParse(text, out _),
        "date" => DateOnly.TryParseExact(text, "yyyy-MM-dd", CultureInfo.InvariantCulture, DateTimeStyles.None, out _),
        "ipv4" => ValueRules.TryAddress(text, out var four) && four.AddressFamily == AddressFamily.InterNetwork,
        "ipv6" => ValueRules.TryAddress(text, out var six) && six.AddressFamily == AddressFamily.InterNetworkV6,
        "ip" => ValueRules.TryAddress(text, out _),
        "cidr" => IsPrefix(text),
        "mac" => text.Split(text.Contains('-', StringComparison.Ordinal) ? '-' : ':') is { Length: 6 } bytes && bytes.All(b => b.Length == 2 && b.All(char.IsAsciiHexDigit)),
        "uuid" or "uuid3" or "uuid4" or "uuid5" => Guid.TryParse(text, out _),
        "byte" => Convert.TryFromBase64String(text, new byte[text.Length], out _),
        "uri" => Uri.TryCreate(text, UriKind.Absolute, out _),
        "hostname" => text.Length is > 0 and <= 255 && Uri.CheckHostName(text) == UriHostNameType.Dns,
        "email" => text.IndexOf('@', StringComparison.Ordinal) is > 0 and var at && at < text.Length - 1,
        "duration" => IsDuration(text),
        _ => true,
    };

    private static bool IsPrefix(string text)
    {
        var errors = new ErrorList();
        ValueRules.Prefix("", text, errors);
        return errors.Errors.Count == 0;
    }

    /// <summary>A Go duration: numbers with units, <c>1h30m</c>, <c>300ms</c>.</summary>
    private static bool IsDuration(string text)
    {
        var rest = text.AsSpan().TrimStart("+-");
        if (rest is "0")
            return true;
        if (rest.IsEmpty)
            return false;
        while (!rest.IsEmpty)
        {
            var digits = rest.IndexOfAnyExcept(_digits);
            if (digits <= 0)
                return false;
            rest = rest[digits..];
            var unit = rest.IndexOfAny(_digits);
            if ((unit < 0 ? rest : rest[..unit]) is not ("ns" or "us" or "µs" or "ms" or "s" or "m" or "h" or "d" or "w"))
                return false;
            rest = unit < 0 ? [] : rest[unit..];
        }

        return true;
    }
}
