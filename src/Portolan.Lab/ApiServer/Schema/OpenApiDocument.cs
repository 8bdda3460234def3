using System.Text.Json;
using Portolan.Lab.ApiServer.Schema.Custom;

namespace Portolan.Lab.ApiServer.Schema;

/// <summary>
/// The OpenAPI v3 document of one group-version. kubectl reads from it whether field validation and dry run are offered (PATCH operations),
/// how lists are merged (apply), and what fields there are (explain).
/// </summary>
internal static class OpenApiDocument
{
    private const string Reference = "#/components/schemas/";

    public static byte[] Write(string group, string version, IReadOnlyList<KindSchema> kinds)
    {
        using var buffer = new MemoryStream();
        using (var json = new Utf8JsonWriter(buffer))
        {
            json.WriteStartObject();
            json.WriteString("openapi", "3.0.0");
            json.WriteStartObject("info");
            json.WriteString("title", "Kubernetes");
            json.WriteString("version", "v1.33.0");
            json.WriteEndObject();
            json.WriteStartObject("paths");
            foreach (var kind in kinds)
                OpenApiPaths.Write(json, group, version, kind);
            json.WriteEndObject();
            json.WriteStartObject("components");
            json.WriteStartObject("schemas");
            foreach (var kind in kinds)
                WriteKind(json, kind);
            foreach (var type in Reachable(kinds))
                WriteType(json, type);
            WriteList(json, kinds);
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndObject();
        }

        return buffer.ToArray();
    }

    /// <summary>The component that holds a kind: <c>io.k8s.api.core.v1.Service</c>, <c>io.metallb.v1beta1.IPAddressPool</c>.</summary>
    public static string NameOf(KindSchema kind) =>
        kind is BuiltInKind builtIn ? builtIn.Type.OpenApiName : $"{string.Join('.', kind.Group.Split('.').Reverse())}.{kind.Version}.{kind.Kind}";

    public static void WriteGroupVersionKind(Utf8JsonWriter json, KindSchema kind, string? name = null)
    {
        json.WriteStartObject();
        json.WriteString("group", kind.Group);
        json.WriteString("version", kind.Version);
        json.WriteString("kind", name ?? kind.Kind);
        json.WriteEndObject();
    }

    private static void WriteKind(Utf8JsonWriter json, KindSchema kind)
    {
        switch (kind)
        {
            case BuiltInKind builtIn:
                json.WriteStartObject(builtIn.Type.OpenApiName);
                WriteTypeBody(json, builtIn.Type);
                WriteKindExtension(json, kind);
                json.WriteEndObject();
                break;
            case CustomKind custom:
                json.WriteStartObject(NameOf(kind));
                CustomOpenApi.WriteRoot(json, custom.Source, Reference + "io.k8s.apimachinery.pkg.apis.meta.v1.ObjectMeta");
                WriteKindExtension(json, kind);
                json.WriteEndObject();
                break;
        }
    }

    private static void WriteKindExtension(Utf8JsonWriter json, KindSchema kind)
    {
        json.WriteStartArray("x-kubernetes-group-version-kind");
        WriteGroupVersionKind(json, kind);
        json.WriteEndArray();
    }

    private static void WriteList(Utf8JsonWriter json, IReadOnlyList<KindSchema> kinds)
    {
        foreach (var kind in kinds)
        {
            json.WriteStartObject(NameOf(kind) + "List");
            json.WriteString("type", "object");
            json.WriteStartArray("required");
            json.WriteStringValue("items");
            json.WriteEndArray();
            json.WriteStartObject("properties");
            WriteTypeMeta(json);
            json.WriteStartObject("metadata");
            json.WriteString("$ref", Reference + "io.k8s.apimachinery.pkg.apis.meta.v1.ListMeta");
            json.WriteEndObject();
            json.WriteStartObject("items");
            json.WriteString("type", "array");
            json.WriteStartObject("items");
            json.WriteString("$ref", Reference + NameOf(kind));
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteEndObject();
            json.WriteStartArray("x-kubernetes-group-version-kind");
            WriteGroupVersionKind(json, kind, kind.ListKind);
            json.WriteEndArray();
            json.WriteEndObject();
        }
    }

    /// <summary>Every type the kinds refer to, themselves left out.</summary>
    private static List<TypeDefinition> Reachable(IReadOnlyList<KindSchema> kinds)
    {
        var library = TypeLibrary.Instance;
        var roots = kinds.OfType<BuiltInKind>().Select(kind => kind.Type).ToList();
        var seen = new HashSet<TypeDefinition>(roots);
        var queue = new Queue<TypeDefinition>(roots);
        var found = new List<TypeDefinition>();
        foreach (var common in (string[])["meta/v1.ObjectMeta", "meta/v1.ListMeta", "meta/v1.Status", "meta/v1.DeleteOptions"])
            queue.Enqueue(library.Get(common));
        while (queue.TryDequeue(out var type))
        {
            if (seen.Add(type))
                found.Add(type);
            else if (!roots.Contains(type))
                continue;
            foreach (var field in type.Fields)
            {
                if (field.Type.HasObject && !seen.Contains(field.Type.Object))
                    queue.Enqueue(field.Type.Object);
            }
        }

        return found;
    }

