using System.Globalization;
using System.Text;

namespace Portolan.Proxy.Health;

/// <summary>A whole answer.</summary>
/// <param name="Status">200, 400, 404 or 503.</param>
/// <param name="ContentType">The body's type.</param>
/// <param name="Body">The body.</param>
internal sealed record ProbeAnswer(int Status, string ContentType, string Body)
{
    internal const string PlainText = "text/plain; charset=utf-8";
    internal const string Json = "application/json";

    /// <summary>Another header's name and value, or null.</summary>
    internal (string Name, int Value)? Header { get; init; }

    internal static ProbeAnswer BadRequest { get; } = new(400, PlainText, "bad request\n");

    internal static ProbeAnswer NotFound { get; } = new(404, PlainText, "not found\n");

    /// <summary>The bytes on the wire (RFC 9112). One request a connection: probes and scrapes come seconds apart.</summary>
    /// <param name="withBody">False for HEAD.</param>
    /// <param name="now">For the header <c>Date</c>.</param>
    internal byte[] ToBytes(bool withBody, DateTimeOffset now)
    {
        var head = new StringBuilder(256)
            .Append("HTTP/1.1 ").Append(Status).Append(' ').Append(Phrase).Append("\r\nContent-Type: ").Append(ContentType)
            .Append("\r\nX-Content-Type-Options: nosniff\r\n");
        if (Header is { } header)
            head.Append(header.Name).Append(": ").Append(header.Value.ToString(CultureInfo.InvariantCulture)).Append("\r\n");
        head.Append("Date: ").Append(now.ToString("R", CultureInfo.InvariantCulture))
            .Append("\r\nContent-Length: ").Append(Encoding.UTF8.GetByteCount(Body).ToString(CultureInfo.InvariantCulture))
            .Append("\r\nConnection: close\r\n\r\n");
        if (withBody)
            head.Append(Body);
        return Encoding.UTF8.GetBytes(head.ToString());
    }

    private string Phrase => Status switch
    {
        200 => "OK",
        400 => "Bad Request",
        404 => "Not Found",
        503 => "Service Unavailable",
        _ => "",
    };
}
