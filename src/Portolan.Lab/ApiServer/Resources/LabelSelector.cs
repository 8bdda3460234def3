using System.Buffers;
using System.Buffers.Text;
using System.Text;
using System.Text.Json;
using Portolan.Lab.ApiServer.Http;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.ApiServer.Resources;

/// <summary>A label selector in query form: <c>app=web,tier in (a,b),!canary</c>.</summary>
internal sealed class LabelSelector
{
    private enum Operation { In, NotIn, Exists, DoesNotExist, GreaterThan, LessThan }

    private readonly record struct Requirement(byte[] Key, Operation Operation, byte[][] Values, long Bound);

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

    /// <summary>Reads the labels where they are stored: a watch asks this of every event.</summary>
    public bool Matches(StoredObject obj)
    {
        foreach (var requirement in _requirements)
            if (!Holds(requirement, obj.LabelsReader()))
                return false;
        return true;
    }

    private static bool Holds(in Requirement requirement, Utf8JsonReader labels)
    {
        var exists = false;
        while (!exists && labels.Read() && labels.TokenType == JsonTokenType.PropertyName)
        {
            exists = labels.ValueTextEquals(requirement.Key);
            labels.Read();
        }

        return requirement.Operation switch
        {
            Operation.In => exists && IsOneOf(ref labels, requirement.Values),
            Operation.NotIn => !exists || !IsOneOf(ref labels, requirement.Values),
            Operation.Exists => exists,
            Operation.DoesNotExist => !exists,
            Operation.GreaterThan => exists && TryWhole(ref labels, out var v) && v > requirement.Bound,
            _ => exists && TryWhole(ref labels, out var v) && v < requirement.Bound,
        };
    }

    private static bool IsOneOf(ref Utf8JsonReader label, byte[][] values)
    {
        foreach (var value in values)
            if (label.ValueTextEquals(value))
                return true;
        return false;
    }

    private static bool TryWhole(ref Utf8JsonReader label, out long value) =>
        Utf8Parser.TryParse(label.ValueSpan, out value, out var length) && length == label.ValueSpan.Length;

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
        if (part[0] == '!') return new(CheckKey(part[1..].Trim()), Operation.DoesNotExist, [], 0);
        if (part.EndsWith(')'))
        {
            var open = part.IndexOf('(');
            if (open < 0) throw Bad();
            var head = part[..open].Split(' ', StringSplitOptions.RemoveEmptyEntries);
            if (head is not [var key, "in" or "notin"]) throw Bad();
            return new(CheckKey(key), head[1] == "in" ? Operation.In : Operation.NotIn, [.. part[(open + 1)..^1].Split(',').Select(v => CheckValue(v.Trim()))], 0);
        }

        foreach (var (sign, operation) in new[] { ("!=", Operation.NotIn), ("==", Operation.In), ("=", Operation.In), (">", Operation.GreaterThan), ("<", Operation.LessThan) })
        {
            var at = part.IndexOf(sign, StringComparison.Ordinal);
            if (at < 0) continue;
            var value = part[(at + sign.Length)..].Trim();
            var bound = 0L;
            if (operation is Operation.GreaterThan or Operation.LessThan && !long.TryParse(value, out bound)) throw Bad();
            return new(CheckKey(part[..at].Trim()), operation, [CheckValue(value)], bound);
        }

        return new(CheckKey(part), Operation.Exists, [], 0);

        byte[] CheckValue(string value) =>
            value.Length == 0 || (value.Length <= 63 && char.IsAsciiLetterOrDigit(value[0]) && char.IsAsciiLetterOrDigit(value[^1]) && !value.AsSpan().ContainsAnyExcept(InValues))
                ? Encoding.UTF8.GetBytes(value)
                : throw Bad();

        byte[] CheckKey(string key) => key.Length > 0 && !key.AsSpan().ContainsAny(NotInKeys) ? Encoding.UTF8.GetBytes(key) : throw Bad();
    }
}
