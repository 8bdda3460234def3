using System.Globalization;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Portolan.Lab.ApiServer.Http;

/// <summary>What a plain YAML scalar means, by the rules Kubernetes' own YAML reader follows (YAML 1.1 booleans true/false/yes/no/on/off included).</summary>
internal static class YamlScalar
{
    public static JsonNode? ToJson(Scalar scalar)
    {
        var text = scalar.Value;
        if (scalar.Style != ScalarStyle.Plain || (!scalar.Tag.IsEmpty && scalar.Tag == "tag:yaml.org,2002:str")) return JsonValue.Create(text);
        switch (text)
        {
            case "" or "~" or "null" or "Null" or "NULL":
                return null;
            case "true" or "True" or "TRUE" or "yes" or "Yes" or "YES" or "on" or "On" or "ON":
                return JsonValue.Create(true);
            case "false" or "False" or "FALSE" or "no" or "No" or "NO" or "off" or "Off" or "OFF":
                return JsonValue.Create(false);
        }

        if (!char.IsAsciiDigit(text[0]) && text[0] is not ('-' or '+' or '.')) return JsonValue.Create(text);
        var digits = text.Replace("_", "", StringComparison.Ordinal);
        if (long.TryParse(digits, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var whole) && !IsOctal(digits)) return JsonValue.Create(whole);
        if (digits.StartsWith("0x", StringComparison.OrdinalIgnoreCase) && long.TryParse(digits.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out whole))
            return JsonValue.Create(whole);
        if (IsOctal(digits)) return JsonValue.Create(Convert.ToInt64(digits.StartsWith("0o", StringComparison.Ordinal) ? digits[2..] : digits, 8));
        // Addresses such as 10.0.0.1 and versions such as 1.2.3 are no numbers; one dot or an exponent is.
        if (double.TryParse(digits, NumberStyles.Float, CultureInfo.InvariantCulture, out var real) && double.IsFinite(real)) return JsonValue.Create(real);
        return JsonValue.Create(text);
    }

    // YAML 1.1: 0644 is octal (file modes in manifests rely on it).
    private static bool IsOctal(string digits)
    {
        if (digits.Length < 2 || digits[0] != '0') return false;
        var rest = digits.AsSpan(digits[1] == 'o' ? 2 : 1);
        if (rest.IsEmpty || rest.Length > 20) return false;
        foreach (var digit in rest)
            if (digit is < '0' or > '7')
                return false;
        return true;
    }
}
