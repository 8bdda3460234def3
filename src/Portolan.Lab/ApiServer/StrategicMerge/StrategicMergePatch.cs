using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.StrategicMerge;

/// <summary>
/// Strategic merge patch: like a JSON merge patch, but lists whose type says so are merged by key, and directives
/// (<c>$patch</c>, <c>$retainKeys</c>, <c>$setElementOrder/…</c>, <c>$deleteFromPrimitiveList/…</c>) delete, replace and order.
/// </summary>
internal static class StrategicMergePatch
{
    private const string Directive = "$patch";
    private const string RetainKeys = "$retainKeys";
    private const string ElementOrder = "$setElementOrder/";
    private const string DeleteFromList = "$deleteFromPrimitiveList/";

    /// <returns>A new object; neither argument is changed.</returns>
    /// <exception cref="FormatException">The patch contradicts the type or itself.</exception>
    public static JsonObject Apply(JsonObject original, JsonObject patch, TypeDefinition type) => MergeObject(original, patch, type);

    private static JsonObject MergeObject(JsonObject? original, JsonObject patch, TypeDefinition? type)
    {
        if (patch.TryGetPropertyValue(Directive, out var directive))
        {
            switch (Scalars.AsString(directive))
            {
                case "replace":
                    return MergeObject(null, Without(patch, Directive), type);
                case "delete":
                    return [];
                case "merge":
                    break;
                default:
                    throw new FormatException($"unknown patch type found: {directive?.ToJsonString() ?? "null"}");
            }
        }

        var result = (JsonObject?)original?.DeepClone() ?? [];
        if (patch.TryGetPropertyValue(RetainKeys, out var retained))
            Retain(result, patch, retained);

        foreach (var (name, value) in patch)
        {
            if (name is Directive or RetainKeys)
                continue;
            if (name.StartsWith(DeleteFromList, StringComparison.Ordinal))
                DeleteItems(result, name[DeleteFromList.Length..], value);
            else if (name.StartsWith(ElementOrder, StringComparison.Ordinal))
            {
                // Ordered together with the list when the patch carries one.
                var list = name[ElementOrder.Length..];
                if (!patch.ContainsKey(list) && result.ContainsKey(list) && type?.Find(list)?.Patch.HasFlag(PatchStrategy.Merge) == true)
                    MergeField(result, list, new JsonArray(), value as JsonArray, type);
            }
            else if (value is null)
                result.Remove(name);
            else
                MergeField(result, name, value, patch[ElementOrder + name] as JsonArray, type);
        }

        return result;
    }

    private static void MergeField(JsonObject result, string name, JsonNode value, JsonArray? order, TypeDefinition? type)
    {
        var field = type?.Find(name);
        switch (value)
        {
            case JsonObject body:
                var mapped = field is { Type.Shape: ValueShape.Single, Type.HasObject: true } ? field.Type.Object : null;
                var replaced = field?.Patch.HasFlag(PatchStrategy.Replace) == true;
                result[name] = MergeObject(replaced ? null : result[name] as JsonObject, body, mapped);
                break;
            case JsonArray list when field?.Patch.HasFlag(PatchStrategy.Merge) == true:
                result[name] = field.MergeKey is null
                    ? MergeScalars(result[name] as JsonArray, list, order)
                    : MergeList(result[name] as JsonArray, list, order, field);
                break;
            case JsonArray list:
                result[name] = WithoutDirectives(list);
                break;
            default:
                result[name] = value.DeepClone();
                break;
        }
    }

    private static void Retain(JsonObject result, JsonObject patch, JsonNode? retained)
    {
        if (retained is not JsonArray list)
            throw new FormatException("$retainKeys must be a list of field names");
        var keep = list.Select(key => Scalars.AsString(key) ?? "").ToHashSet(StringComparer.Ordinal);
        foreach (var (name, value) in patch)
        {
            if (!name.StartsWith('$') && value is not null && !keep.Contains(name))
                throw new FormatException($"patch has {name}, which its own $retainKeys list does not keep");
        }

        foreach (var (name, _) in result.ToArray())
        {
            if (!keep.Contains(name))
                result.Remove(name);
        }
    }

