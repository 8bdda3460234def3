using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Connections.Features;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;

namespace Portolan.Kubernetes.Tests.Client;

/// <summary>A request as the server saw it.</summary>
internal sealed record Seen(string? Authorization, string? Certificate, string ServerName, IReadOnlyList<(string Name, string Value)> Headers)
{
    public string Protocol { get; init; } = "";

    /// <summary>Tells connections apart.</summary>
    public int Port { get; init; }
}

/// <summary>A TLS server on a loopback port that answers every GET with a ConfigMap, or refuses who is not welcome.</summary>
internal sealed class TlsServer : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly Lock _gate = new();
    private readonly List<Seen> _seen = [];

    private TlsServer(TestAuthority authority, string[] names)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0, listen =>
        {
            listen.Protocols = HttpProtocols.Http1AndHttp2;
            listen.UseHttps(https =>
            {
                var certificate = authority.Issue("server", names).Certificate;
                https.ServerCertificateSelector = (connection, name) =>
                {
                    connection!.Items["name"] = name ?? "";
                    return certificate;
                };
                https.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
                https.ClientCertificateValidation = (_, chain, _) =>
                {
                    lock (_gate)
                        SentAlong = [.. chain!.ChainPolicy.ExtraStore.Select(certificate => certificate.Subject)];
                    return true;
                };
            });
        }));
        _app = builder.Build();
        _app.Run(AnswerAsync);
    }

    /// <summary>Who is let in; everybody when null.</summary>
    public Func<Seen, bool>? Welcome { get; set; }

    public IReadOnlyList<Seen> Requests
    {
        get
        {
            lock (_gate)
                return [.. _seen];
        }
    }

    /// <summary>What the last client with a certificate sent with it.</summary>
    public IReadOnlyList<string> SentAlong { get; private set; } = [];

    public Uri Url { get; private set; } = null!;

    public static async Task<TlsServer> StartAsync(TestAuthority authority, params string[] names)
    {
        var server = new TlsServer(authority, names.Length > 0 ? names : ["127.0.0.1"]);
        await server._app.StartAsync();
        server.Url = new Uri(server._app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.Single());
        return server;
    }

    public async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        await _app.StopAsync(patience.Token);
        await _app.DisposeAsync();
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var seen = new Seen(
            context.Request.Headers.Authorization, (await context.Connection.GetClientCertificateAsync())?.Subject, (string)context.Features.Get<IConnectionItemsFeature>()!.Items["name"]!,
            [.. context.Request.Headers.SelectMany(header => header.Value.Select(value => (header.Key, value ?? "")))])
        {
            Protocol = context.Request.Protocol,
            Port = context.Connection.RemotePort,
        };
        lock (_gate)
            _seen.Add(seen);
        var welcome = Welcome?.Invoke(seen) ?? true;
        context.Response.StatusCode = welcome ? 200 : 401;
        context.Response.ContentType = "application/json";
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(welcome
            ? """{"metadata":{"name":"settings","resourceVersion":"1"},"data":{"a":"b"}}"""
            : """{"kind":"Status","status":"Failure","reason":"Unauthorized","message":"Unauthorized","code":401}"""));
    }
}

/// <summary>An authority of this test's own, and what it issues.</summary>
internal sealed class TestAuthority
{
    private readonly X509Certificate2 _certificate;

    /// <param name="subject">Its name.</param>
    /// <param name="above">Who says that it is one; null: itself.</param>
    public TestAuthority(string subject = "test-authority", TestAuthority? above = null)
    {
        using var key = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + subject, key, System.Security.Cryptography.HashAlgorithmName.SHA256);
        request.CertificateExtensions.Add(new X509BasicConstraintsExtension(true, false, 0, true));
        request.CertificateExtensions.Add(new X509SubjectKeyIdentifierExtension(request.PublicKey, false));
        var (from, to) = (DateTimeOffset.UtcNow.AddMinutes(-5), DateTimeOffset.UtcNow.AddHours(above is null ? 24 : 12));
        _certificate = above is null ? request.CreateSelfSigned(from, to) : request.Create(above._certificate, from, to, Guid.NewGuid().ToByteArray()).CopyWithPrivateKey(key);
    }

    public string Pem => _certificate.ExportCertificatePem();

    /// <summary>A certificate for names and addresses.</summary>
    public (X509Certificate2 Certificate, string Pem, string KeyPem) Issue(string subject, params string[] names)
    {
        using var key = System.Security.Cryptography.ECDsa.Create(System.Security.Cryptography.ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest("CN=" + subject, key, System.Security.Cryptography.HashAlgorithmName.SHA256);
        var alternatives = new SubjectAlternativeNameBuilder();
        foreach (var name in names)
            if (IPAddress.TryParse(name, out var address))
                alternatives.AddIpAddress(address);
            else
                alternatives.AddDnsName(name);
        if (names.Length > 0)
            request.CertificateExtensions.Add(alternatives.Build());
        var issued = request.Create(_certificate, DateTimeOffset.UtcNow.AddMinutes(-5), DateTimeOffset.UtcNow.AddHours(1), Guid.NewGuid().ToByteArray());
        return (issued.CopyWithPrivateKey(key), issued.ExportCertificatePem(), key.ExportPkcs8PrivateKeyPem());
    }
}
