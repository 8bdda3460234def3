using System.Buffers;
using Portolan.Lab.ApiServer.Http;

namespace Portolan.Lab.ApiServer.Resources;

/// <summary>A label selector in query form: <c>app=web,tier in (a,b),!canary</c>.</summary>
internal sealed class LabelSelector
{
    private enum Operation { In, NotIn, Exists, DoesNotExist, GreaterThan, LessThan }

    private readonly record struct Requirement(string Key, Operation Operation, string[] Values);

    private static readonly SearchValues<char> NotInKeys = SearchValues.Create(" ()=!<>");

    private static readonly SearchValues<char> InValues = SearchValues.Create("-_.0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz");

    private readonly List<Requirement> _requirements = [];

    public bool IsEmpty => _requirements.Count == 0;

    public static LabelSelector Parse(string? text)
    {
        var selector = new LabelSelector();
        if (string.IsNullOrWhiteSpace(text)) return selector;
        foreach (var part in SplitOutsideParentheses(text)) selector._requirements.Add(ParseRequirement(part.Trim(), text));
        return selector;
    }

    public bool Matches(IReadOnlyList<KeyValuePair<string, string>> labels)
    {
        foreach (var requirement in _requirements)
        {
            string? value = null;
            foreach (var label in labels)
                if (label.Key == requirement.Key)
                    value = label.Value;
            var holds = requirement.Operation switch
            {
                Operation.In => value is not null && requirement.Values.Contains(value),
                Operation.NotIn => value is null || !requirement.Values.Contains(value),
                Operation.Exists => value is not null,
                Operation.DoesNotExist => value is null,
                Operation.GreaterThan => long.TryParse(value, out var v) && v > long.Parse(requirement.Values[0]),
                _ => long.TryParse(value, out var v) && v < long.Parse(requirement.Values[0]),
            };
            if (!holds) return false;
        }

        return true;
    }

    private static List<string> SplitOutsideParentheses(string text)
    {
        var parts = new List<string>();
        int depth = 0, start = 0;
        for (var i = 0; i < text.Length; i++)
        {
            if (text[i] == '(') depth++;
            else if (text[i] == ')') depth--;
            else if (text[i] == ',' && depth == 0)
            {
                parts.Add(text[start..i]);
                start = i + 1;
            }
        }

        parts.Add(text[start..]);
        return parts;
    }

    private static Requirement ParseRequirement(string part, string whole)
    {
        ApiException Bad() => ApiErrors.BadRequest($"unable to parse requirement: found '{part}' in \"{whole}\"");
        if (part.Length == 0) throw Bad();
        if (part[0] == '!') return new(CheckKey(part[1..].Trim()), Operation.DoesNotExist, []);
        if (part.EndsWith(')'))
        {
            var open = part.IndexOf('(');
            if (open < 0) throw Bad();
            var head = part[..open].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (head is not [var key, "in" or "notin"]) throw Bad();
            return new(CheckKey(key), head[1] == "in" ? Operation.In : Operation.NotIn, [.. part[(open + 1)..^1].Split(',').Select(v => CheckValue(v.Trim()))]);
        }

        foreach (var (sign, operation) in new[] { ("!=", Operation.NotIn), ("==", Operation.In), ("=", Operation.In), (">", Operation.GreaterThan), ("<", Operation.LessThan) })
        {
            var at = part.IndexOf(sign, StringComparison.Ordinal);
            if (at < 0) continue;
            var value = part[(at + sign.Length)..].Trim();
            if (operation is Operation.GreaterThan or Operation.LessThan && !long.TryParse(value, out _)) throw Bad();
            return new(CheckKey(part[..at].Trim()), operation, [CheckValue(value)]);
        }

        return new(CheckKey(part), Operation.Exists, []);

        string CheckValue(string value) =>
            value.Length == 0 || (value.Length <= 63 && char.IsAsciiLetterOrDigit(value[0]) && char.IsAsciiLetterOrDigit(value[^1]) && !value.AsSpan().ContainsAnyExcept(InValues))
                ? value
                : throw Bad();

        string CheckKey(string key) => key.Length > 0 && !key.AsSpan().ContainsAny(NotInKeys) ? key : throw Bad();
    }
}
