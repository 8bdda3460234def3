using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.Validation;

/// <summary>Rules of single values that many kinds share.</summary>
internal static class ValueRules
{
    public static void Port(string path, long? value, ErrorList errors)
    {
        if (value is not (>= 1 and <= 65535))
            errors.Invalid(path, value ?? 0, "must be between 1 and 65535, inclusive");
    }

    public static void PortOrName(string path, JsonNode? value, ErrorList errors)
    {
        if (Scalars.AsString(value) is { } name)
            MetadataRules.CheckEach(path, name, NameRules.PortName, errors);
        else
            Port(path, Scalars.AsInteger(value), errors);
    }

    public static void OneOf(string path, string value, ErrorList errors, params string[] supported)
    {
        if (value.Length == 0)
            errors.Required(path);
        else if (!supported.Contains(value))
            errors.NotSupported(path, value, supported);
    }

    public static void OneOfIfSet(string path, string value, ErrorList errors, params string[] supported)
    {
        if (value.Length > 0)
            OneOf(path, value, errors, supported);
    }

    public static void NotNegative(string path, long? value, ErrorList errors)
    {
        if (value < 0)
            errors.Invalid(path, value, "must be greater than or equal to 0");
    }

    public static void Positive(string path, long? value, ErrorList errors)
    {
        if (value <= 0)
            errors.Invalid(path, value, "must be greater than 0");
    }

    public static void Immutable(string path, JsonNode? value, JsonNode? old, ErrorList errors)
    {
        if (!ObjectReading.Same(value, old))
            errors.Invalid(path, value, "field is immutable");
    }

    public static void Address(string path, string value, ErrorList errors)
    {
        if (!TryAddress(value, out _))
            errors.Invalid(path, value, "must be a valid IP address, (e.g. 10.9.8.7 or 2001:db8::ffff)");
    }

    public static void Prefix(string path, string value, ErrorList errors)
    {
        var slash = value.IndexOf('/', StringComparison.Ordinal);
        if (slash < 0 || !TryAddress(value[..slash], out var address) || !byte.TryParse(value.AsSpan(slash + 1), out var length)
            || length > (address.AddressFamily == AddressFamily.InterNetwork ? 32 : 128))
            errors.Invalid(path, value, "must be a valid CIDR value, (e.g. 10.9.8.0/24 or 2001:db8::/64)");
    }

    /// <summary>An address that traffic from elsewhere may be sent to.</summary>
    public static void RoutableAddress(string path, string value, ErrorList errors)
    {
        if (!TryAddress(value, out var address))
        {
            Address(path, value, errors);
            return;
        }

        var bytes = address.GetAddressBytes();
        if (address.Equals(IPAddress.Any) || address.Equals(IPAddress.IPv6Any))
            errors.Invalid(path, value, "may not be unspecified (0.0.0.0 or ::)");
        if (IPAddress.IsLoopback(address))
            errors.Invalid(path, value, "may not be in the loopback range (127.0.0.0/8, ::1/128)");
        if (address.IsIPv6LinkLocal || (bytes.Length == 4 && bytes[0] == 169 && bytes[1] == 254))
            errors.Invalid(path, value, "may not be in the link-local range (169.254.0.0/16, fe80::/10)");
        if ((bytes.Length == 4 && bytes[0] == 224 && bytes[1] == 0 && bytes[2] == 0) || (bytes.Length == 16 && bytes[0] == 0xff && (bytes[1] & 0xf) == 2))
            errors.Invalid(path, value, "may not be in the link-local multicast range (224.0.0.0/24, ff02::/10)");
    }

    public static bool TryAddress(string text, out IPAddress address)
    {
        // The framework also reads "10.1" and "0x0a000001"; an API must not.
        address = IPAddress.None;
        var plain = text.Contains(':', StringComparison.Ordinal)
            ? !text.Contains('%', StringComparison.Ordinal) && !text.Contains('[', StringComparison.Ordinal)
            : text.Split('.') is { Length: 4 } parts && parts.All(part => part.Length is >= 1 and <= 3 && part.All(char.IsAsciiDigit) && (part.Length == 1 || part[0] != '0'));
        return plain && IPAddress.TryParse(text, out address!);
    }

    /// <param name="emptyProblem">What is wrong with a selector that selects everything, if anything is.</param>
    public static void Selector(string path, JsonObject? selector, string? emptyProblem, ErrorList errors)
    {
        if (selector is null)
        {
            if (emptyProblem is not null)
                errors.Required(path);
            return;
        }

        var labels = selector.Obj("matchLabels");
        MetadataRules.CheckLabels(labels, path + ".matchLabels", errors);
        foreach (var (expression, at) in selector.Items("matchExpressions", path))
        {
            MetadataRules.CheckEach(at + ".key", expression.Str("key"), NameRules.QualifiedName, errors);
            var values = expression.List("values")?.Count ?? 0;
            switch (expression.Str("operator"))
            {
                case "In" or "NotIn":
                    if (values == 0)
                        errors.Required(at + ".values", "must be specified when `operator` is 'In' or 'NotIn'");
                    break;
                case "Exists" or "DoesNotExist":
                    if (values > 0)
                        errors.Forbidden(at + ".values", "may not be specified when `operator` is 'Exists' or 'DoesNotExist'");
                    break;
                default:
                    errors.Invalid(at + ".operator", expression.Str("operator"), "not a valid selector operator");
                    break;
            }
        }

        if (emptyProblem is not null && labels is null or { Count: 0 } && (selector.List("matchExpressions")?.Count ?? 0) == 0)
            errors.Invalid(path, selector, emptyProblem);
    }

    /// <summary>Whether a LabelSelector selects these labels.</summary>
    public static bool Selects(JsonObject? selector, JsonObject? labels)
    {
        foreach (var (key, value) in selector.Obj("matchLabels") ?? [])
        {
            if (labels?[key] is not { } label || !JsonNode.DeepEquals(label, value))
                return false;
        }

        foreach (var (expression, _) in selector.Items("matchExpressions", ""))
        {
            var value = Scalars.AsString(labels?[expression.Str("key")]);
            var listed = value is not null && expression.Strings("values", "").Any(entry => entry.Item == value);
            var holds = expression.Str("operator") switch
            {
                "In" => listed,
                "NotIn" => !listed,
                "Exists" => value is not null,
                _ => value is null,
            };
            if (!holds)
                return false;
        }

        return true;
    }
}
