using System.Globalization;
using System.Text;
using System.Text.RegularExpressions;

namespace Portolan.Commands.Import;

/// <summary>
/// The little of Jinja that inventories use: a variable, its parts, text around it, and the filters default, bool, int, string, trim, lower and upper.
/// Whatever is more than that is reported as not understood, never guessed.
/// </summary>
internal static partial class JinjaExpression
{
    private const int MaximumDepth = 20;

    [GeneratedRegex(@"\{\{-?(?<expression>.*?)-?\}\}", RegexOptions.Singleline)]
    private static partial Regex Moustache { get; }

    [GeneratedRegex(@"\G\s*(?:(?<name>[A-Za-z_]\w*)|(?<number>-?\d+)|'(?<text>[^']*)'|""(?<text>[^""]*)""|(?<sign>[.|()\[\],]))")]
    private static partial Regex Token { get; }

    /// <summary>Whether a text has an expression in it.</summary>
    public static bool IsIn(string text) => text.Contains("{{", StringComparison.Ordinal) || text.Contains("{%", StringComparison.Ordinal);

    /// <summary>What a text with expressions stands for.</summary>
    /// <param name="scalar">The text.</param>
    /// <param name="lookup">The value of a variable, or null.</param>
    /// <exception cref="FormatException">Not understood, or a variable is not defined; the message says which.</exception>
    public static SourceNode Evaluate(SourceScalar scalar, Func<string, SourceNode?> lookup) => Evaluate(scalar, lookup, 0);

    private static SourceNode Evaluate(SourceScalar scalar, Func<string, SourceNode?> lookup, int depth)
    {
        if (depth > MaximumDepth)
            throw new FormatException("the variables name each other in a circle");
        if (scalar.Text.Contains("{%", StringComparison.Ordinal))
            throw new FormatException("template statements are not read here");
        if (Moustache.Match(scalar.Text.Trim()) is { Success: true } whole && whole.Length == scalar.Text.Trim().Length)
            return Value(whole.Groups["expression"].Value, scalar.Place, lookup, depth);

        var text = new StringBuilder();
        var end = 0;
        foreach (Match match in Moustache.Matches(scalar.Text))
        {
            text.Append(scalar.Text, end, match.Index - end);
            text.Append(Value(match.Groups["expression"].Value, scalar.Place, lookup, depth) is SourceScalar part ? part.Text : throw new FormatException($"{match.Value} is not a text"));
            end = match.Index + match.Length;
        }

        return new SourceScalar(text.Append(scalar.Text, end, scalar.Text.Length - end).ToString(), false, null, scalar.Place);
    }

    private static SourceNode Value(string expression, SourcePlace place, Func<string, SourceNode?> lookup, int depth)
    {
        var tokens = Tokens(expression);
        var at = 0;
        var value = Pipe();
        return at == tokens.Count ? value ?? throw new FormatException($"{{{{ {expression.Trim()} }}}}: there is no such variable here") : throw new FormatException($"{{{{ {expression.Trim()} }}}} is more than is read here");

        SourceNode? Pipe()
        {
            var result = Term();
            while (Take("|"))
                result = Filter(result);
            return result;
        }

        SourceNode? Term()
        {
            var (kind, word) = Next();
            SourceNode? result = kind switch
            {
                "text" => new SourceScalar(word, false, null, place),
                "number" => new SourceScalar(word, true, null, place),
                "name" when word is "true" or "True" or "false" or "False" => new SourceScalar(word, true, null, place),
                "name" => Resolved(lookup(word)),
                _ => throw new FormatException($"{{{{ {expression.Trim()} }}}} is more than is read here"),
            };
            while (true)
            {
                if (Take("."))
                    result = Part(result, Next().Word);
                else if (Take("["))
                {
                    result = Part(result, Next().Word);
                    if (!Take("]"))
                        throw new FormatException($"{{{{ {expression.Trim()} }}}}: a ']' is missing");
                }
                else
                    return result;
            }
        }

        SourceNode? Filter(SourceNode? input)
        {
            var (kind, name) = Next();
            if (kind == "name" && name is "default" or "d")
            {
                if (!Take("("))
                    return input ?? new SourceScalar("", false, null, place);
                var fallback = Pipe();
                var emptyToo = Take(",") && Next().Word is "true" or "True";
                if (!Take(")"))
                    throw new FormatException($"{{{{ {expression.Trim()} }}}}: a ')' is missing");
                return input is null || (emptyToo && input is SourceScalar { Text: "" or "false" or "False" }) ? fallback : input;
            }

            if (kind == "name" && input is null or SourceScalar && name is "bool" or "int" or "string" or "trim" or "lower" or "upper")
                return input is SourceScalar scalar ? name switch
                {
                    "bool" => new SourceScalar(scalar.Boolean is true || scalar.Text == "1" ? "true" : "false", true, null, place),
                    "int" => new SourceScalar(long.TryParse(scalar.Text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number) ? number.ToString(CultureInfo.InvariantCulture) : "0", true, null, place),
                    "trim" => scalar with { Text = scalar.Text.Trim() },
                    "lower" => scalar with { Text = scalar.Text.ToLowerInvariant() },
                    "upper" => scalar with { Text = scalar.Text.ToUpperInvariant() },
                    _ => scalar with { IsPlain = false },
                } : input;
            throw new FormatException($"{{{{ {expression.Trim()} }}}}: the filter {name} is not known here");
        }

        SourceNode? Part(SourceNode? whole, string name) => whole switch
        {
            SourceMap map => Resolved(map[name]),
            SourceList list when int.TryParse(name, NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index < list.Items.Count => Resolved(list.Items[index]),
            _ => null,
        };

        SourceNode? Resolved(SourceNode? node) => node is SourceScalar { Tag: null } scalar && IsIn(scalar.Text) ? Evaluate(scalar, lookup, depth + 1) : node;

        bool Take(string sign)
        {
            if (at >= tokens.Count || tokens[at] != ("sign", sign))
                return false;
            at++;
            return true;
        }

        (string Kind, string Word) Next() => at < tokens.Count ? tokens[at++] : throw new FormatException($"{{{{ {expression.Trim()} }}}} ends too early");
    }

    private static List<(string Kind, string Word)> Tokens(string expression)
    {
        var tokens = new List<(string, string)>();
        var text = expression.TrimEnd();
        for (var at = 0; at < text.Length;)
        {
            if (Token.Match(text, at) is not { Success: true } match)
                throw new FormatException($"{{{{ {expression.Trim()} }}}} is more than is read here");
            var kind = new[] { "name", "number", "text", "sign" }.First(group => match.Groups[group].Success);
            tokens.Add((kind, match.Groups[kind].Value));
            at += match.Length;
        }

        return tokens;
    }
}
