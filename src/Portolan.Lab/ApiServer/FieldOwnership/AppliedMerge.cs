using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.FieldOwnership;

/// <summary>Server-side apply's merge: objects field by field, sets and keyed lists item by item, anything else replaced. Nothing is taken away.</summary>
internal static class AppliedMerge
{
    /// <returns>A new object; neither argument is changed.</returns>
    public static JsonObject Merge(JsonObject live, JsonObject applied, ValueStructure structure)
    {
        var result = (JsonObject)live.DeepClone();
        MergeInto(result, applied, structure);
        return result;
    }

    private static void MergeInto(JsonObject target, JsonObject applied, ValueStructure structure)
    {
        foreach (var (name, value) in applied)
        {
            var inner = structure.Member(name);
            var there = target[name];
            switch (value)
            {
                case JsonObject body when there is JsonObject existing && inner.IsGranular(value):
                    MergeInto(existing, body, inner);
                    break;
                case JsonArray list when there is JsonArray existing && inner.IsGranular(value):
                    target[name] = MergeLists(existing, list, inner);
                    break;
                // Null is an empty object or list, which adds nothing.
                case null when there is JsonObject { Count: > 0 } or JsonArray { Count: > 0 } && inner.IsGranular(there):
                    break;
                default:
                    target[name] = value?.DeepClone();
                    break;
            }
        }
    }

    // The applied items stand in the applied order; each of the others stays before the item that it stood before, as far as both can be had.
    private static JsonArray MergeLists(JsonArray live, JsonArray applied, ValueStructure structure)
    {
        var left = live.Select(item => (Element: ListItems.Element(item, structure) ?? "", Item: item)).ToList();
        var right = applied.Select(item => (Element: PathElement.OfItem(item, structure), Item: item)).ToList();
        var inRight = right.Select(r => r.Element).ToHashSet(StringComparer.Ordinal);
        var byElement = left.GroupBy(l => l.Element, StringComparer.Ordinal).Where(g => g.Count() == 1).ToDictionary(g => g.Key, g => g.Single().Item, StringComparer.Ordinal);
        var shared = new Queue<string>(right.Select(r => r.Element).Where(e => left.Exists(l => l.Element == e)));
        var result = new JsonArray();
        int l = 0, r = 0;
        while (l < left.Count || r < right.Count)
        {
            if (l < left.Count && !inRight.Contains(left[l].Element))
            {
                result.Add(left[l++].Item?.DeepClone());
                continue;
            }

            // An item of both lists that is not the next one in the applied order has its place later, or had it already.
            if (l < left.Count && (r == right.Count || (shared.Count > 0 && shared.Peek() != left[l].Element && right[r].Element != left[l].Element)))
            {
                l++;
                continue;
            }

            if (r == right.Count) continue;
            var (element, item) = right[r++];
            result.Add(MergeItem(byElement.GetValueOrDefault(element), item, structure.Items ?? ValueStructure.Leaf));
            if (shared.Count == 0 || shared.Peek() != element) continue;
            shared.Dequeue();
            if (l < left.Count && left[l].Element == element) l++;
        }

        return result;
    }

    private static JsonNode? MergeItem(JsonNode? live, JsonNode? applied, ValueStructure structure)
    {
        if (live is not JsonObject there || applied is not JsonObject body || !structure.IsGranular(applied)) return applied?.DeepClone();
        var merged = (JsonObject)there.DeepClone();
        MergeInto(merged, body, structure);
        return merged;
    }
}
