using Microsoft.AspNetCore.Http;

namespace Portolan.Lab.ApiServer.Http;

/// <summary>Sends documents that clients keep: with an entity tag, and 304 to one who has it already (RFC 9110 §13.1.2).</summary>
internal static class DocumentReplies
{
    /// <summary>As the index names it, with its hash, a document never changes; with another's hash the client is sent to the one there is.</summary>
    public static async Task SendHashedAsync(HttpContext context, HashedDocument document)
    {
        var asked = context.Request.Query["hash"].ToString();
        if (asked.Length > 0 && asked != document.Hash)
        {
            context.Response.StatusCode = StatusCodes.Status301MovedPermanently;
            context.Response.Headers.Location = $"{context.Request.Path}?hash={document.Hash}";
            context.Response.ContentLength = 0;
            return;
        }

        await SendAsync(context, document, "application/json", asked.Length > 0 ? "public, immutable" : null);
    }

    public static async Task SendAsync(HttpContext context, HashedDocument document, string contentType, string? cacheControl = null)
    {
        var tag = $"\"{document.Hash}\"";
        context.Response.Headers.ETag = tag;
        context.Response.Headers.Vary = "Accept";
        if (context.Request.Headers.IfNoneMatch.SelectMany(value => (value ?? "").Split(',', StringSplitOptions.TrimEntries)).Any(known => known == tag || known == "*"))
        {
            context.Response.StatusCode = StatusCodes.Status304NotModified;
            return;
        }

        await Reply.BytesAsync(context, document.Body, contentType, cacheControl);
    }
}
