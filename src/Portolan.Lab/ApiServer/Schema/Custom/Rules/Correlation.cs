using System.Text.Json.Nodes;

namespace Portolan.Lab.ApiServer.Schema.Custom.Rules;

/// <summary>A value of a changed object and what it was before, as far as the two can be told to be the same place.</summary>
/// <param name="Now">The value.</param>
/// <param name="Before">What it was; null when there was none, or it cannot be told.</param>
/// <param name="Around">The value that it is a part of; null at the root.</param>
internal sealed record Correlation(JsonNode Now, JsonNode? Before, Correlation? Around)
{
    private bool? _unchanged;

    /// <summary>
    /// Whether a broken rule of this value is none of this change's making: it, or what is around it where it cannot be told itself, is as it was.
    /// Such objects could otherwise not be changed at all after their definition got stricter.
    /// </summary>
    public bool IsUnchanged => _unchanged ??= Before is not null ? JsonNode.DeepEquals(Now, Before) : Around?.IsUnchanged == true;

    public Correlation Member(string name, JsonNode value) => new(value, (Before as JsonObject)?[name], this);

    /// <summary>Items can be told by their keys only.</summary>
    public Correlation Item(JsonNode value, StructuralSchema list) => new(value, list.List == ListKind.Map ? Find(value as JsonObject, list.ListKeys) : null, this);

    private JsonNode? Find(JsonObject? item, IReadOnlyList<string> keys) =>
        item is null ? null : (Before as JsonArray)?.OfType<JsonObject>().FirstOrDefault(old => keys.All(key => JsonNode.DeepEquals(item[key], old[key])));
}
