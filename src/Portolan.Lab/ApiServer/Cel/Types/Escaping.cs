namespace Portolan.Lab.ApiServer.Cel.Types;

/// <summary>Property names that are no identifiers of the language, written so that they are: <c>__dash__</c> for a dash, <c>__in__</c> for a keyword.</summary>
internal static class Escaping
{
    private static readonly HashSet<string> _keywords =
    [
        "true", "false", "null", "in", "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop", "package", "namespace",
        "return", "var", "void", "while",
    ];

    /// <returns>The name in expressions; null when it has none.</returns>
    public static string? Escape(string property)
    {
        if (property.Length == 0 || char.IsAsciiDigit(property[0]))
            return null;
        foreach (var c in property)
        {
            if (!char.IsAsciiLetterOrDigit(c) && c is not ('_' or '.' or '-' or '/'))
                return null;
        }

        if (_keywords.Contains(property))
            return $"__{property}__";
        return property.Replace("__", "__underscores__", StringComparison.Ordinal).Replace(".", "__dot__", StringComparison.Ordinal)
            .Replace("-", "__dash__", StringComparison.Ordinal).Replace("/", "__slash__", StringComparison.Ordinal);
    }
}
