namespace Portolan.Core.Cluster;

/// <summary>How labels may be written (Kubernetes: qualified names as keys, short words as values).</summary>
internal static class LabelSyntax
{
    public const string KeyRule = "is not a label key: an optional DNS name and '/', then up to 63 letters, digits, '-', '_' or '.'";
    public const string ValueRule = "is not a label value: up to 63 letters, digits, '-', '_' or '.', beginning and ending with a letter or digit";

    public static bool IsKey(string key)
    {
        var slash = key.IndexOf('/', StringComparison.Ordinal);
        var name = key.AsSpan(slash + 1);
        return name.Length > 0 && IsWord(name) && (slash < 0 || IsDnsName(key.AsSpan(0, slash)));
    }

    public static bool IsValue(string? value) => value is not null && IsWord(value);

    private static bool IsWord(ReadOnlySpan<char> word)
    {
        if (word.IsEmpty)
            return true;
        if (word.Length > 63 || !char.IsAsciiLetterOrDigit(word[0]) || !char.IsAsciiLetterOrDigit(word[^1]))
            return false;
        foreach (var c in word)
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('-' or '_' or '.'))
                return false;
        return true;
    }

    private static bool IsDnsName(ReadOnlySpan<char> name)
    {
        if (name.Length is 0 or > 253)
            return false;
        foreach (var part in name.Split('.'))
        {
            var label = name[part];
            if (label.Length == 0 || !IsWord(label))
                return false;
            foreach (var c in label)
                if (!char.IsAsciiLetterLower(c) && !char.IsAsciiDigit(c) && c != '-')
                    return false;
        }

        return true;
    }
}
