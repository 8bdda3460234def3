using System.Net;
using System.Net.Http.Headers;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Portolan.Lab.Pki;

namespace Portolan.Lab.Tests.ApiServer;

/// <summary>A plain client over TLS: what it sends and gets is in view.</summary>
internal sealed class ApiClient : IDisposable
{
    private readonly X509Certificate2? _certificate;
    private readonly HttpClient _http;

    public ApiClient(string server, string authorityPem, Credential? credential, bool http2 = false)
    {
        _certificate = credential is { } c ? X509Certificate2.CreateFromPem(c.CertificatePem, c.KeyPem) : null;
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.Add(X509Certificate2.CreateFromPem(authorityPem));
        var ssl = new SslClientAuthenticationOptions { CertificateChainPolicy = policy };
        if (_certificate is not null) ssl.ClientCertificates = [_certificate];
        _http = new(new SocketsHttpHandler { SslOptions = ssl, UseProxy = false, AllowAutoRedirect = false })
        {
            BaseAddress = new(server),
            DefaultRequestVersion = http2 ? HttpVersion.Version20 : HttpVersion.Version11,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
    }

    public string? Token { get; set; }

    /// <summary>Sent with every request.</summary>
    public List<(string Name, string Value)> Headers { get; } = [];

    public async Task<(int Code, JsonObject Body, HttpResponseMessage Response)> SendAsync(string method, string path, string? body = null, string contentType = "application/json", string? accept = null)
    {
        using var request = new HttpRequestMessage(new(method), path);
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, MediaTypeHeaderValue.Parse(contentType));
        if (accept is not null) request.Headers.TryAddWithoutValidation("Accept", accept);
        foreach (var (name, value) in Headers) request.Headers.TryAddWithoutValidation(name, value);
        if (Token is not null) request.Headers.Authorization = new("Bearer", Token);
        var response = await _http.SendAsync(request, TestContext.Current.CancellationToken);
        var text = await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken);
        JsonObject parsed = text.StartsWith('{') ? (JsonObject)JsonNode.Parse(text)! : new() { ["text"] = text };
        return ((int)response.StatusCode, parsed, response);
    }

    /// <summary>Reads, perhaps only what has changed since <paramref name="knownTag"/>.</summary>
    public Task<HttpResponseMessage> GetAsync(string path, string accept, string? knownTag = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        request.Headers.TryAddWithoutValidation("Accept", accept);
        if (knownTag is not null) request.Headers.TryAddWithoutValidation("If-None-Match", knownTag);
        return _http.SendAsync(request, TestContext.Current.CancellationToken);
    }

    /// <summary>Sends and expects success.</summary>
    public async Task<JsonObject> DoAsync(string method, string path, string? body = null, string contentType = "application/json", string? accept = null)
    {
        var (code, reply, _) = await SendAsync(method, path, body, contentType, accept);
        Assert.True(code is >= 200 and < 300, $"{method} {path}: {code} {reply}");
        return reply;
    }

    /// <summary>Sends and expects a Status of the given code; gives its message.</summary>
    public async Task<string> RefusedAsync(int code, string method, string path, string? body = null, string contentType = "application/json")
    {
        var (actual, reply, _) = await SendAsync(method, path, body, contentType);
        Assert.True(code == actual, $"{method} {path}: {actual} {reply}");
        Assert.Equal("Status", (string?)reply["kind"]);
        Assert.Equal("Failure", (string?)reply["status"]);
        Assert.Equal(code, (int?)reply["code"]);
        return (string)reply["message"]!;
    }

    /// <summary>Reads whatever a GET answers, to its end.</summary>
    public async Task<(int Code, string Text)> TextAsync(string path)
    {
        using var response = await _http.GetAsync(path, TestContext.Current.CancellationToken);
        return ((int)response.StatusCode, await response.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    /// <summary>Starts a watch; read events from what it returns.</summary>
    public async Task<WatchReader> WatchAsync(string path, string? accept = null)
    {
        var request = new HttpRequestMessage(HttpMethod.Get, path);
        if (accept is not null) request.Headers.TryAddWithoutValidation("Accept", accept);
        var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, TestContext.Current.CancellationToken);
        Assert.Equal(HttpStatusCode.OK, response.StatusCode);
        return new(response, new StreamReader(await response.Content.ReadAsStreamAsync(TestContext.Current.CancellationToken)));
    }

    public void Dispose()
    {
        _http.Dispose();
        _certificate?.Dispose();
    }
}

/// <summary>The events of one watch.</summary>
internal sealed class WatchReader(HttpResponseMessage response, StreamReader reader) : IDisposable
{
    /// <summary>The next event; null when the server ended the watch.</summary>
    public async Task<JsonObject?> NextAsync()
    {
        using var patience = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        patience.CancelAfter(TimeSpan.FromSeconds(20));
        return await reader.ReadLineAsync(patience.Token) is { } line ? (JsonObject)JsonNode.Parse(line)! : null;
    }

    /// <summary><c>ADDED name</c>, and so on.</summary>
    public async Task<string> NextNameAsync() => await NextAsync() is { } e ? $"{e["type"]} {e["object"]!["metadata"]!["name"]}" : "end";

    public void Dispose()
    {
        reader.Dispose();
        response.Dispose();
    }
}
