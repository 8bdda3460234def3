using System.Globalization;
using System.Security;
using Portolan.Lab.ApiServer.Cel.Estimation;
using Portolan.Lab.ApiServer.Cel.Types;
using Portolan.Lab.ApiServer.Cel.Values;

namespace Portolan.Lab.ApiServer.Cel.Library;

/// <summary>The parts of moments, in UTC or a named zone, and of spans of time.</summary>
internal static class TimeFunctions
{
    private static readonly (string Name, Func<DateTime, long> Part)[] _parts =
    [
        ("getFullYear", static time => time.Year),
        ("getMonth", static time => time.Month - 1),
        ("getDate", static time => time.Day),
        ("getDayOfMonth", static time => time.Day - 1),
        ("getDayOfYear", static time => time.DayOfYear - 1),
        ("getDayOfWeek", static time => (long)time.DayOfWeek),
        ("getHours", static time => time.Hour),
        ("getMinutes", static time => time.Minute),
        ("getSeconds", static time => time.Second),
        ("getMilliseconds", static time => time.Millisecond),
    ];

    public static void AddTo(FunctionLibrary to)
    {
        foreach (var (name, part) in _parts)
        {
            to.Member(name, CelType.Int, CallCost.One, x => part(((CelTimestamp)x[0]).Utc), CelType.Timestamp);
            to.Member(name, CelType.Int, CallCost.One, x => Local((CelTimestamp)x[0], (string)x[1]) is { } local ? part(local) : new CelError($"unknown time zone {x[1]}"), CelType.Timestamp, CelType.String);
        }

        foreach (var (name, nanoseconds) in (ReadOnlySpan<(string, long)>)[("getHours", 3_600_000_000_000), ("getMinutes", 60_000_000_000), ("getSeconds", 1_000_000_000), ("getMilliseconds", 1_000_000)])
            to.Member(name, CelType.Int, CallCost.One, x => ((CelDuration)x[0]).Nanoseconds / nanoseconds, CelType.Duration);
    }

    /// <param name="zone">A name of the zone database, or an offset: <c>+02:00</c>.</param>
    private static DateTime? Local(CelTimestamp time, string zone)
    {
        var colon = zone.IndexOf(':', StringComparison.Ordinal);
        if (colon < 0)
        {
            try
            {
                return zone.Length is 0 or > 64 ? null : TimeZoneInfo.ConvertTimeFromUtc(DateTime.SpecifyKind(time.Utc, DateTimeKind.Utc), TimeZoneInfo.FindSystemTimeZoneById(zone));
            }
            catch (Exception e) when (e is TimeZoneNotFoundException or InvalidTimeZoneException or SecurityException)
            {
                return null;
            }
        }

        if (!int.TryParse(zone.AsSpan(0, colon), NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var hours)
            || !int.TryParse(zone.AsSpan(colon + 1), NumberStyles.None, CultureInfo.InvariantCulture, out var minutes) || Math.Abs(hours) > 23 || minutes > 59)
            return null;
        var seconds = (Math.Abs(hours) * 3600) + (minutes * 60);
        return CelTimestamp.Create((Int128)time.Seconds + (zone[0] == '-' ? -seconds : seconds), time.Nanoseconds)?.Utc;
    }
}
