using System.Buffers;
using System.Text;
using System.Text.Json;
using Microsoft.AspNetCore.Http;
using Portolan.Lab.ApiServer.Conversion;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.ApiServer.Http;

/// <summary>Writes stored objects in the form a client accepts: whole, as tables, or their metadata alone. Bytes are copied, not parsed, where they can be.</summary>
internal sealed class ObjectReplies(TimeProvider clock, VersionConversion conversion)
{
    private const int Large = 64 * 1024;
    private readonly SharedForms _shared = new(clock);
    private static readonly byte[] PartialHead = "{\"kind\":\"PartialObjectMetadata\",\"apiVersion\":\"meta.k8s.io/"u8.ToArray();

    public async Task ObjectAsync(HttpContext context, Target target, StoredObject obj, int code = 200)
    {
        var accept = Accept.Of(context.Request);
        if (accept.Form != ReplyForm.PartialMetadata) obj = await conversion.ReadAsync(target, obj, context.RequestAborted);
        context.Response.StatusCode = code;
        if (accept.Form == ReplyForm.Json)
        {
            await Reply.BytesAsync(context, StoredForm.ToVersion(obj, target.Kind, target.Resource), "application/json");
            return;
        }

        var buffer = new ArrayBufferWriter<byte>(2048);
        if (accept.Form == ReplyForm.Table) WriteTable(buffer, target, obj, accept.Version, IncludeObject(context), columns: true);
        else if (accept.Form == ReplyForm.PartialMetadata) WritePartial(buffer, obj, accept.Version);
        else YamlText.Write(buffer, StoredForm.ToVersion(obj, target.Kind, target.Resource).Span);
        await Reply.BytesAsync(context, buffer.WrittenMemory, accept.Form == ReplyForm.Yaml ? "application/yaml" : "application/json");
    }

    /// <summary>Writes a list as it is read: the client gets its beginning while its end is still to be looked at.</summary>
    public async Task ListAsync(HttpContext context, Target target, ListPage page)
    {
        var accept = Accept.Of(context.Request);
        // The metadata alone is the same in every version.
        if (accept.Form != ReplyForm.PartialMetadata) page = page with { Objects = await conversion.ReadAsync(target, page.Objects, context.RequestAborted) };
        context.Response.StatusCode = 200;
        context.Response.ContentType = accept.Form == ReplyForm.Yaml ? "application/yaml" : "application/json";
        context.Response.Headers.CacheControl = "no-cache, private";
        if (context.Request.Method == HttpMethods.Head) return;
        var body = context.Response.BodyWriter;
        switch (accept.Form)
        {
            case ReplyForm.Table:
                await TableAsync(context, target, page, accept.Version);
                break;
            case ReplyForm.Yaml:
                var json = new ArrayBufferWriter<byte>();
                foreach (var _ in WriteItems(json, target, page, accept))
                {
                    // Converted as a whole.
                }

                YamlText.Write(body, json.WrittenSpan);
                break;
            default:
                foreach (var _ in WriteItems(body, target, page, accept))
                    if (body.UnflushedBytes > Large)
                        await body.FlushAsync(context.RequestAborted);
                break;
        }

        await body.FlushAsync(context.RequestAborted);
    }

    private async Task TableAsync(HttpContext context, Target target, ListPage page, string version)
    {
        var body = context.Response.BodyWriter;
        using var table = new TableWriter(body, target, version, IncludeObject(context), clock.GetUtcNow());
        table.Begin(page, columns: true);
        var rows = 0;
        foreach (var obj in page.Objects)
        {
            table.Row(obj);
            if (++rows % 64 > 0) continue;
            table.Flush();
            await body.FlushAsync(context.RequestAborted);
        }

        table.End();
    }

    /// <summary>Writes a list step by step: between two objects the caller may flush.</summary>
    private static IEnumerable<int> WriteItems(IBufferWriter<byte> to, Target target, ListPage page, Accept accept)
    {
        var partial = accept.Form == ReplyForm.PartialMetadata;
        to.Write(Encoding.UTF8.GetBytes(partial
            ? $"{{\"kind\":\"PartialObjectMetadataList\",\"apiVersion\":\"meta.k8s.io/{accept.Version}\",\"metadata\":"
            : $"{{\"kind\":\"{target.Kind.ListKind}\",\"apiVersion\":\"{target.Kind.ApiVersion}\",\"metadata\":"));
        using (var writer = new Utf8JsonWriter(to, ObjectWriter.Options)) page.WriteMetadata(writer);
        to.Write(",\"items\":["u8);
        var count = 0;
        foreach (var obj in page.Objects)
        {
            if (count > 0) to.Write(","u8);
            if (partial) WritePartial(to, obj, accept.Version);
            else to.Write(StoredForm.ToVersion(obj, target.Kind, target.Resource).Span);
            yield return ++count;
        }

        to.Write("]}"u8);
    }

    /// <summary>What a watch sends as an event's object: mostly the stored bytes, or what was made for another watcher already.</summary>
    public void WriteEventObject(IBufferWriter<byte> to, Target target, StoredObject obj, Accept accept, string include, bool columns)
    {
        if (accept.Form == ReplyForm.PartialMetadata) WritePartial(to, obj, accept.Version);
        else if (accept.Form != ReplyForm.Table && ReferenceEquals(target.Kind, target.Resource.StorageKind)) to.Write(StoredForm.ToVersion(obj, target.Kind, target.Resource).Span);
        else to.Write(_shared.Get(obj, new(target.Kind, accept, include, columns), (made, form) => Make(target, made, form)));
    }

    private byte[] Make(Target target, StoredObject obj, EventForm form)
    {
        if (form.Accept.Form != ReplyForm.Table) return StoredForm.ToVersion(obj, form.Kind, target.Resource).ToArray();
        var buffer = new ArrayBufferWriter<byte>(1024);
        WriteTable(buffer, target, obj, form.Accept.Version, form.Include, form.Columns);
        return buffer.WrittenSpan.ToArray();
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

    private static void WritePartial(IBufferWriter<byte> to, StoredObject obj, string version)
    {
        to.Write(PartialHead);
        to.Write(Encoding.UTF8.GetBytes(version));
        to.Write("\",\"metadata\":"u8);
        to.Write(obj.MetadataJson);
        to.Write("}"u8);
    }

    private void WriteTable(IBufferWriter<byte> to, Target target, StoredObject obj, string version, string include, bool columns)
    {
        using var table = new TableWriter(to, target, version, include, clock.GetUtcNow());
        table.Begin(ListPage.Of(obj), columns);
        table.Row(obj);
        table.End();
    }
}
