using System.Globalization;
using System.Text.Json;

namespace Portolan.Lab.ApiServer.Schema;

/// <summary>
/// The simple paths that printer columns and scale subresources use: <c>.a.b</c>, <c>.a[0]</c>, <c>.a['b.c']</c>, <c>.a[*]</c>,
/// <c>.a[?(@.type=="Ready")].status</c>; a dot inside a name is written <c>\.</c>.
/// </summary>
internal sealed class JsonPath
{
    private readonly IReadOnlyList<Step> _steps;

    private JsonPath(IReadOnlyList<Step> steps) => _steps = steps;

    /// <returns>Null when the text is not such a path.</returns>
    public static JsonPath? TryParse(string text)
    {
        text = text.Trim();
        if (text.StartsWith('{') && text.EndsWith('}'))
            text = text[1..^1];
        if (text.StartsWith('$'))
            text = text[1..];
        var steps = new List<Step>();
        var at = 0;
        while (at < text.Length)
        {
            var step = text[at] switch
            {
                '.' => ReadName(text, ref at),
                '[' => ReadBracket(text, ref at),
                _ => null,
            };
            if (step is null)
                return null;
            steps.Add(step.Value);
        }

        return steps.Count == 0 ? null : new JsonPath(steps);
    }

    /// <summary>Every value the path leads to; none when it leads nowhere.</summary>
    public IReadOnlyList<JsonElement> Find(JsonElement root)
    {
        List<JsonElement> found = [root];
        foreach (var step in _steps)
        {
            found = [.. found.SelectMany(step.From)];
            if (found.Count == 0)
                break;
        }

        return found;
    }

    private static Step? ReadName(string text, ref int at)
    {
        var name = new System.Text.StringBuilder();
        for (at++; at < text.Length && text[at] is not ('.' or '['); at++)
        {
            if (text[at] == '\\' && at + 1 < text.Length)
                at++;
            name.Append(text[at]);
        }

        return name.Length == 0 ? null : name.Length == 1 && name[0] == '*' ? new Step(StepKind.All, "", 0, null) : new Step(StepKind.Name, name.ToString(), 0, null);
    }

    private static Step? ReadBracket(string text, ref int at)
    {
        var end = BracketEnd(text, at);
        if (end < 0)
            return null;
        var inner = text[(at + 1)..end].Trim();
        at = end + 1;
        if (inner == "*")
            return new Step(StepKind.All, "", 0, null);
        if (int.TryParse(inner, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var index))
            return new Step(StepKind.Index, "", index, null);
        if (Unquote(inner) is { } name)
            return new Step(StepKind.Name, name.Replace("\\.", ".", StringComparison.Ordinal), 0, null);
        if (!inner.StartsWith("?(", StringComparison.Ordinal) || !inner.EndsWith(')'))
            return null;
        var filter = inner[2..^1].Trim();
        var equals = filter.IndexOf("==", StringComparison.Ordinal);
        if (!filter.StartsWith('@') || equals < 0)
            return null;
        var path = TryParse(filter[1..equals].Trim());
        var wanted = filter[(equals + 2)..].Trim();
        return path is null ? null : new Step(StepKind.Filter, Unquote(wanted) ?? wanted, 0, path);
    }

    private static int BracketEnd(string text, int start)
    {
        var quote = '\0';
        var depth = 0;
        for (var i = start; i < text.Length; i++)
        {
            var c = text[i];
            if (quote != '\0')
            {
                if (c == quote)
                    quote = '\0';
            }
            else if (c is '\'' or '"')
                quote = c;
            else if (c == '[')
                depth++;
            else if (c == ']' && --depth == 0)
                return i;
        }

        return -1;
    }

    private static string? Unquote(string text) => text.Length >= 2 && text[0] is '\'' or '"' && text[^1] == text[0] ? text[1..^1] : null;

    private enum StepKind
    {
        Name,
        Index,
        All,
        Filter,
    }

    private readonly record struct Step(StepKind Kind, string Text, int Index, JsonPath? Inner)
    {
        public IEnumerable<JsonElement> From(JsonElement value)
        {
            switch (Kind)
            {
                case StepKind.Name:
                    if (value.ValueKind == JsonValueKind.Object && value.TryGetProperty(Text, out var member))
                        yield return member;
                    break;
                case StepKind.Index:
                    if (value.ValueKind != JsonValueKind.Array)
                        break;
                    var length = value.GetArrayLength();
                    var index = Index < 0 ? length + Index : Index;
                    if (index >= 0 && index < length)
                        yield return value[index];
                    break;
                case StepKind.All:
                    foreach (var item in Children(value))
                        yield return item;
                    break;
                default:
                    foreach (var item in Children(value))
                    {
                        foreach (var found in Inner!.Find(item))
                        {
                            if (Shown(found) == Text)
                            {
                                yield return item;
                                break;
                            }
                        }
                    }

                    break;
            }
        }

        private static IEnumerable<JsonElement> Children(JsonElement value) => value.ValueKind switch
        {
            JsonValueKind.Array => value.EnumerateArray(),
            JsonValueKind.Object => value.EnumerateObject().Select(member => member.Value),
            _ => [],
        };

        private static string Shown(JsonElement value) => value.ValueKind == JsonValueKind.String ? value.GetString()! : value.GetRawText();
    }
}
