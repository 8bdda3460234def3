using System.Globalization;
using System.Text;

namespace Portolan.Lab.ApiServer.Cel.Values;

/// <summary>A span of time in nanoseconds, positive or negative, at most 292 years.</summary>
internal readonly record struct CelDuration(long Nanoseconds) : IComparable<CelDuration>
{
    private static readonly (string Unit, decimal Nanoseconds)[] _units =
        [("ns", 1), ("us", 1_000), ("µs", 1_000), ("μs", 1_000), ("ms", 1_000_000), ("s", 1_000_000_000), ("m", 60_000_000_000), ("h", 3_600_000_000_000)];

    public int CompareTo(CelDuration other) => Nanoseconds.CompareTo(other.Nanoseconds);

    /// <summary>Reads a Go duration: numbers with units, <c>1h30m</c>, <c>-1.5s</c>, or <c>0</c>.</summary>
    public static CelDuration? Parse(string text)
    {
        var rest = text.AsSpan();
        var negative = rest.StartsWith("-");
        if (rest.StartsWith("-") || rest.StartsWith("+"))
            rest = rest[1..];
        if (rest is "0")
            return new CelDuration(0);
        if (rest.IsEmpty || rest.Length > 64)
            return null;
        var total = 0m;
        while (!rest.IsEmpty)
        {
            var digits = 0;
            while (digits < rest.Length && (char.IsAsciiDigit(rest[digits]) || rest[digits] == '.'))
                digits++;
            var letters = digits;
            while (letters < rest.Length && !char.IsAsciiDigit(rest[letters]) && rest[letters] != '.')
                letters++;
            var unit = rest[digits..letters].ToString();
            var scale = Array.Find(_units, candidate => candidate.Unit == unit).Nanoseconds;
            if (scale == 0 || digits > 24 || !rest[..digits].ContainsAnyInRange('0', '9') || !decimal.TryParse(rest[..digits], NumberStyles.AllowDecimalPoint, CultureInfo.InvariantCulture, out var number)
                || number > long.MaxValue / scale + 1)
                return null;
            total += number * scale;
            if (total > (decimal)long.MaxValue + (negative ? 1 : 0))
                return null;
            rest = rest[letters..];
        }

        return new CelDuration((long)(negative ? -decimal.Truncate(total) : decimal.Truncate(total)));
    }

    /// <summary>Seconds with a fraction, as the language converts it to text: <c>5400s</c>, <c>0.5s</c>.</summary>
    public string Text()
    {
        var magnitude = Nanoseconds < 0 ? (UInt128)(-(Int128)Nanoseconds) : (UInt128)Nanoseconds;
        var text = new StringBuilder(Nanoseconds < 0 ? "-" : "").Append(CultureInfo.InvariantCulture, $"{magnitude / 1_000_000_000}");
        var fraction = (int)(magnitude % 1_000_000_000);
        if (fraction != 0)
            text.Append('.').Append(fraction.ToString("D9", CultureInfo.InvariantCulture).TrimEnd('0'));
        return text.Append('s').ToString();
    }
}

/// <summary>A moment between the years 1 and 9999, to the nanosecond.</summary>
/// <param name="Seconds">Since 1970.</param>
/// <param name="Nanoseconds">0 to 999,999,999.</param>
internal readonly record struct CelTimestamp(long Seconds, int Nanoseconds) : IComparable<CelTimestamp>
{
    public const long MinSeconds = -62_135_596_800;
    public const long MaxSeconds = 253_402_300_799;

    public int CompareTo(CelTimestamp other) => Seconds != other.Seconds ? Seconds.CompareTo(other.Seconds) : Nanoseconds.CompareTo(other.Nanoseconds);

    /// <returns>Null when outside the years that can be written.</returns>
    public static CelTimestamp? Create(Int128 seconds, int nanoseconds) =>
        seconds >= MinSeconds && seconds <= MaxSeconds ? new CelTimestamp((long)seconds, nanoseconds) : null;

    public CelTimestamp? Add(Int128 nanoseconds)
    {
        var total = (Int128)Seconds * 1_000_000_000 + Nanoseconds + nanoseconds;
        var seconds = total / 1_000_000_000;
        var rest = (int)(total % 1_000_000_000);
        return rest < 0 ? Create(seconds - 1, rest + 1_000_000_000) : Create(seconds, rest);
    }

    /// <summary>Nanoseconds from the other to this.</summary>
    public Int128 Since(CelTimestamp other) => ((Int128)Seconds - other.Seconds) * 1_000_000_000 + (Nanoseconds - other.Nanoseconds);

    public DateTime Utc => DateTime.UnixEpoch.AddSeconds(Seconds).AddTicks(Nanoseconds / 100);

    /// <summary>Reads RFC 3339: <c>2026-01-02T03:04:05.678Z</c>, or with an offset from UTC.</summary>
    public static CelTimestamp? Parse(string text)
    {
        var span = text.AsSpan();
        if (span.Length is < 20 or > 40 || span[10] is not ('T' or 't')
            || !DateTime.TryParseExact(span[..19], "yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture, DateTimeStyles.AssumeUniversal | DateTimeStyles.AdjustToUniversal, out var whole))
            return null;
        var rest = span[19..];
        var nanoseconds = 0;
        if (rest[0] == '.')
        {
            var digits = 1;
            while (digits < rest.Length && char.IsAsciiDigit(rest[digits]))
                digits++;
            if (digits == 1)
                return null;
            for (var i = 1; i <= 9; i++)
                nanoseconds = (nanoseconds * 10) + (i < digits ? rest[i] - '0' : 0);
            rest = rest[digits..];
        }

        long offset;
        if (rest is "Z" or "z")
            offset = 0;
        else if (rest.Length == 6 && rest[0] is '+' or '-' && rest[3] == ':' && int.TryParse(rest[1..3], NumberStyles.None, CultureInfo.InvariantCulture, out var hours)
            && int.TryParse(rest[4..], NumberStyles.None, CultureInfo.InvariantCulture, out var minutes) && hours < 24 && minutes < 60)
            offset = (rest[0] == '-' ? -1 : 1) * ((hours * 3600L) + (minutes * 60));
        else
            return null;
        return Create((whole.Ticks - DateTime.UnixEpoch.Ticks) / TimeSpan.TicksPerSecond - offset, nanoseconds);
    }

    public string Text()
    {
        var fraction = Nanoseconds == 0 ? "" : "." + Nanoseconds.ToString("D9", CultureInfo.InvariantCulture).TrimEnd('0');
        return DateTime.UnixEpoch.AddSeconds(Seconds).ToString("yyyy-MM-dd'T'HH:mm:ss", CultureInfo.InvariantCulture) + fraction + "Z";
    }
}
