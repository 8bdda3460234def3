using System.Text.Json;

namespace Portolan.Lab.ApiServer.Http;

/// <summary>
/// A schema of an OpenAPI v3 document as gnostic's <c>openapi.v2.Schema</c>. Version 2 has fewer words: what may be null, or hold fields nobody knows, is left without a type there,
/// so that clients that validate by it do not refuse what the server takes.
/// </summary>
internal static class GnosticSchema
{
    private const string From = "#/components/schemas/", To = "#/definitions/";

    /// <summary>A NamedSchema in a field of the given number.</summary>
    public static byte[] WriteNamed(int number, JsonProperty schema) => Gnostic.Field(number, [.. Gnostic.Field(1, schema.Name), .. Gnostic.Field(2, Write(schema.Value))]);

    private static byte[] Write(JsonElement schema)
    {
        var result = new MemoryStream();
        if (schema.ValueKind != JsonValueKind.Object)
            return [];
        if (Reference(schema) is { } reference)
            result.Write(Gnostic.Field(1, To + reference[From.Length..]));
        if (Text(schema, "format") is { } format)
            result.Write(Gnostic.Field(2, format));
        if (Text(schema, "description") is { } description)
            result.Write(Gnostic.Field(4, description));
        if (!Is(schema, "nullable") && !Is(schema, "x-kubernetes-preserve-unknown-fields") && !Is(schema, "x-kubernetes-int-or-string"))
            WriteShape(result, schema);
        foreach (var member in schema.EnumerateObject())
            if (member.Name.StartsWith("x-", StringComparison.Ordinal))
                result.Write(Gnostic.Field(31, Gnostic.Extension(member.Name, member.Value.GetRawText())));
        return result.ToArray();
    }

    private static void WriteShape(MemoryStream result, JsonElement schema)
    {
        // A choice of scalars is a string there, which takes every scalar.
        var type = Text(schema, "type") ?? (schema.TryGetProperty("oneOf", out _) ? "string" : null);
        if (type is "object" && schema.TryGetProperty("required", out var required) && required.ValueKind == JsonValueKind.Array)
            foreach (var name in required.EnumerateArray())
                if (name.ValueKind == JsonValueKind.String)
                    result.Write(Gnostic.Field(19, name.GetString()!));
        if (schema.TryGetProperty("additionalProperties", out var additional))
            result.Write(Gnostic.Field(21, additional.ValueKind == JsonValueKind.Object ? Gnostic.Field(1, Write(additional)) : Gnostic.Field(2, additional.ValueKind == JsonValueKind.True)));
        if (type is not null)
            result.Write(Gnostic.Field(22, Gnostic.Field(1, type)));
        if (type is "array")
            result.Write(Gnostic.Field(23, Gnostic.Field(1, schema.TryGetProperty("items", out var items) ? Write(items) : [])));
        if (schema.TryGetProperty("properties", out var properties) && properties.ValueKind == JsonValueKind.Object)
        {
            var fields = new MemoryStream();
            foreach (var property in properties.EnumerateObject())
                fields.Write(WriteNamed(1, property));
            result.Write(Gnostic.Field(25, fields.ToArray()));
        }
    }

    /// <summary>The reference of the schema, also where it is wrapped because it has siblings.</summary>
    private static string? Reference(JsonElement schema)
    {
        if (Text(schema, "$ref") is { } reference)
            return reference.StartsWith(From, StringComparison.Ordinal) ? reference : null;
        return schema.TryGetProperty("allOf", out var all) && all.ValueKind == JsonValueKind.Array && all.GetArrayLength() == 1 && all[0].ValueKind == JsonValueKind.Object
            && Text(all[0], "$ref") is { } wrapped && wrapped.StartsWith(From, StringComparison.Ordinal) ? wrapped : null;
    }

    private static string? Text(JsonElement schema, string name) => schema.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.String ? value.GetString() : null;

    private static bool Is(JsonElement schema, string name) => schema.TryGetProperty(name, out var value) && value.ValueKind == JsonValueKind.True;
}