    private static void DeleteItems(JsonObject result, string name, JsonNode? items)
    {
        if (items is not JsonArray gone)
            throw new FormatException($"{DeleteFromList}{name} must be a list");
        if (result[name] is not JsonArray list)
            return;
        for (var i = list.Count - 1; i >= 0; i--)
        {
            if (gone.Any(item => JsonNode.DeepEquals(item, list[i])))
                list.RemoveAt(i);
        }
    }

    private static JsonArray MergeScalars(JsonArray? original, JsonArray patch, JsonArray? order)
    {
        var before = Clones(original);
        var merged = new List<JsonNode?>();
        foreach (var item in before.Concat(Clones(patch)))
        {
            if (!merged.Exists(there => JsonNode.DeepEquals(there, item)))
                merged.Add(item);
        }

        return Ordering.Arrange(merged, order ?? patch, before, JsonNode.DeepEquals);
    }

    private static JsonArray MergeList(JsonArray? original, JsonArray patch, JsonArray? order, FieldDefinition field)
    {
        var key = field.MergeKey!;
        var type = field.Type.HasObject ? field.Type.Object : null;
        var before = Clones(original);
        var merged = new List<JsonNode?>(before);
        var plain = new JsonArray();
        if (patch.Any(item => Scalars.AsString((item as JsonObject)?[Directive]) == "replace"))
            merged.Clear();

        foreach (var item in patch)
        {
            if (item is not JsonObject element)
                throw new FormatException($"{field.Name}: a list of objects cannot be merged with {item?.ToJsonString() ?? "null"}");
            var directive = Scalars.AsString(element[Directive]);
            if (directive == "replace" && element.Count == 1)
                continue;
            var identity = element[key] ?? throw new FormatException($"map: {element.ToJsonString()} does not contain declared merge key: {key}");
            if (directive == "delete")
            {
                merged.RemoveAll(there => SameKey(there, identity, key));
                continue;
            }

            if (directive is not (null or "replace" or "merge"))
                throw new FormatException($"unknown patch type found: {directive}");
            var at = merged.FindIndex(there => SameKey(there, identity, key));
            var result = MergeObject(at < 0 ? null : (JsonObject?)merged[at], directive is null ? element : Without(element, Directive), type);
            if (at < 0)
                merged.Add(result);
            else
                merged[at] = result;
            plain.Add((JsonNode)element.DeepClone());
        }

        if (order is not null && plain.Any(item => !order.Any(named => SameKey(named, item![key]!, key))))
            throw new FormatException($"The order in patch list:\n{plain.ToJsonString()}\n doesn't match $setElementOrder list:\n{order.ToJsonString()}\n");
        return Ordering.Arrange(merged, order ?? plain, before, (a, b) => a is JsonObject x && b is JsonObject y && JsonNode.DeepEquals(x[key], y[key]));
    }

    private static bool SameKey(JsonNode? item, JsonNode identity, string key) => item is JsonObject there && JsonNode.DeepEquals(there[key], identity);

    private static List<JsonNode?> Clones(JsonArray? list) => list is null ? [] : [.. list.Select(item => item?.DeepClone())];

    private static JsonObject Without(JsonObject from, string name)
    {
        var copy = (JsonObject)from.DeepClone();
        copy.Remove(name);
        return copy;
    }

    // A replaced list is taken as it is; nulls inside its objects mean "absent".
    private static JsonArray WithoutDirectives(JsonArray list)
    {
        var copy = new JsonArray();
        foreach (var item in list)
            copy.Add(item is JsonObject body ? MergeObject(null, body, null) : item?.DeepClone());
        return copy;
    }
}
