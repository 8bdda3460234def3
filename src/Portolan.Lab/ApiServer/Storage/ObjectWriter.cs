using System.Buffers;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Portolan.Lab.ApiServer.Storage;

/// <summary>Writes an object in the form the store keeps: apiVersion, kind, metadata first, and the resourceVersion left open.</summary>
internal static class ObjectWriter
{
    /// <summary>Kubernetes escapes no more than JSON demands; neither do we, so that e.g. <c>&lt;</c> in an annotation stays readable.</summary>
    public static readonly JsonWriterOptions Options = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping, SkipValidation = true };

    // The order in which real servers write metadata; whatever else is there follows. What is looked for often is found before what is long.
    private static readonly string[] Identity = ["name", "generateName", "namespace", "uid"];
    private static readonly string[] Marks = ["generation", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "labels"];

    public static UnversionedObject Write(JsonObject obj)
    {
        var buffer = new ArrayBufferWriter<byte>(1024);
        using var writer = new Utf8JsonWriter(buffer, Options);
        writer.WriteStartObject();
        writer.WriteString("apiVersion"u8, (string?)obj["apiVersion"]);
        writer.WriteString("kind"u8, (string?)obj["kind"]);
        writer.WritePropertyName("metadata"u8);
        writer.Flush();
        var metadataStart = (int)writer.BytesCommitted;
        var versionAt = WriteMetadata(writer, obj["metadata"] as JsonObject ?? []);
        var metadataEnd = (int)writer.BytesCommitted;
        foreach (var (name, value) in obj)
            if (name is not ("apiVersion" or "kind" or "metadata"))
                WriteProperty(writer, name, value);
        writer.WriteEndObject();
        writer.Flush();
        return new(buffer.WrittenSpan.ToArray(), versionAt, new(metadataStart, metadataEnd));
    }

    private static int WriteMetadata(Utf8JsonWriter writer, JsonObject metadata)
    {
        writer.WriteStartObject();
        WriteAll(writer, metadata, Identity);
        writer.WriteString("resourceVersion"u8, "0"u8);
        writer.Flush();
        var versionAt = (int)writer.BytesCommitted - 2;
        WriteAll(writer, metadata, Marks);
        foreach (var (name, value) in metadata)
            if (name != "resourceVersion" && !Identity.Contains(name) && !Marks.Contains(name))
                WriteProperty(writer, name, value);
        writer.WriteEndObject();
        writer.Flush();
        return versionAt;
    }

    private static void WriteAll(Utf8JsonWriter writer, JsonObject from, string[] names)
    {
        foreach (var name in names)
            if (from[name] is { } value)
                WriteProperty(writer, name, value);
    }

    private static void WriteProperty(Utf8JsonWriter writer, string name, JsonNode? value)
    {
        writer.WritePropertyName(name);
        if (value is null) writer.WriteNullValue();
        else value.WriteTo(writer);
    }
}
