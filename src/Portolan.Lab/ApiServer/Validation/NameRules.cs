using System.Globalization;

namespace Portolan.Lab.ApiServer.Validation;

/// <summary>The forms names take. Each rule answers with the sentences a real server prints; none means the name is fine.</summary>
internal static class NameRules
{
    private const string LabelFormat = "[a-z0-9]([-a-z0-9]*[a-z0-9])?";
    private const string QualifiedFormat = "([A-Za-z0-9][-A-Za-z0-9_.]*)?[A-Za-z0-9]";

    public static IEnumerable<string> DnsLabel(string value)
    {
        if (value.Length > 63)
            yield return MaxLength(63);
        if (!IsDnsLabel(value))
        {
            yield return Regex(
                "a lowercase RFC 1123 label must consist of lower case alphanumeric characters or '-', and must start and end with an alphanumeric character",
                LabelFormat, "my-name", "123-abc");
        }
    }

    public static IEnumerable<string> Dns1035Label(string value)
    {
        if (value.Length > 63)
            yield return MaxLength(63);
        if (!IsDnsLabel(value) || !char.IsAsciiLetterLower(value[0]))
        {
            yield return Regex(
                "a DNS-1035 label must consist of lower case alphanumeric characters or '-', start with an alphabetic character, and end with an alphanumeric character",
                "[a-z]([-a-z0-9]*[a-z0-9])?", "my-name", "abc-123");
        }
    }

    public static IEnumerable<string> DnsSubdomain(string value)
    {
        if (value.Length > 253)
            yield return MaxLength(253);
        if (!value.Split('.').All(IsDnsLabel))
        {
            yield return Regex(
                "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start and end with an alphanumeric character",
                $@"{LabelFormat}(\.{LabelFormat})*", "example.com");
        }
    }

    /// <summary>Names that only have to be one path segment: RBAC objects.</summary>
    public static IEnumerable<string> PathSegment(string value)
    {
        if (value is "." or "..")
            yield return $"may not be '{value}'";
        foreach (var illegal in "/%")
        {
            if (value.Contains(illegal, StringComparison.Ordinal))
                yield return $"may not contain '{illegal}'";
        }
    }

    /// <summary>A label or annotation key: an optional DNS subdomain and <c>/</c>, then a name.</summary>
    public static IEnumerable<string> QualifiedName(string value)
    {
        var parts = value.Split('/');
        var name = parts[^1];
        if (parts.Length > 2)
        {
            yield return "a qualified name " + Regex(
                "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
                QualifiedFormat, "MyName", "my.name", "123-abc") + " with an optional DNS subdomain prefix and '/' (e.g. 'example.com/MyName')";
            yield break;
        }

        if (parts.Length == 2)
        {
            if (parts[0].Length == 0)
                yield return "prefix part must be non-empty";
            else
            {
                foreach (var problem in DnsSubdomain(parts[0]))
                    yield return "prefix part " + problem;
            }
        }

        if (name.Length == 0)
            yield return "name part must be non-empty";
        else if (name.Length > 63)
            yield return "name part " + MaxLength(63);
        if (!IsQualified(name))
        {
            yield return "name part " + Regex(
                "must consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
                QualifiedFormat, "MyName", "my.name", "123-abc");
        }
    }

    public static IEnumerable<string> LabelValue(string value)
    {
        if (value.Length > 63)
            yield return MaxLength(63);
        if (value.Length > 0 && !IsQualified(value))
        {
            yield return Regex(
                "a valid label must be an empty string or consist of alphanumeric characters, '-', '_' or '.', and must start and end with an alphanumeric character",
                $"({QualifiedFormat})?", "MyValue", "my_value", "12345");
        }
    }

    /// <summary>A key of a ConfigMap or Secret.</summary>
    public static IEnumerable<string> ConfigKey(string value)
    {
        if (value.Length > 253)
            yield return MaxLength(253);
        if (value.Length == 0 || !value.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.'))
            yield return Regex("a valid config key must consist of alphanumeric characters, '-', '_' or '.'", "[-._a-zA-Z0-9]+", "key.name", "KEY_NAME", "key-name");
        else if (value is "." or "..")
            yield return $"must not be '{value}'";
        else if (value.StartsWith("..", StringComparison.Ordinal))
            yield return "must not start with '..'";
    }

    /// <summary>A port's name (IANA service name).</summary>
    public static IEnumerable<string> PortName(string value)
    {
        if (value.Length > 15)
            yield return "must be no more than 15 characters";
        if (!value.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-'))
            yield return "must contain only alpha-numeric characters (a-z, 0-9), and hyphens (-)";
        if (!value.Any(char.IsAsciiLetterLower))
            yield return "must contain at least one letter (a-z)";
        if (value.Contains("--", StringComparison.Ordinal))
            yield return "must not contain consecutive hyphens";
        if (value.Length > 0 && (value[0] == '-' || value[^1] == '-'))
            yield return "must not begin or end with a hyphen";
    }

    public static IEnumerable<string> EnvironmentName(string value)
    {
        if (value.Length == 0 || value.Any(c => c is < ' ' or > '~' or '='))
        {
            yield return "a valid environment variable name must consist only of printable ASCII characters other than '='";
        }
    }

    private static bool IsDnsLabel(string value) =>
        value.Length > 0 && value.All(c => char.IsAsciiLetterLower(c) || char.IsAsciiDigit(c) || c == '-') && value[0] != '-' && value[^1] != '-';

    private static bool IsQualified(string value) =>
        value.Length > 0 && value.All(c => char.IsAsciiLetterOrDigit(c) || c is '-' or '_' or '.') && char.IsAsciiLetterOrDigit(value[0]) && char.IsAsciiLetterOrDigit(value[^1]);

    private static string MaxLength(int max) => string.Create(CultureInfo.InvariantCulture, $"must be no more than {max} bytes");

    // The two blanks before "or" are the real server's.
    private static string Regex(string message, string format, params string[] examples) =>
        $"{message} (e.g. {string.Join(",  or ", examples.Select(example => $"'{example}'"))}, regex used for validation is '{format}')";
}
