using System.Net;
using System.Net.Http.Headers;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json;

namespace Portolan.Rig;

/// <summary>A plain client over one HTTP/2 connection with the administrator's certificate, from inside a network namespace where one is given.</summary>
internal sealed class ApiConnection : IDisposable
{
    private readonly X509Certificate2 _certificate;
    private readonly HttpClient _http;

    public ApiConnection(ServerState state, string address, NetworkNamespace? inside = null)
        : this(X509Certificate2.CreateFromPem(state.Admin.CertificatePem, state.Admin.KeyPem), state.AuthorityPem, address, inside)
    {
    }

    private ApiConnection(X509Certificate2 certificate, string authority, string address, NetworkNamespace? inside = null)
    {
        _certificate = certificate;
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.Add(X509Certificate2.CreateFromPem(authority));
        var handler = new SocketsHttpHandler { SslOptions = new() { CertificateChainPolicy = policy, ClientCertificates = [_certificate] }, UseProxy = false };
        if (inside is not null)
            handler.ConnectCallback = async (context, cancellation) =>
            {
                var socket = NetworkNamespace.TcpSocket(inside.Name);
                await socket.ConnectAsync(context.DnsEndPoint, cancellation);
                return new NetworkStream(socket, ownsSocket: true);
            };
        _http = new(handler)
        {
            BaseAddress = new(address),
            DefaultRequestVersion = HttpVersion.Version20,
            DefaultVersionPolicy = HttpVersionPolicy.RequestVersionExact,
        };
    }

    /// <summary>The connection that a kubeconfig of the lab describes.</summary>
    public static ApiConnection Of(string kubeconfig)
    {
        var fields = File.ReadLines(kubeconfig).Select(line => line.Split(": ", 2, StringSplitOptions.TrimEntries)).Where(parts => parts.Length == 2).ToLookup(parts => parts[0], parts => parts[1]);
        string Pem(string name) => Encoding.ASCII.GetString(Convert.FromBase64String(fields[name].First()));
        return new(X509Certificate2.CreateFromPem(Pem("client-certificate-data"), Pem("client-key-data")), Pem("certificate-authority-data"), fields["server"].First());
    }

    /// <summary>Sends a request and reads the whole answer.</summary>
    /// <exception cref="HttpRequestException">There was no answer, or not all of it.</exception>
    public async Task<(HttpStatusCode Code, byte[] Body)> SendAsync(HttpMethod method, string path, string? body = null, string type = "application/json", string? accept = null)
    {
        using var request = new HttpRequestMessage(method, path) { Version = HttpVersion.Version20, VersionPolicy = HttpVersionPolicy.RequestVersionExact };
        if (body is not null) request.Content = new StringContent(body, Encoding.UTF8, MediaTypeHeaderValue.Parse(type));
        if (accept is not null) request.Headers.TryAddWithoutValidation("Accept", accept);
        using var response = await _http.SendAsync(request);
        return (response.StatusCode, await response.Content.ReadAsByteArrayAsync());
    }

    /// <summary>Sends a request that must succeed.</summary>
    public async Task<JsonDocument> DoAsync(HttpMethod method, string path, string? body = null)
    {
        var (code, reply) = await SendAsync(method, path, body);
        if ((int)code is < 200 or > 299) throw new InvalidOperationException($"{method} {path}: {(int)code} {Encoding.UTF8.GetString(reply)}");
        return JsonDocument.Parse(reply);
    }

    /// <summary>Begins a watch; its lines are to be read from the stream.</summary>
    public async Task<(HttpStatusCode Code, Stream Body)> WatchAsync(string path, CancellationToken cancellation)
    {
        var response = await _http.GetAsync(path, HttpCompletionOption.ResponseHeadersRead, cancellation);
        return (response.StatusCode, await response.Content.ReadAsStreamAsync(cancellation));
    }

    public async Task<bool> IsReadyAsync()
    {
        try
        {
            return (await SendAsync(HttpMethod.Get, "/readyz")).Code == HttpStatusCode.OK;
        }
        catch (HttpRequestException)
        {
            return false;
        }
    }

    public void Dispose()
    {
        _http.Dispose();
        _certificate.Dispose();
    }
}
