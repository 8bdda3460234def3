using System.Text.Json.Nodes;

namespace Portolan.Lab.Workloads;

/// <summary>Reading objects whose shape the API server has already checked: a missing field on the way is a missing value.</summary>
internal static class JsonPaths
{
    public static JsonNode? At(this JsonNode? node, params ReadOnlySpan<string> path)
    {
        foreach (var field in path)
            node = (node as JsonObject)?[field];
        return node;
    }

    public static string? Text(this JsonNode? node, params ReadOnlySpan<string> path) =>
        node.At(path) is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    public static long? Number(this JsonNode? node, params ReadOnlySpan<string> path) =>
        node.At(path) is JsonValue value && value.TryGetValue<long>(out var number) ? number : null;

    public static bool Flag(this JsonNode? node, params ReadOnlySpan<string> path) =>
        node.At(path) is JsonValue value && value.TryGetValue<bool>(out var flag) && flag;

    public static IEnumerable<JsonObject> Objects(this JsonNode? node, params ReadOnlySpan<string> path) =>
        (node.At(path) as JsonArray)?.OfType<JsonObject>() ?? [];

    public static IEnumerable<string> Texts(this JsonNode? node, params ReadOnlySpan<string> path) =>
        (node.At(path) as JsonArray)?.Select(n => (string?)n ?? "") ?? [];

    public static Dictionary<string, string> Map(this JsonNode? node, params ReadOnlySpan<string> path) =>
        (node.At(path) as JsonObject)?.ToDictionary(p => p.Key, p => (string?)p.Value ?? "", StringComparer.Ordinal) ?? new(StringComparer.Ordinal);

    public static JsonObject ToJson(this IEnumerable<KeyValuePair<string, string>> map) =>
        new(map.OrderBy(p => p.Key, StringComparer.Ordinal).Select(p => KeyValuePair.Create(p.Key, (JsonNode?)p.Value)));

    public static JsonArray ToJson(this IEnumerable<JsonNode> nodes) => new([.. nodes]);

    public static JsonArray ToJson(this IEnumerable<string> texts) => new([.. texts.Select(t => (JsonNode)t!)]);

    /// <summary>An int-or-percent against a whole, as Deployments and DaemonSets scale it.</summary>
    public static int Scaled(this JsonNode? node, int total, bool roundUp)
    {
        if (node.Number() is { } number)
            return (int)number;
        if (node.Text() is { } text && text.EndsWith('%') && int.TryParse(text[..^1], out var percent))
            return roundUp ? (int)Math.Ceiling(total * percent / 100.0) : (int)Math.Floor(total * percent / 100.0);
        return 0;
    }
}
