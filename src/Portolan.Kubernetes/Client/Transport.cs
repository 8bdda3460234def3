using System.Net;
using System.Net.Security;
using System.Security.Cryptography.X509Certificates;

namespace Portolan.Kubernetes.Client;

/// <summary>
/// The connections to the server. A client certificate is a property of a connection: when another one is to be shown, new requests get new
/// connections, and the old ones end with the requests (watches) that are on them.
/// </summary>
internal sealed class Transport(ClusterConnection connection) : IDisposable
{
    private readonly Lock _gate = new();
    private (HttpClient Client, LoadedCertificate? Certificate)? _current;

    public HttpClient For(LoadedCertificate? certificate)
    {
        lock (_gate)
        {
            if (_current is { } current && current.Certificate == certificate)
                return current.Client;
            var client = new HttpClient(Handler(certificate))
            {
                BaseAddress = new Uri(connection.Server.AbsoluteUri.TrimEnd('/') + "/"),
                Timeout = Timeout.InfiniteTimeSpan,
            };
            client.DefaultRequestHeaders.UserAgent.ParseAdd("portolan");

            // The handler takes the name it sends in the handshake and expects in the certificate from here, whatever SslOptions.TargetHost says.
            // Where to connect, and what to ask a proxy for, it still takes from the URL.
            client.DefaultRequestHeaders.Host = connection.TlsServerName;
            foreach (var (name, value) in connection.Impersonation?.Headers() ?? [])
                client.DefaultRequestHeaders.TryAddWithoutValidation(name, value);
            _current = (client, certificate);
            return client;
        }
    }

    public void Dispose()
    {
        lock (_gate)
            _current?.Client.Dispose();
    }

    private SocketsHttpHandler Handler(LoadedCertificate? certificate)
    {
        var handler = new SocketsHttpHandler
        {
            EnableMultipleHttp2Connections = true,
            // A dead server must not leave a watch hanging: HTTP/2 pings find out.
            KeepAlivePingDelay = TimeSpan.FromSeconds(5),
            KeepAlivePingTimeout = TimeSpan.FromSeconds(5),
            KeepAlivePingPolicy = HttpKeepAlivePingPolicy.WithActiveRequests,
            ConnectTimeout = TimeSpan.FromSeconds(5),
            AutomaticDecompression = DecompressionMethods.All,
            UseProxy = connection.Proxy is not null,
            Proxy = connection.Proxy is { } proxy ? new WebProxy(proxy) { Credentials = Login(proxy) } : null,
        };
        var tls = handler.SslOptions;
        // What is to be sent with the certificate is known. To look for it among the machine's authorities would be to read them all, which takes 50 ms.
        if (certificate is not null)
            tls.ClientCertificateContext = SslStreamCertificateContext.Create(
                certificate.Certificate, certificate.Intermediates, offline: true, SslCertificateTrust.CreateForX509Collection([]));
        if (connection.InsecureSkipTlsVerify)
#pragma warning disable CA5359 // The user asked for exactly this, by the name that says so.
            tls.RemoteCertificateValidationCallback = (_, _, _, _) => true;
#pragma warning restore CA5359
        else if (connection.Authorities.Count > 0)
            // A policy, not a callback: the host name stays checked.
            tls.CertificateChainPolicy = ChainPolicy(connection.Authorities);
        return handler;
    }

    private static NetworkCredential? Login(Uri proxy)
    {
        if (proxy.UserInfo.Length == 0)
            return null;
        var parts = proxy.UserInfo.Split(':', 2);
        return new NetworkCredential(Uri.UnescapeDataString(parts[0]), parts.Length > 1 ? Uri.UnescapeDataString(parts[1]) : "");
    }

    private static X509ChainPolicy ChainPolicy(X509Certificate2Collection authorities)
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.AddRange(authorities);
        return policy;
    }
}
