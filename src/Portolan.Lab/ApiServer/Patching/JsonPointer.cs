using System.Globalization;
using System.Text.Json.Nodes;

namespace Portolan.Lab.ApiServer.Patching;

/// <summary>A place in a JSON document (RFC 6901).</summary>
internal readonly struct JsonPointer
{
    private readonly string _text;
    private readonly ReadOnlyMemory<string> _steps;

    private JsonPointer(string text, ReadOnlyMemory<string> steps) => (_text, _steps) = (text, steps);

    public bool IsRoot => _steps.IsEmpty;

    public int Length => _steps.Length;

    public string Last => _steps.Span[^1];

    public JsonPointer Parent => new(_text, _steps[..^1]);

    /// <exception cref="JsonPatchException">The text is not a pointer.</exception>
    public static JsonPointer Parse(string text)
    {
        if (text.Length == 0) return new(text, default);
        if (text[0] != '/') throw new JsonPatchException($"the pointer {text} does not begin with /");
        var steps = text[1..].Split('/');
        for (var i = 0; i < steps.Length; i++)
        {
            // "~01" is "~1" and not "/": one after the other would be wrong the other way round.
            if (steps[i].Contains('~', StringComparison.Ordinal))
                steps[i] = steps[i].Replace("~1", "/", StringComparison.Ordinal).Replace("~0", "~", StringComparison.Ordinal);
        }

        return new(text, steps);
    }

    /// <summary>Whether the other lies strictly below this one.</summary>
    public bool IsPrefixOf(JsonPointer other) => other.Length > Length && other._steps.Span[..Length].SequenceEqual(_steps.Span);

    public bool Equals(JsonPointer other) => _steps.Span.SequenceEqual(other._steps.Span);

    public bool TryFind(JsonNode? root, out JsonNode? value)
    {
        value = root;
        foreach (var step in _steps.Span)
        {
            switch (value)
            {
                case JsonObject obj when obj.TryGetPropertyValue(step, out var member):
                    value = member;
                    break;
                case JsonArray array when Index(step, array.Count - 1) is { } index:
                    value = array[index];
                    break;
                default:
                    return false;
            }
        }

        return true;
    }

    /// <returns>Null when the step is no index, or beyond <paramref name="max"/>.</returns>
    public static int? Index(string step, int max) =>
        int.TryParse(step, NumberStyles.None, CultureInfo.InvariantCulture, out var index) && index <= max && (step.Length == 1 || step[0] != '0') ? index : null;

    public override string ToString() => _text;
}
