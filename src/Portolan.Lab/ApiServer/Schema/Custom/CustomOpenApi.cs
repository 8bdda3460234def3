using System.Text.Json;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Schema.Custom;

/// <summary>A definition's schema as OpenAPI v3: as it was written, with the metadata every object has.</summary>
internal static class CustomOpenApi
{
    /// <summary>Writes the members of the root schema; the caller writes its braces.</summary>
    public static void WriteRoot(Utf8JsonWriter json, JsonObject schema, string metadataReference)
    {
        foreach (var (name, value) in schema)
        {
            if (name is "properties" or "nullable")
                continue;
            json.WritePropertyName(name);
            WriteNode(json, value);
        }

        json.WriteStartObject("properties");
        foreach (var name in (string[])["apiVersion", "kind"])
        {
            json.WriteStartObject(name);
            json.WriteString("type", "string");
            json.WriteEndObject();
        }

        json.WriteStartObject("metadata");
        json.WriteString("$ref", metadataReference);
        json.WriteEndObject();
        foreach (var (name, value) in schema.Obj("properties") ?? [])
        {
            if (name is "apiVersion" or "kind" or "metadata")
                continue;
            json.WritePropertyName(name);
            WriteNode(json, value);
        }

        json.WriteEndObject();
    }

    private static void WriteNode(Utf8JsonWriter json, JsonNode? node)
    {
        if (node is null)
            json.WriteNullValue();
        else
            node.WriteTo(json);
    }
}
