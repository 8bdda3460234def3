using Portolan.Core.Cluster;

namespace Portolan.Core.Configuration;

/// <summary>Rules that fields of several kinds share.</summary>
internal static class FieldRules
{
    public const long LargestAsn = uint.MaxValue;

    /// <summary>No value is listed twice.</summary>
    public static void Unique(string path, IReadOnlyList<string> values, ICollection<FieldError> errors)
    {
        var seen = new HashSet<string>(StringComparer.Ordinal);
        for (var i = 0; i < values.Count; i++)
            if (!seen.Add(values[i]))
                errors.Add(new FieldError($"{path}[{i}]", values[i], "is listed twice"));
    }

    /// <summary>No selector is listed twice.</summary>
    public static void Unique(string path, IReadOnlyList<LabelSelector> selectors, ICollection<FieldError> errors) =>
        Unique(path, [.. selectors.Select(selector => selector.ToString())], errors);

    /// <summary>The number, where there is one, lies in a range.</summary>
    public static void Range(string path, long? number, long least, long most, ICollection<FieldError> errors)
    {
        if (number < least || number > most)
            errors.Add(new FieldError(path, $"{number}", $"must be {least}..{most}"));
    }

    /// <summary>The text has no line break, which no file of a routing daemon and no key of a session can hold.</summary>
    public static void OneLine(string path, string text, ICollection<FieldError> errors, bool secret = false)
    {
        if (text.AsSpan().ContainsAny('\n', '\r'))
            errors.Add(new FieldError(path, secret ? "" : text.ReplaceLineEndings(" "), "must not contain a line break"));
    }

    /// <summary>Whether one of the selectors matches, or there is none.</summary>
    public static bool Selects(IReadOnlyList<LabelSelector> selectors, IReadOnlyDictionary<string, string> labels)
    {
        if (selectors.Count == 0)
            return true;
        foreach (var selector in selectors)
            if (selector.Matches(labels))
                return true;
        return false;
    }
}
