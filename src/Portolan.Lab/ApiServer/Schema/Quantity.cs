using System.Globalization;
using System.Numerics;

namespace Portolan.Lab.ApiServer.Schema;

/// <summary>
/// A resource quantity such as <c>1500m</c> or <c>64Mi</c>: an exact number and the family of suffixes it is written with.
/// The canonical form has no fraction and the largest suffix that allows this; nothing is finer than a nano.
/// </summary>
internal static class Quantity
{
    public const string Rule = "quantities must match the regular expression '^([+-]?[0-9.]+)([eEinumkKMGTP]*[-+]?[0-9]*)$'";

    private static readonly string[] _binary = ["", "Ki", "Mi", "Gi", "Ti", "Pi", "Ei"];
    private static readonly (string Suffix, int Exponent)[] _decimal =
        [("n", -9), ("u", -6), ("m", -3), ("", 0), ("k", 3), ("M", 6), ("G", 9), ("T", 12), ("P", 15), ("E", 18)];

    /// <param name="nanos">The value in billionths, rounded away from zero.</param>
    /// <returns>False when the text is no quantity.</returns>
    public static bool TryParse(ReadOnlySpan<char> text, out BigInteger nanos, out string canonical)
    {
        nanos = default;
        canonical = "";
        var at = 0;
        var negative = false;
        if (at < text.Length && text[at] is '+' or '-')
            negative = text[at++] == '-';
        var digitsStart = at;
        while (at < text.Length && (char.IsAsciiDigit(text[at]) || text[at] == '.'))
            at++;
        var number = text[digitsStart..at];
        var suffix = text[at..];
        var dot = number.IndexOf('.');
        var fraction = dot < 0 ? [] : number[(dot + 1)..];

        // A quantity of absurd length is refused rather than computed with.
        if (number.Length is 0 or > 64 || fraction.Contains('.') || !number.ContainsAnyInRange('0', '9'))
            return false;
        var digits = string.Concat(dot < 0 ? number : number[..dot], fraction);
        if (!TryParseSuffix(suffix, out var two, out var ten, out var family))
            return false;

        // value = digits × 10^(ten − |fraction|) × 2^two; in nanos another 10^9.
        var scale = ten - fraction.Length + 9;
        var value = BigInteger.Parse(digits, CultureInfo.InvariantCulture) * BigInteger.Pow(2, two);
        if (scale >= 0)
            value *= BigInteger.Pow(10, scale);
        else
        {
            value = BigInteger.DivRem(value, BigInteger.Pow(10, -scale), out var rest);
            if (!rest.IsZero)
                value++;
        }

        nanos = negative ? -value : value;
        canonical = (negative && !value.IsZero ? "-" : "") + Format(value, family);
        return true;
    }

    private static bool TryParseSuffix(ReadOnlySpan<char> suffix, out int two, out int ten, out SuffixFamily family)
    {
        (two, ten, family) = (0, 0, SuffixFamily.Decimal);
        for (var i = 1; i < _binary.Length; i++)
        {
            if (suffix.SequenceEqual(_binary[i]))
            {
                (two, family) = (10 * i, SuffixFamily.Binary);
                return true;
            }
        }

        foreach (var (name, exponent) in _decimal)
        {
            if (suffix.SequenceEqual(name))
            {
                ten = exponent;
                return true;
            }
        }

        if (suffix[0] is not ('e' or 'E') || !int.TryParse(suffix[1..], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out ten) || Math.Abs(ten) > 40)
            return false;
        family = SuffixFamily.Exponent;
        return true;
    }

    private static string Format(BigInteger nanos, SuffixFamily family)
    {
        if (nanos.IsZero)
            return "0";
        var one = BigInteger.Pow(10, 9);
        if (family == SuffixFamily.Binary && (nanos % one).IsZero && nanos >= one * 1024)
        {
            var whole = nanos / one;
            var power = 0;
            while (power + 1 < _binary.Length && (whole % 1024).IsZero)
            {
                whole /= 1024;
                power++;
            }

            return whole.ToString(CultureInfo.InvariantCulture) + _binary[power];
        }

        var thousands = -3;
        while (thousands < 6 && (nanos % 1000).IsZero)
        {
            nanos /= 1000;
            thousands++;
        }

        var suffix = family == SuffixFamily.Exponent && thousands != 0 ? $"e{thousands * 3}" : _decimal[thousands + 3].Suffix;
        return nanos.ToString(CultureInfo.InvariantCulture) + suffix;
    }

    private enum SuffixFamily
    {
        Decimal,
        Binary,
        Exponent,
    }
}
