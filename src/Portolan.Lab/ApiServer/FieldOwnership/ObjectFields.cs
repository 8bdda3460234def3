using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.FieldOwnership;

/// <summary>The fields that an object sets.</summary>
internal static class ObjectFields
{
    /// <summary>
    /// Every leaf, every item of a set or keyed list, every member of a map, and what is empty or null. An item that occurs twice counts as one field.
    /// </summary>
    public static FieldSet Of(JsonNode? value, ValueStructure structure)
    {
        if (!structure.IsGranular(value)) return FieldSet.Empty;
        var entries = new List<FieldSet.Entry>();
        if (value is JsonObject body)
        {
            foreach (var (name, member) in body)
            {
                var known = structure.Field(name);
                var inner = structure.Member(name);
                var below = Of(member, inner);
                // An empty list counts like an empty object: else applying one twice would not be the same as applying it once.
                var self = known is null || member is null or JsonObject { Count: 0 } or JsonArray { Count: 0 } || !inner.IsGranular(member);
                entries.Add(new(PathElement.Field(name), self, below));
            }

            return FieldSet.Of(entries);
        }

        foreach (var (element, items) in ListItems.Index((JsonArray)value!, structure))
            entries.Add(new(element, true, items.Count == 1 ? Of(items[0], structure.Items ?? ValueStructure.Leaf) : FieldSet.Empty));
        return FieldSet.Of(entries);
    }

    /// <summary>
    /// The set with the named fields above its paths in it. Whoever owns a field of a struct owns the struct, too: it stays as long as any field of it does.
    /// </summary>
    public static FieldSet WithNamedFields(FieldSet set, ValueStructure structure)
    {
        var entries = new List<FieldSet.Entry>(set.Entries.Length);
        foreach (var entry in set.Entries)
        {
            var (named, inner) = (false, structure.Items ?? ValueStructure.Leaf);
            if (PathElement.IsField(entry.Element))
            {
                var name = PathElement.FieldName(entry.Element);
                named = !entry.Below.IsEmpty && structure.Field(name) is not null;
                inner = structure.Member(name);
            }

            entries.Add(new(entry.Element, entry.IsMember || named, WithNamedFields(entry.Below, inner)));
        }

        return FieldSet.Of(entries);
    }

    /// <summary>Takes fields out of an object, in place; and what is empty then and not among those to keep.</summary>
    public static void Remove(JsonNode? value, FieldSet fields, ValueStructure structure, FieldSet? keep = null)
    {
        if (fields.IsEmpty || !structure.IsGranular(value)) return;
        if (value is JsonObject body)
        {
            foreach (var entry in fields.Entries)
            {
                if (!PathElement.IsField(entry.Element)) continue;
                var name = PathElement.FieldName(entry.Element);
                if (entry.IsMember)
                {
                    body.Remove(name);
                }
                else if (body.TryGetPropertyValue(name, out var member) && member is not (null or JsonObject { Count: 0 } or JsonArray { Count: 0 }))
                {
                    var kept = keep?.Find(entry.Element);
                    Remove(member, entry.Below, structure.Member(name), keep is null ? null : kept?.Below ?? FieldSet.Empty);
                    if (keep is not null && kept is not { IsMember: true } && member is (JsonObject { Count: 0 } or JsonArray { Count: 0 })) body.Remove(name);
                }
            }

            return;
        }

        var list = (JsonArray)value!;
        for (var i = list.Count - 1; i >= 0; i--)
        {
            if (ListItems.Element(list[i], structure) is not { } element || fields.Find(element) is not { } entry) continue;
            if (entry.IsMember) list.RemoveAt(i);
            else Remove(list[i], entry.Below, structure.Items ?? ValueStructure.Leaf, keep is null ? null : keep.Find(element)?.Below ?? FieldSet.Empty);
        }
    }
}
