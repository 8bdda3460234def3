using System.Buffers;
using System.Globalization;

namespace Portolan.Core.Configuration;

/// <summary>A duration as Kubernetes writes it (<c>meta/v1 Duration</c>): decimal numbers with units, e.g. <c>90s</c>, <c>1m30s</c>, <c>1.5h</c>.</summary>
public static class GoDuration
{
    private static readonly SearchValues<char> _number = SearchValues.Create("0123456789.");
    private static readonly (string Unit, long Nanoseconds)[] _units =
    [
        ("ns", 1), ("us", 1_000), ("µs", 1_000), ("μs", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000),
    ];

    /// <summary>Parses a duration; parts of 100 ns are lost.</summary>
    public static bool TryParse(string? text, out TimeSpan duration)
    {
        duration = default;
        var rest = text.AsSpan();
        var negative = rest.StartsWith("-");
        if (negative || rest.StartsWith("+"))
            rest = rest[1..];
        if (rest is "0")
            return true;
        if (rest.IsEmpty)
            return false;
        var nanoseconds = 0m;
        while (!rest.IsEmpty)
        {
            var digits = rest.IndexOfAnyExcept(_number);
            if (digits <= 0 || !decimal.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number))
                return false;
            rest = rest[digits..];
            var letters = rest.IndexOfAny(_number);
            var unit = letters < 0 ? rest : rest[..letters];
            rest = letters < 0 ? [] : rest[letters..];
            var scale = 0L;
            foreach (var (name, size) in _units)
                if (unit.SequenceEqual(name))
                    scale = size;
            if (scale == 0 || number > long.MaxValue / (decimal)scale)
                return false;
            nanoseconds += number * scale;
            if (nanoseconds > long.MaxValue)
                return false;
        }

        duration = TimeSpan.FromTicks((long)(nanoseconds / 100) * (negative ? -1 : 1));
        return true;
    }
}
