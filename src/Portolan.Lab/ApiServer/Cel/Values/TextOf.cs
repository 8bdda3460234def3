using System.Globalization;

namespace Portolan.Lab.ApiServer.Cel.Values;

/// <summary>Values as text, where the language converts them.</summary>
internal static class TextOf
{
    /// <returns>Null for what has no text: lists, maps.</returns>
    public static string? Converted(object value) => value switch
    {
        string text => text,
        bool flag => flag ? "true" : "false",
        long number => number.ToString(CultureInfo.InvariantCulture),
        ulong number => number.ToString(CultureInfo.InvariantCulture),
        double number => Double(number),
        CelTimestamp time => time.Text(),
        CelDuration duration => duration.Text(),
        _ => null,
    };

    /// <summary>Any value, for messages.</summary>
    public static string Value(object value) => Converted(value) ?? value switch
    {
        CelNull => "null",
        Types.CelType type => type.ToString(),
        _ => value.ToString() ?? "",
    };

    /// <summary>The shortest text that reads back, with an exponent below 1e-4 and from 1e21 on.</summary>
    public static string Double(double number)
    {
        if (double.IsNaN(number))
            return "NaN";
        if (double.IsInfinity(number))
            return number > 0 ? "+Inf" : "-Inf";
        var text = number.ToString("R", CultureInfo.InvariantCulture);
        var magnitude = Math.Abs(number);
        if (magnitude is not 0 and (< 1e-4 or >= 1e21))
            return Exponent(text, number);
        return text.Contains('E', StringComparison.Ordinal) ? ((decimal)number).ToString(CultureInfo.InvariantCulture) is var plain && magnitude < 1e15 ? plain : number.ToString("F0", CultureInfo.InvariantCulture) : text;
    }

    private static string Exponent(string shortest, double number)
    {
        var digits = shortest.Contains('E', StringComparison.Ordinal) ? shortest : number.ToString("0.################E+00", CultureInfo.InvariantCulture);
        var parts = digits.Split('E');
        var exponent = int.Parse(parts[1], NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture);
        return string.Create(CultureInfo.InvariantCulture, $"{parts[0]}e{(exponent < 0 ? '-' : '+')}{Math.Abs(exponent):D2}");
    }
}
