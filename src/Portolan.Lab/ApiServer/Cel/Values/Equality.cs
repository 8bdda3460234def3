using System.Numerics;

namespace Portolan.Lab.ApiServer.Cel.Values;

/// <summary>When two values are equal, and which comes first. Numbers compare by value across int, uint and double.</summary>
internal static class Equality
{
    public static bool Same(object? a, object? b)
    {
        if (IsNumber(a) && IsNumber(b))
            return Compare(a!, b!) == 0;
        return (a, b) switch
        {
            (CelList x, CelList y) => x.SameAs(y),
            (CelMap x, CelMap y) => SameMaps(x, y),
            (CelOptional x, CelOptional y) => x.HasValue ? y.HasValue && Same(x.Value, y.Value) : !y.HasValue,
            (CelError, _) or (_, CelError) => false,
            _ => Equals(a, b),
        };
    }

    /// <returns>Null when the two have no order: other types, or a number that is none.</returns>
    public static int? Compare(object a, object b) => (a, b) switch
    {
        (long x, long y) => x.CompareTo(y),
        (ulong x, ulong y) => x.CompareTo(y),
        (double x, double y) => Compare(x, y),
        (long x, ulong y) => x < 0 ? -1 : ((ulong)x).CompareTo(y),
        (ulong x, long y) => y < 0 ? 1 : x.CompareTo((ulong)y),
        (double x, long or ulong) => double.IsNaN(x) ? null : CompareToWhole(x, Whole(b)),
        (long or ulong, double y) => double.IsNaN(y) ? null : -CompareToWhole(y, Whole(a)),
        (string x, string y) => CompareText(x, y),
        (bool x, bool y) => x.CompareTo(y),
        (CelBytes x, CelBytes y) => x.Span.SequenceCompareTo(y.Span),
        (CelTimestamp x, CelTimestamp y) => x.CompareTo(y),
        (CelDuration x, CelDuration y) => x.CompareTo(y),
        _ => null,
    };

    public static bool IsNumber(object? value) => value is long or ulong or double;

    /// <summary>The one form of a key that equal keys share; null for what cannot be a key.</summary>
    public static object? MapKey(object key) => key switch
    {
        string or bool or long => key,
        ulong number => number <= long.MaxValue ? (long)number : number,
        double number when Math.Floor(number) == number && number is >= -9.2e18 and <= 9.2e18 => (long)number,
        double number when Math.Floor(number) == number && number is > 0 and < 1.8e19 => (ulong)number,
        double => key,
        _ => null,
    };

    // Code points, as bytes of UTF-8 compare; UTF-16 units would put the surrogates before U+E000.
    private static int CompareText(string a, string b)
    {
        var common = a.AsSpan().CommonPrefixLength(b);
        if (common == a.Length || common == b.Length)
            return a.Length.CompareTo(b.Length);
        var (x, y) = (a[common], b[common]);
        return char.IsSurrogate(x) == char.IsSurrogate(y) ? x.CompareTo(y) : char.IsSurrogate(x) ? 1 : -1;
    }

    private static int? Compare(double a, double b) => double.IsNaN(a) || double.IsNaN(b) ? null : a.CompareTo(b);

    private static BigInteger Whole(object number) => number is long signed ? signed : (ulong)number;

    private static int CompareToWhole(double a, BigInteger b)
    {
        if (double.IsInfinity(a))
            return a > 0 ? 1 : -1;
        var floor = Math.Floor(a);
        var order = new BigInteger(floor).CompareTo(b);
        return order == 0 && floor < a ? 1 : order;
    }

    private static bool SameMaps(CelMap a, CelMap b)
    {
        if (a.Count != b.Count)
            return false;
        foreach (var key in a.Keys)
        {
            if (a.Find(key) is not { } x || b.Find(key) is not { } y || !Same(x, y))
                return false;
        }

        return true;
    }
}