    private static void WriteType(Utf8JsonWriter json, TypeDefinition type)
    {
        json.WriteStartObject(type.OpenApiName);
        WriteTypeBody(json, type);
        json.WriteEndObject();
    }

    private static void WriteTypeBody(Utf8JsonWriter json, TypeDefinition type)
    {
        json.WriteString("type", "object");
        if (type.Fields.Any(field => field.Required))
        {
            json.WriteStartArray("required");
            foreach (var field in type.Fields.Where(field => field.Required))
                json.WriteStringValue(field.Name);
            json.WriteEndArray();
        }

        json.WriteStartObject("properties");
        if (type.IsObject)
            WriteTypeMeta(json);
        foreach (var field in type.Fields)
            WriteField(json, field);
        json.WriteEndObject();
    }

    private static void WriteTypeMeta(Utf8JsonWriter json)
    {
        foreach (var name in (string[])["apiVersion", "kind"])
        {
            json.WriteStartObject(name);
            json.WriteString("type", "string");
            json.WriteEndObject();
        }
    }

    private static void WriteField(Utf8JsonWriter json, FieldDefinition field)
    {
        json.WriteStartObject(field.Name);
        switch (field.Type.Shape)
        {
            case ValueShape.List:
                json.WriteString("type", "array");
                json.WriteStartObject("items");
                WriteValue(json, field.Type, isWrapped: false);
                json.WriteEndObject();
                json.WriteString("x-kubernetes-list-type", field.List.ToString().ToLowerInvariant());
                if (field.List == ListKind.Map)
                {
                    json.WriteStartArray("x-kubernetes-list-map-keys");
                    foreach (var key in field.ListKeys)
                        json.WriteStringValue(key);
                    json.WriteEndArray();
                }

                break;
            case ValueShape.Map:
                json.WriteString("type", "object");
                json.WriteStartObject("additionalProperties");
                WriteValue(json, field.Type, isWrapped: false);
                json.WriteEndObject();
                break;
            default:
                WriteValue(json, field.Type, isWrapped: field.Patch != PatchStrategy.None);
                break;
        }

        if (field.Patch != PatchStrategy.None)
        {
            json.WriteString("x-kubernetes-patch-strategy", Strategy(field.Patch));
            if (field.MergeKey is not null)
                json.WriteString("x-kubernetes-patch-merge-key", field.MergeKey);
        }

        json.WriteEndObject();
    }

    private static string Strategy(PatchStrategy strategy) => strategy switch
    {
        PatchStrategy.Merge => "merge",
        PatchStrategy.Replace => "replace",
        PatchStrategy.RetainKeys => "retainKeys",
        _ => "merge,retainKeys",
    };

    /// <param name="isWrapped">Whether the reference has siblings, which a plain <c>$ref</c> may not have.</param>
    private static void WriteValue(Utf8JsonWriter json, FieldType type, bool isWrapped)
    {
        switch (type.Kind)
        {
            case ValueKind.Object when isWrapped:
                json.WriteStartArray("allOf");
                json.WriteStartObject();
                json.WriteString("$ref", Reference + type.Object.OpenApiName);
                json.WriteEndObject();
                json.WriteEndArray();
                break;
            case ValueKind.Object:
                json.WriteString("$ref", Reference + type.Object.OpenApiName);
                break;
            case ValueKind.Strings:
                json.WriteString("type", "array");
                json.WriteStartObject("items");
                json.WriteString("type", "string");
                json.WriteEndObject();
                break;
            case ValueKind.IntOrString or ValueKind.Quantity:
                json.WriteStartArray("oneOf");
                foreach (var scalar in (string[])(type.Kind == ValueKind.Quantity ? ["string", "number"] : ["integer", "string"]))
                {
                    json.WriteStartObject();
                    json.WriteString("type", scalar);
                    json.WriteEndObject();
                }

                json.WriteEndArray();
                if (type.Kind == ValueKind.IntOrString)
                    json.WriteString("format", "int-or-string");
                break;
            case ValueKind.Any or ValueKind.SchemaOrBool or ValueKind.SchemaOrArray or ValueKind.SchemaOrStrings:
                break;
            default:
                var (name, format) = Scalar(type.Kind);
                json.WriteString("type", name);
                if (format.Length > 0)
                    json.WriteString("format", format);
                break;
        }
    }

    private static (string Type, string Format) Scalar(ValueKind kind) => kind switch
    {
        ValueKind.Int32 => ("integer", "int32"),
        ValueKind.Int64 => ("integer", "int64"),
        ValueKind.Boolean => ("boolean", ""),
        ValueKind.Double => ("number", "double"),
        ValueKind.Bytes => ("string", "byte"),
        ValueKind.Time or ValueKind.MicroTime => ("string", "date-time"),
        ValueKind.Raw => ("object", ""),
        _ => ("string", ""),
    };
}
