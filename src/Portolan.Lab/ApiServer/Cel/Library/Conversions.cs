using System.Globalization;
using System.Text;
using Portolan.Lab.ApiServer.Cel.Estimation;
using Portolan.Lab.ApiServer.Cel.Types;
using Portolan.Lab.ApiServer.Cel.Values;

namespace Portolan.Lab.ApiServer.Cel.Library;

/// <summary><c>int(x)</c>, <c>string(x)</c> and their like.</summary>
internal static class Conversions
{
    private static readonly UTF8Encoding _strict = new(false, throwOnInvalidBytes: true);

    public static void AddTo(FunctionLibrary to)
    {
        Convert(to, CelType.Int, ToInt, CelType.Int, CelType.Uint, CelType.Double, CelType.String, CelType.Timestamp, CelType.Duration);
        Convert(to, CelType.Uint, ToUint, CelType.Int, CelType.Uint, CelType.Double, CelType.String);
        Convert(to, CelType.Double, ToDouble, CelType.Int, CelType.Uint, CelType.Double, CelType.String);
        Convert(to, CelType.Bool, ToBool, CelType.Bool, CelType.String);
        Convert(to, CelType.String, static x => TextOf.Converted(x)!, CelType.Int, CelType.Uint, CelType.Double, CelType.Bool, CelType.String, CelType.Timestamp, CelType.Duration);
        to.Function("string", CelType.String, CallCost.FromBytes, static x => FromUtf8((CelBytes)x[0]), CelType.Bytes);
        to.Function("bytes", CelType.Bytes, CallCost.ToBytes, static x => new CelBytes(Encoding.UTF8.GetBytes((string)x[0])), CelType.String);
        to.Function("bytes", CelType.Bytes, CallCost.One, static x => x[0], CelType.Bytes);
        to.Function("timestamp", CelType.Timestamp, CallCost.One, static x => (object?)CelTimestamp.Parse((string)x[0]) ?? Failed("string", "google.protobuf.Timestamp"), CelType.String);
        to.Function("timestamp", CelType.Timestamp, CallCost.One, static x => (object?)CelTimestamp.Create((long)x[0], 0) ?? new CelError("timestamp overflow"), CelType.Int);
        to.Function("timestamp", CelType.Timestamp, CallCost.One, static x => x[0], CelType.Timestamp);
        to.Function("duration", CelType.Duration, CallCost.One, static x => (object?)CelDuration.Parse((string)x[0]) ?? Failed("string", "google.protobuf.Duration"), CelType.String);
        to.Function("duration", CelType.Duration, CallCost.One, static x => x[0], CelType.Duration);
    }

    private static void Convert(FunctionLibrary to, CelType result, Func<object, object> convert, params CelType[] from)
    {
        foreach (var type in from)
            to.Function(result.Name, result, CallCost.One, x => convert(x[0]), type);
    }

    private static object ToInt(object value) => value switch
    {
        long => value,
        ulong number => number <= long.MaxValue ? (long)number : new CelError("integer overflow"),
        double number => number is > -9223372036854775808.0 and < 9223372036854775808.0 ? (long)number : new CelError("integer overflow"),
        string text => long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number : Failed("string", "int"),
        CelTimestamp time => time.Seconds,
        CelDuration duration => duration.Nanoseconds,
        _ => CelError.NoSuchOverload,
    };

    private static object ToUint(object value) => value switch
    {
        long number => number >= 0 ? (ulong)number : new CelError("unsigned integer overflow"),
        ulong => value,
        double number => number is >= 0 and < 18446744073709551616.0 ? (ulong)number : new CelError("unsigned integer overflow"),
        string text => ulong.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var number) ? number : Failed("string", "uint"),
        _ => CelError.NoSuchOverload,
    };

    private static object ToDouble(object value) => value switch
    {
        long number => (double)number,
        ulong number => (double)number,
        double => value,
        string text => Number(text) ?? (object)Failed("string", "double"),
        _ => CelError.NoSuchOverload,
    };

    private static double? Number(string text) => text switch
    {
        "NaN" => double.NaN,
        "Inf" or "+Inf" or "Infinity" => double.PositiveInfinity,
        "-Inf" or "-Infinity" => double.NegativeInfinity,
        _ => double.TryParse(text, NumberStyles.AllowLeadingSign | NumberStyles.AllowDecimalPoint | NumberStyles.AllowExponent, CultureInfo.InvariantCulture, out var number) && double.IsFinite(number) ? number : null,
    };

    private static object ToBool(object value) => value switch
    {
        bool => value,
        "1" or "t" or "T" or "true" or "TRUE" or "True" => true,
        "0" or "f" or "F" or "false" or "FALSE" or "False" => false,
        _ => Failed("string", "bool"),
    };

    private static object FromUtf8(CelBytes bytes)
    {
        try
        {
            return _strict.GetString(bytes.Span);
        }
        catch (DecoderFallbackException)
        {
            return new CelError("invalid UTF-8 in bytes, cannot convert to string");
        }
    }

    private static CelError Failed(string from, string to) => new($"type conversion error from '{from}' to '{to}'");
}
