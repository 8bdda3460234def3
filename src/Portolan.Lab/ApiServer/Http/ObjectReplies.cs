using System.Buffers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.ApiServer.Http;

/// <summary>A page of a list.</summary>
internal readonly record struct ListPage(IReadOnlyList<StoredObject> Objects, long Revision, string? Continue, long? Remaining);

/// <summary>Writes stored objects in the form a client accepts: whole, as tables, or their metadata alone. Bytes are copied, not parsed, where they can be.</summary>
internal sealed class ObjectReplies(TimeProvider clock)
{
    private static readonly byte[] PartialHead = "{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/"u8.ToArray();

    public async Task ObjectAsync(HttpContext context, Target target, StoredObject obj, int code = 200)
    {
        var accept = Accept.Of(context.Request);
        context.Response.StatusCode = code;
        if (accept.Form == ReplyForm.Json)
        {
            await Reply.BytesAsync(context, StoredForm.ToVersion(obj, target.Kind, target.Resource), "application/json");
            return;
        }

        var buffer = new ArrayBufferWriter<byte>(2048);
        if (accept.Form == ReplyForm.Table) WriteTable(buffer, target, new([obj], obj.Revision, null, null), accept.Version, IncludeObject(context), columns: true);
        else if (accept.Form == ReplyForm.PartialMetadata) WritePartial(buffer, obj, accept.Version);
        else YamlText.Write(buffer, StoredForm.ToVersion(obj, target.Kind, target.Resource).Span);
        await Reply.BytesAsync(context, buffer.WrittenMemory, accept.Form == ReplyForm.Yaml ? "application/yaml" : "application/json");
    }

    public async Task ListAsync(HttpContext context, Target target, ListPage page)
    {
        var accept = Accept.Of(context.Request);
        context.Response.StatusCode = 200;
        context.Response.ContentType = accept.Form == ReplyForm.Yaml ? "application/yaml" : "application/json";
        context.Response.Headers.CacheControl = "no-cache, private";
        var body = context.Response.BodyWriter;
        if (accept.Form == ReplyForm.Table)
        {
            WriteTable(body, target, page, accept.Version, IncludeObject(context), columns: true);
            await body.FlushAsync(context.RequestAborted);
            return;
        }

        var partial = accept.Form == ReplyForm.PartialMetadata;
        var target2 = accept.Form == ReplyForm.Yaml ? (IBufferWriter<byte>)new ArrayBufferWriter<byte>() : body;
        target2.Write(Encoding.UTF8.GetBytes(partial
            ? $"{{\"kind\":\"PartialObjectMetadataList\",\"apiVersion\":\"meta.k8s.io/{accept.Version}\",\"metadata\":"
            : $"{{\"kind\":\"{target.Kind.ListKind}\",\"apiVersion\":\"{target.Kind.ApiVersion}\",\"metadata\":"));
        target2.Write(ListMetadata(page));
        target2.Write(",\"items\":["u8);
        for (var i = 0; i < page.Objects.Count; i++)
        {
            if (i > 0) target2.Write(","u8);
            if (partial) WritePartial(target2, page.Objects[i], accept.Version);
            else target2.Write(StoredForm.ToVersion(page.Objects[i], target.Kind, target.Resource).Span);
            if (ReferenceEquals(target2, body) && (i & 63) == 63) await body.FlushAsync(context.RequestAborted);
        }

        target2.Write("]}"u8);
        if (target2 is ArrayBufferWriter<byte> json) YamlText.Write(body, json.WrittenSpan);
        await body.FlushAsync(context.RequestAborted);
    }

    /// <summary>What a watch sends as an event's object.</summary>
    public void WriteEventObject(IBufferWriter<byte> to, Target target, StoredObject obj, Accept accept, string include, bool columns)
    {
        if (accept.Form == ReplyForm.Table) WriteTable(to, target, new([obj], obj.Revision, null, null), accept.Version, include, columns);
        else if (accept.Form == ReplyForm.PartialMetadata) WritePartial(to, obj, accept.Version);
        else to.Write(StoredForm.ToVersion(obj, target.Kind, target.Resource).Span);
    }

