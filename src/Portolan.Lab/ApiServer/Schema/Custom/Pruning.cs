using System.Globalization;
using System.Text.Json.Nodes;

namespace Portolan.Lab.ApiServer.Schema.Custom;

/// <summary>Takes out what a schema does not name, and puts in what it says by default.</summary>
internal static class Pruning
{
    /// <param name="unknown">Receives the path of every field taken out.</param>
    public static void Prune(JsonNode? value, StructuralSchema? schema, string path, List<string> unknown)
    {
        if (schema is null)
            return;
        switch (value)
        {
            case JsonObject body:
                foreach (var (name, member) in body.ToArray())
                {
                    var at = path.Length == 0 ? name : $"{path}.{name}";
                    if ((path.Length == 0 || schema.Embedded) && name is "apiVersion" or "kind" or "metadata")
                        continue;
                    if (schema.Properties.TryGetValue(name, out var known))
                        Prune(member, known, at, unknown);
                    else if (schema.Values is not null)
                        Prune(member, schema.Values, at, unknown);
                    else if (!schema.AnyValues && !schema.PreserveUnknown)
                    {
                        unknown.Add(at);
                        body.Remove(name);
                    }
                }

                break;
            case JsonArray list:
                for (var i = 0; i < list.Count; i++)
                    Prune(list[i], schema.Items, string.Create(CultureInfo.InvariantCulture, $"{path}[{i}]"), unknown);
                break;
        }
    }

    public static void Default(JsonNode? value, StructuralSchema schema)
    {
        switch (value)
        {
            case JsonObject body:
                foreach (var (name, known) in schema.Properties)
                {
                    // A null where none may be, and a default for it: as if the field were not there.
                    if (known.Default is not null && (!body.TryGetPropertyValue(name, out var given) || (given is null && !known.Nullable)))
                        body[name] = known.Default.DeepClone();
                    Default(body[name], known);
                }

                if (schema.Values is null)
                    break;
                foreach (var (name, member) in body.ToArray())
                {
                    if (schema.Properties.ContainsKey(name))
                        continue;
                    if (member is null && schema.Values is { Nullable: false, Default: { } preset })
                        body[name] = preset.DeepClone();
                    Default(body[name], schema.Values);
                }

                break;
            case JsonArray list when schema.Items is not null:
                for (var i = 0; i < list.Count; i++)
                {
                    if (list[i] is null && schema.Items is { Nullable: false, Default: { } preset })
                        list[i] = preset.DeepClone();
                    Default(list[i], schema.Items);
                }

                break;
        }
    }
}
