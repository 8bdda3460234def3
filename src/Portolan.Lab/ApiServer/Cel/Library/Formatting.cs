using System.Globalization;
using System.Numerics;
using System.Text;
using Portolan.Lab.ApiServer.Cel.Values;

namespace Portolan.Lab.ApiServer.Cel.Library;

/// <summary><c>"%s has %d".format([a, b])</c>: clauses s, d, f, e, b, o, x and X, with a precision for f and e.</summary>
internal static class Formatting
{
    private const int MaxPrecision = 100;

    public static object Format(string format, CelList arguments)
    {
        var text = new StringBuilder();
        var next = 0;
        for (var i = 0; i < format.Length; i++)
        {
            if (format[i] != '%')
            {
                text.Append(format[i]);
                continue;
            }

            if (++i < format.Length && format[i] == '%')
            {
                text.Append('%');
                continue;
            }

            var precision = -1;
            if (i < format.Length && format[i] == '.')
            {
                var digits = 0;
                while (i + 1 + digits < format.Length && char.IsAsciiDigit(format[i + 1 + digits]))
                    digits++;
                if (!int.TryParse(format.AsSpan(i + 1, digits), NumberStyles.None, CultureInfo.InvariantCulture, out precision) || precision > MaxPrecision)
                    return new CelError($"could not parse formatting clause: precision must be a number up to {MaxPrecision}");
                i += 1 + digits;
            }

            if (i >= format.Length)
                return new CelError("could not parse formatting clause: unexpected end of string");
            if (next >= arguments.Count)
                return new CelError($"index {next} out of range");
            var shown = Clause(format[i], precision, arguments[next++]);
            if (shown is CelError)
                return shown;
            text.Append((string)shown);
            if (text.Length > TextLimits.MaxLength)
                return TextLimits.TooLong;
        }

        return text.ToString();
    }

    private static object Clause(char clause, int precision, object argument) => clause switch
    {
        's' => Show(argument),
        'd' => argument is long or ulong || (argument is double number && !double.IsFinite(number)) ? TextOf.Converted(argument)! : Wrong("integer clause can only be used on integers"),
        'f' => argument is double number ? double.IsFinite(number) ? number.ToString($"F{(precision < 0 ? 6 : precision)}", CultureInfo.InvariantCulture) : TextOf.Double(number) : Real(argument) ?? Wrong("fixed-point clause can only be used on doubles"),
        'e' => argument is double number ? double.IsFinite(number) ? number.ToString($"{(precision == 0 ? "0" : "0." + new string('0', precision < 0 ? 6 : precision))}e+00", CultureInfo.InvariantCulture) : TextOf.Double(number) : Wrong("scientific clause can only be used on doubles"),
        'b' => argument is bool flag ? flag ? "1" : "0" : InBase(argument, 2) ?? (object)Wrong("only integers and bools can be formatted as binary"),
        'o' => InBase(argument, 8) ?? (object)Wrong("octal clause can only be used on integers"),
        'x' or 'X' => Hexadecimal(argument, clause == 'X') ?? (object)Wrong("only integers, byte buffers, and strings can be formatted as hex"),
        _ => new CelError($"could not parse formatting clause: unrecognized formatting clause \"{clause}\""),
    };

    private static object? Real(object argument) => argument is long or ulong ? null : argument is string text && text is "NaN" or "Infinity" or "-Infinity" ? argument : null;

    private static CelError Wrong(string rule) => new($"error during formatting: {rule}");

    private static object Show(object value)
    {
        switch (value)
        {
            case CelNull:
                return "null";
            case CelBytes bytes:
                return Encoding.UTF8.GetString(bytes.Span);
            case CelList list:
                var items = CelList.Items(list).Select(Show).ToList();
                return items.Find(item => item is CelError) ?? $"[{string.Join(", ", items)}]";
            case CelMap map:
                var entries = map.Keys.Select(key => (Key: Show(key), Value: Show(map.Find(key)!))).OrderBy(entry => entry.Key as string, StringComparer.Ordinal).ToList();
                return entries.Select(entry => entry.Value).FirstOrDefault(shown => shown is CelError) ?? $"{{{string.Join(", ", entries.Select(entry => $"{entry.Key}: {entry.Value}"))}}}";
            case Types.CelType type:
                return type.Name;
            default:
                return TextOf.Converted(value) ?? (object)Wrong($"string clause can only be used on strings, bools, bytes, ints, doubles, maps, lists, types, durations, and timestamps, was given {TypeOfValue.Dynamic(value)}");
        }
    }

    private static string? InBase(object argument, int radix)
    {
        if (argument is not (long or ulong))
            return null;
        var number = argument is long signed ? signed : (BigInteger)(ulong)argument;
        var magnitude = (ulong)BigInteger.Abs(number);
        var digits = new StringBuilder();
        do
        {
            digits.Insert(0, "0123456789abcdef"[(int)(magnitude % (ulong)radix)]);
            magnitude /= (ulong)radix;
        }
        while (magnitude > 0);
        return (number.Sign < 0 ? "-" : "") + digits;
    }

    private static string? Hexadecimal(object argument, bool upper)
    {
        var digits = argument switch
        {
            string text => Convert.ToHexStringLower(Encoding.UTF8.GetBytes(text)),
            CelBytes bytes => Convert.ToHexStringLower(bytes.Span),
            _ => InBase(argument, 16),
        };
        return upper ? digits?.ToUpperInvariant() : digits;
    }
}