    /// <summary>An empty object of the watched form that tells a revision.</summary>
    public static byte[] Bookmark(Target target, Accept accept, long revision, bool initialEnd = false)
    {
        var annotations = initialEnd ? ",\"annotations\":{\"k8s.io/initial-events-end\":\"true\"}" : "";
        var metadata = $"{{\"resourceVersion\":\"{revision}\"{annotations},\"creationTimestamp\":null}}";
        return Encoding.UTF8.GetBytes(accept.Form switch
        {
            ReplyForm.Table => $"{{\"kind\":\"Table\",\"apiVersion\":\"meta.k8s.io/{accept.Version}\",\"metadata\":{{\"resourceVersion\":\"{revision}\"}},\"columnDefinitions\":null,\"rows\":[]}}",
            ReplyForm.PartialMetadata => $"{{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/{accept.Version}\",\"metadata\":{metadata}}}",
            _ => $"{{\"kind\":\"{target.Kind.Kind}\",\"apiVersion\":\"{target.Kind.ApiVersion}\",\"metadata\":{metadata}}}",
        });
    }

    public static string IncludeObject(HttpContext context) => context.Request.Query["includeObject"].ToString() is { Length: > 0 } include ? include : "Metadata";

    private static byte[] ListMetadata(ListPage page)
    {
        var buffer = new ArrayBufferWriter<byte>(64);
        using var writer = new Utf8JsonWriter(buffer, ObjectWriter.Options);
        WriteListMetadata(writer, page);
        writer.Flush();
        return buffer.WrittenSpan.ToArray();
    }

    private static void WriteListMetadata(Utf8JsonWriter writer, ListPage page)
    {
        writer.WriteStartObject();
        writer.WriteString("resourceVersion"u8, page.Revision.ToString());
        if (page.Continue is { } token) writer.WriteString("continue"u8, token);
        if (page.Remaining is { } remaining) writer.WriteNumber("remainingItemCount"u8, remaining);
        writer.WriteEndObject();
    }

    private static void WritePartial(IBufferWriter<byte> to, StoredObject obj, string version)
    {
        to.Write(PartialHead);
        to.Write(Encoding.UTF8.GetBytes(version));
        to.Write("\",\"metadata\":"u8);
        to.Write(obj.MetadataJson);
        to.Write("}"u8);
    }

    private void WriteTable(IBufferWriter<byte> to, Target target, ListPage page, string version, string include, bool columns)
    {
        var now = clock.GetUtcNow();
        using var writer = new Utf8JsonWriter(to, ObjectWriter.Options);
        writer.WriteStartObject();
        writer.WriteString("kind"u8, "Table"u8);
        writer.WriteString("apiVersion"u8, $"meta.k8s.io/{version}");
        writer.WritePropertyName("metadata"u8);
        WriteListMetadata(writer, page);
        writer.WritePropertyName("columnDefinitions"u8);
        if (columns) WriteColumns(writer, target.Kind.Columns);
        else writer.WriteNullValue();
        writer.WriteStartArray("rows"u8);
        foreach (var obj in page.Objects)
        {
            var bytes = StoredForm.ToVersion(obj, target.Kind, target.Resource);
            using var document = JsonDocument.Parse(bytes);
            writer.WriteStartObject();
            writer.WriteStartArray("cells"u8);
            target.Kind.WriteCells(document.RootElement, writer, now);
            writer.WriteEndArray();
            if (include == "Object")
            {
                writer.WritePropertyName("object"u8);
                writer.WriteRawValue(bytes.Span, skipInputValidation: true);
            }
            else if (include != "None")
            {
                writer.WriteStartObject("object"u8);
                writer.WriteString("kind"u8, "PartialObjectMetadata"u8);
                writer.WriteString("apiVersion"u8, $"meta.k8s.io/{version}");
                writer.WritePropertyName("metadata"u8);
                writer.WriteRawValue(obj.MetadataJson, skipInputValidation: true);
                writer.WriteEndObject();
            }

            writer.WriteEndObject();
        }

        writer.WriteEndArray();
        writer.WriteEndObject();
        writer.Flush();
    }

    private static void WriteColumns(Utf8JsonWriter writer, IReadOnlyList<TableColumn> columns)
    {
        writer.WriteStartArray();
        foreach (var column in columns)
        {
            writer.WriteStartObject();
            writer.WriteString("name"u8, column.Name);
            writer.WriteString("type"u8, column.Type);
            writer.WriteString("format"u8, column.Format);
            writer.WriteString("description"u8, column.Description);
            writer.WriteNumber("priority"u8, column.Priority);
            writer.WriteEndObject();
        }

        writer.WriteEndArray();
    }
}
