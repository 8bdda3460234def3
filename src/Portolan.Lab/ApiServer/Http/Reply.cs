using System.Buffers;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Portolan.Lab.ApiServer.Resources;

namespace Portolan.Lab.ApiServer.Http;

/// <summary>Writes replies.</summary>
internal static class Reply
{
    public static async Task StatusAsync(HttpContext context, ApiException error)
    {
        if (context.Response.HasStarted) return;
        context.Response.StatusCode = error.Code;
        // What is left of a body we do not want to read must not be taken for the next request.
        if (error.Code == 413 && HttpProtocol.IsHttp11(context.Request.Protocol)) context.Response.Headers.Connection = "close";
        if (error.RetryAfterSeconds is { } seconds) context.Response.Headers.RetryAfter = seconds.ToString();
        await BytesAsync(context, JsonText.ToBytes(error.ToStatus()), "application/json");
    }

    public static Task JsonAsync(HttpContext context, JsonNode node, int code = 200)
    {
        context.Response.StatusCode = code;
        return BytesAsync(context, JsonText.ToBytes(node), "application/json");
    }

    public static async Task BytesAsync(HttpContext context, ReadOnlyMemory<byte> bytes, string contentType, string? cacheControl = null)
    {
        context.Response.ContentType = contentType;
        context.Response.ContentLength = bytes.Length;
        context.Response.Headers.CacheControl = cacheControl ?? "no-cache, private";
        // Methods are case-sensitive (RFC 9110 §9.1): "Head" is none that may go without a body.
        if (context.Request.Method == HttpMethods.Head) return;
        context.Response.BodyWriter.Write(bytes.Span);
        await context.Response.BodyWriter.FlushAsync(context.RequestAborted);
    }

    public static Task TextAsync(HttpContext context, string text, int code = 200)
    {
        context.Response.StatusCode = code;
        return BytesAsync(context, System.Text.Encoding.UTF8.GetBytes(text), "text/plain; charset=utf-8");
    }

    private const int MaxWarnings = 4096;

    /// <summary>Warnings a client shows its user (RFC 9111 §5.5 in the old form kubectl reads): <c>299 - "text"</c>.</summary>
    public static void Warn(HttpContext context, IEnumerable<string> warnings)
    {
        foreach (var warning in warnings)
        {
            // Nobody reads more, and headers of any length are more than clients take.
            if (context.Response.Headers["Warning"].Sum(w => w?.Length ?? 0) > MaxWarnings) return;
            var text = warning.Replace("\\", "\\\\", StringComparison.Ordinal).Replace("\"", "\\\"", StringComparison.Ordinal);
            context.Response.Headers.Append("Warning", $"299 - \"{string.Concat(text.Where(c => c is >= ' ' and < (char)127))}\"");
        }
    }
}
