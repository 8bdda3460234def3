using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Authentication;
using System.Text;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.ApiServer.Webhooks;

/// <summary>Posts reviews to webhooks over TLS. Connections are kept a short while, a set for each address and bundle.</summary>
internal sealed class WebhookClient(ObjectStore store) : IDisposable
{
    /// <summary>What an answer may have at most, bytes.</summary>
    private const int MaxAnswer = 32 * 1024 * 1024;

    // More addresses than this at one time no lab has; the oldest are forgotten beyond it.
    private const int MaxClients = 64;
    private const int ShownOfAnswer = 1024;

    private readonly Lock _lock = new();
    private readonly Dictionary<(string Authority, string? Bundle), Client> _clients = [];
    private long _uses;

    private sealed class Client(HttpMessageInvoker http)
    {
        public HttpMessageInvoker Http => http;
        public long LastUse { get; set; }
    }

    /// <param name="address">Whom to ask.</param>
    /// <param name="review">The review, JSON.</param>
    /// <param name="timeout">How long the whole call may take; it also goes into the query, as webhooks expect.</param>
    /// <param name="cancellation">Of the request that is reviewed.</param>
    /// <returns>The body of a 200.</returns>
    /// <exception cref="WebhookUnreachableException">No connection, no trust, no answer in time, or an answer that is not a 200.</exception>
    public async Task<byte[]> PostAsync(WebhookAddress address, byte[] review, TimeSpan timeout, CancellationToken cancellation)
    {
        var url = $"{address.Url}?timeout={(int)timeout.TotalSeconds}s";
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(cancellation);
        patience.CancelAfter(timeout);
        try
        {
            return await PostAsync(Http(address), url, review, patience.Token);
        }
        catch (OperationCanceledException) when (!cancellation.IsCancellationRequested)
        {
            throw new WebhookUnreachableException($"Post \"{url}\": context deadline exceeded");
        }
        catch (HttpRequestException e)
        {
            throw new WebhookUnreachableException($"Post \"{url}\": {Reason(e)}");
        }
        catch (WebhookUnreachableException e) when (!e.Message.StartsWith("Post ", StringComparison.Ordinal))
        {
            throw new WebhookUnreachableException($"Post \"{url}\": {e.Message}");
        }
    }

    public void Dispose()
    {
        lock (_lock)
            foreach (var client in _clients.Values)
                client.Http.Dispose();
    }

    private static async Task<byte[]> PostAsync(HttpMessageInvoker http, string url, byte[] review, CancellationToken cancellation)
    {
        for (var again = false; ; again = true)
        {
            using var request = new HttpRequestMessage(HttpMethod.Post, url) { Version = HttpVersion.Version11, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
            request.Content = new ByteArrayContent(review);
            request.Content.Headers.ContentType = new MediaTypeHeaderValue("application/json");
            request.Headers.TryAddWithoutValidation("Accept", "application/json, */*");
            request.Headers.TryAddWithoutValidation("User-Agent", "kube-apiserver-admission");
            try
            {
                using var response = await http.SendAsync(request, cancellation);
                var answer = await ReadAsync(response, cancellation);
                if (response.StatusCode == HttpStatusCode.OK) return answer;
                throw new WebhookUnreachableException(Refusal(response.StatusCode, answer));
            }
            catch (HttpRequestException e) when (!again && e.HttpRequestError == HttpRequestError.ResponseEnded)
            {
                // A kept connection that its other end had just closed says nothing about the webhook.
            }
        }
    }

    private static async Task<byte[]> ReadAsync(HttpResponseMessage response, CancellationToken cancellation)
    {
        await using var from = await response.Content.ReadAsStreamAsync(cancellation);
        using var answer = new MemoryStream();
        var buffer = new byte[16 * 1024];
        while (await from.ReadAsync(buffer, cancellation) is > 0 and var read)
        {
            if (answer.Length + read > MaxAnswer) throw new WebhookUnreachableException($"the answer is longer than {MaxAnswer} bytes");
            answer.Write(buffer, 0, read);
        }

        return answer.ToArray();
    }

    private static string Refusal(HttpStatusCode code, byte[] answer) => (int)code switch
    {
        404 => "the server could not find the requested resource",
        >= 500 => $"an error on the server ({System.Text.Json.JsonEncodedText.Encode(Encoding.UTF8.GetString(answer.AsSpan(..Math.Min(answer.Length, ShownOfAnswer))).Trim())}) has prevented the request from succeeding",
        _ => $"the server responded with the status code {(int)code} but did not return more information",
    };

    private static string Reason(Exception e)
    {
        while (e.InnerException is { } inner && e is not (WebhookUnreachableException or AuthenticationException { InnerException: null })) e = inner;
        return e switch
        {
            HttpRequestException { HttpRequestError: HttpRequestError.ResponseEnded } => "EOF",
            SocketException { SocketErrorCode: SocketError.ConnectionReset } => "read: connection reset by peer",
            _ => e.Message,
        };
    }

    private HttpMessageInvoker Http(WebhookAddress address)
    {
        var uri = new Uri(address.Url);
        var key = (uri.Authority, address.CaBundle);
        lock (_lock)
        {
            if (!_clients.TryGetValue(key, out var client))
            {
                if (_clients.Count >= MaxClients && _clients.MinBy(c => c.Value.LastUse) is var oldest && _clients.Remove(oldest.Key)) oldest.Value.Http.Dispose();
                _clients[key] = client = new(Make(address, uri));
            }

            client.LastUse = ++_uses;
            return client.Http;
        }
    }

    private HttpMessageInvoker Make(WebhookAddress address, Uri uri) => new(new SocketsHttpHandler
    {
        AllowAutoRedirect = false,
        UseCookies = false,
        UseProxy = false,
        PooledConnectionIdleTimeout = TimeSpan.FromSeconds(10),
        // Endpoints change: a connection is not kept for longer than a rollout takes.
        PooledConnectionLifetime = TimeSpan.FromSeconds(30),
        SslOptions = ServerTrust.Options(address.CaBundle, uri.IdnHost),
        ConnectCallback = async (context, cancellation) => await ConnectAsync(address.Service, context.DnsEndPoint, cancellation),
    });

    private async Task<Stream> ConnectAsync(WebhookService? service, DnsEndPoint host, CancellationToken cancellation)
    {
        IReadOnlyList<EndPoint> candidates = service is null ? [host] : [.. ServiceEndpoints.Ready(store, service).Shuffle()];
        for (var i = 0; ; i++)
        {
            var socket = new Socket(SocketType.Stream, ProtocolType.Tcp) { NoDelay = true };
            try
            {
                await socket.ConnectAsync(candidates[i], cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            }
            catch (SocketException e)
            {
                socket.Dispose();
                if (i == candidates.Count - 1) throw new WebhookUnreachableException($"dial tcp {Text(candidates[i])}: {Reason(e)}");
            }
            catch
            {
                socket.Dispose();
                throw;
            }
        }

        static string Text(EndPoint to) => to is DnsEndPoint named ? $"{named.Host}:{named.Port}" : to.ToString()!;

        static string Reason(SocketException e) => e.SocketErrorCode switch
        {
            SocketError.ConnectionRefused => "connect: connection refused",
            SocketError.HostUnreachable or SocketError.NetworkUnreachable => "connect: no route to host",
            SocketError.TimedOut => "i/o timeout",
            SocketError.HostNotFound => "lookup: no such host",
            _ => e.Message,
        };
    }
}
