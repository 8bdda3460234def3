using System.Buffers.Binary;
using System.Net;
using System.Net.Http.Headers;
using System.Text;

namespace Portolan.Lab.Nodes.Pods;

/// <summary>One call of <c>grpc.health.v1.Health/Check</c>, over HTTP/2 without TLS.</summary>
internal static class GrpcHealth
{
    private const int Serving = 1;
    private const string Unimplemented = "12";
    private const int LongestAnswer = 1024;
    private static readonly string[] _statuses = ["UNKNOWN", "SERVING", "NOT_SERVING", "SERVICE_UNKNOWN"];

    private static readonly HttpClient _http = new(new SocketsHttpHandler { PooledConnectionLifetime = TimeSpan.Zero, UseProxy = false, UseCookies = false }) { Timeout = Timeout.InfiniteTimeSpan };

    /// <param name="host">An address, an IPv6 one in brackets.</param>
    /// <param name="port">The service's port.</param>
    /// <param name="service">As the health service knows it; empty for the server as a whole.</param>
    /// <param name="cancel">Ends the call.</param>
    public static async Task<ProbeResult> CheckAsync(string host, int port, string service, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Post, $"http://{host}:{port}/grpc.health.v1.Health/Check")
        {
            Version = HttpVersion.Version20,
            VersionPolicy = HttpVersionPolicy.RequestVersionExact,
            Content = new ByteArrayContent(Request(service)) { Headers = { ContentType = new MediaTypeHeaderValue("application/grpc") } },
        };
        request.Headers.TE.Add(new TransferCodingWithQualityHeaderValue("trailers"));
        request.Headers.TryAddWithoutValidation("User-Agent", "kube-probe/1.33");
        using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel).ConfigureAwait(false);
        var answer = new byte[LongestAnswer];
        await using var body = await response.Content.ReadAsStreamAsync(cancel).ConfigureAwait(false);
        var length = await body.ReadAtLeastAsync(answer, answer.Length, throwOnEndOfStream: false, cancel).ConfigureAwait(false);

        // A server that fails at once sends its status among the headers.
        var code = Status(response.TrailingHeaders) ?? Status(response.Headers) ?? "";
        if (code == Unimplemented)
            return new ProbeResult(false, "error: this server does not implement the grpc health protocol (grpc.health.v1.Health)");
        if (code != "0")
            return new ProbeResult(false, $"error: health rpc probe failed with status {code}");
        var status = ServingStatus(answer.AsSpan(0, length));
        return new ProbeResult(status == Serving, $"service unhealthy (responded with \"{(status >= 0 && status < _statuses.Length ? _statuses[status] : $"{status}")}\")");
    }

    /// <summary>A length-prefixed <c>HealthCheckRequest { string service = 1; }</c>.</summary>
    private static byte[] Request(string service)
    {
        var name = Encoding.UTF8.GetBytes(service);
        var message = new List<byte>();
        if (name.Length > 0)
        {
            message.Add(0x0A);
            for (var left = (uint)name.Length; ; left >>= 7)
            {
                message.Add((byte)(left > 0x7F ? left & 0x7F | 0x80 : left));
                if (left <= 0x7F)
                    break;
            }
            message.AddRange(name);
        }
        var framed = new byte[5 + message.Count];
        BinaryPrimitives.WriteInt32BigEndian(framed.AsSpan(1), message.Count);
        message.CopyTo(framed, 5);
        return framed;
    }

    /// <summary>Field 1 of a length-prefixed <c>HealthCheckResponse</c>; 0 (UNKNOWN) where it is not told, -1 for what is no answer.</summary>
    private static int ServingStatus(ReadOnlySpan<byte> framed)
    {
        if (framed.Length < 5 || framed[0] != 0)
            return -1;
        var message = framed[5..];
        return message.Length == 0 ? 0 : message.Length >= 2 && message[0] == 0x08 && message[1] < 0x80 ? message[1] : -1;
    }

    private static string? Status(HttpResponseHeaders headers) => headers.TryGetValues("grpc-status", out var values) ? values.FirstOrDefault() : null;
}
