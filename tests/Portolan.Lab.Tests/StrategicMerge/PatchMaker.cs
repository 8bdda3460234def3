using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.Tests.StrategicMerge;

/// <summary>Makes the strategic merge patch from one object to another, the way a client does: deletions, changes, and the order of each merged list.</summary>
internal static class PatchMaker
{
    public static JsonObject Between(JsonObject from, JsonObject to, TypeDefinition? type)
    {
        var patch = new JsonObject();
        foreach (var (name, _) in from)
        {
            if (!to.ContainsKey(name))
                patch[name] = null;
        }

        foreach (var (name, value) in to)
        {
            var field = type?.Find(name);
            switch (value, from[name])
            {
                case (JsonObject after, JsonObject before):
                    var inner = Between(before, after, field is { Type.HasObject: true } ? field.Type.Object : null);
                    if (inner.Count > 0)
                        patch[name] = inner;
                    break;
                case (JsonArray after, JsonArray before) when field?.Patch.HasFlag(PatchStrategy.Merge) == true:
                    List(patch, before, after, field);
                    break;
                default:
                    if (!JsonNode.DeepEquals(value, from[name]))
                        patch[name] = value?.DeepClone();
                    break;
            }
        }

        return patch;
    }

    private static void List(JsonObject patch, JsonArray before, JsonArray after, FieldDefinition field)
    {
        var changes = new JsonArray();
        var gone = new JsonArray();
        foreach (var item in before)
        {
            if (Find(after, item, field.MergeKey) is not null)
                continue;
            if (field.MergeKey is { } key)
                changes.Add((JsonNode)new JsonObject { [key] = item![key]!.DeepClone(), ["$patch"] = "delete" });
            else
                gone.Add(item!.DeepClone());
        }

        foreach (var item in after)
        {
            var there = Find(before, item, field.MergeKey);
            if (there is null)
                changes.Add(item!.DeepClone());
            else if (field.MergeKey is { } key && !JsonNode.DeepEquals(there, item))
            {
                var change = Between((JsonObject)there, (JsonObject)item!, field.Type.Object);
                change[key] = item![key]!.DeepClone();
                changes.Add((JsonNode)change);
            }
        }

        if (changes.Count > 0)
            patch[field.Name] = changes;
        if (gone.Count > 0)
            patch["$deleteFromPrimitiveList/" + field.Name] = gone;
        if (!JsonNode.DeepEquals(before, after))
            patch["$setElementOrder/" + field.Name] = new JsonArray([.. after.Select(item => field.MergeKey is { } key ? new JsonObject { [key] = item![key]!.DeepClone() } : item!.DeepClone())]);
    }

    private static JsonNode? Find(JsonArray list, JsonNode? item, string? key) =>
        list.FirstOrDefault(there => key is null ? JsonNode.DeepEquals(there, item) : JsonNode.DeepEquals(there![key], item![key]));
}
