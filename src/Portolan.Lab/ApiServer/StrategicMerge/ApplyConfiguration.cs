using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.StrategicMerge;

/// <summary>How one field takes in an applied value.</summary>
/// <param name="IsAtomic">The applied value replaces the live one whole.</param>
/// <param name="Children">The rules inside the field's object, or inside each element of its list; null when they are not known.</param>
internal readonly record struct MergeRule(bool IsAtomic, ListKind List, IReadOnlyList<string> Keys, IMergeRules? Children);

/// <summary>The merge rules of one object: by type for built-in kinds, by structural schema for custom ones.</summary>
internal interface IMergeRules
{
    MergeRule For(string field);
}

/// <summary>Server-side apply's merge: objects field by field, associative lists by key, sets as unions, anything else replaced. Nothing is taken away.</summary>
internal static class ApplyConfiguration
{
    public static JsonObject Merge(JsonObject live, JsonObject applied, IMergeRules? rules)
    {
        var result = (JsonObject)live.DeepClone();
        foreach (var (name, value) in applied)
        {
            var rule = rules?.For(name) ?? new MergeRule(false, ListKind.Atomic, [], null);
            result[name] = (value, result[name]) switch
            {
                (JsonObject body, JsonObject there) when !rule.IsAtomic => Merge(there, body, rule.Children),
                (JsonArray list, JsonArray there) when rule.List == ListKind.Map => MergeByKey(there, list, rule),
                (JsonArray list, JsonArray there) when rule.List == ListKind.Set => Union(there, list),
                _ => value?.DeepClone(),
            };
        }

        return result;
    }

    private static JsonArray MergeByKey(JsonArray live, JsonArray applied, MergeRule rule)
    {
        var merged = live.Select(item => item?.DeepClone()).ToList();
        foreach (var item in applied)
        {
            var at = merged.FindIndex(there => SameKeys(there, item, rule.Keys));
            if (at < 0)
                merged.Add(item?.DeepClone());
            else if (merged[at] is JsonObject there && item is JsonObject body)
                merged[at] = Merge(there, body, rule.Children);
        }

        return Ordering.Arrange(merged, applied, [.. live], (a, b) => SameKeys(a, b, rule.Keys));
    }

    private static JsonArray Union(JsonArray live, JsonArray applied)
    {
        var result = (JsonArray)live.DeepClone();
        foreach (var item in applied)
        {
            if (!result.Any(there => JsonNode.DeepEquals(there, item)))
                result.Add(item?.DeepClone());
        }

        return result;
    }

    private static bool SameKeys(JsonNode? a, JsonNode? b, IReadOnlyList<string> keys)
    {
        if (a is not JsonObject left || b is not JsonObject right)
            return false;
        foreach (var key in keys)
        {
            if (!JsonNode.DeepEquals(KeyValue(left, key), KeyValue(right, key)))
                return false;
        }

        return true;
    }

    // A port's protocol is part of its key and is TCP when not written.
    private static JsonNode? KeyValue(JsonObject item, string key) => item[key] ?? (key == "protocol" ? JsonValue.Create("TCP") : null);
}
