using System.Net;
using System.Net.Http.Headers;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Hosting;
using Portolan.Tests.Controller;

namespace Portolan.Tests.Hosting;

public sealed class SecureMetricsTests : IDisposable
{
    private const string Known = """{"status":{"authenticated":true,"user":{"username":"system:serviceaccount:monitoring:prometheus","uid":"u","groups":["g"],"extra":{"k":["v"]}}}}""";
    private readonly string _directory = Directory.CreateTempSubdirectory("portolan-metrics-").FullName;
    private X509Certificate2? _shown;

    public void Dispose() => Directory.Delete(_directory, true);

    [Fact]
    public async Task ServesWhomTheClusterAllows_AndAsksOnlyOnce()
    {
        await using var api = await FakeApi.StartAsync((201, Known), (201, """{"status":{"allowed":true}}"""));
        await using var server = await StartAsync(api);
        for (var i = 0; i < 3; i++)
            Assert.Equal((HttpStatusCode.OK, "the page"), await ScrapeAsync(server, "good"));
        Assert.Equal(2, api.Requests.Count);
        Assert.StartsWith("POST /apis/authentication.k8s.io/v1/tokenreviews", api.Requests[0], StringComparison.Ordinal);
        Assert.Contains("\"token\":\"good\"", api.Requests[0], StringComparison.Ordinal);
        Assert.StartsWith("POST /apis/authorization.k8s.io/v1/subjectaccessreviews", api.Requests[1], StringComparison.Ordinal);
        Assert.EndsWith(
            """{"user":"system:serviceaccount:monitoring:prometheus","uid":"u","groups":["g"],"extra":{"k":["v"]},"nonResourceAttributes":{"path":"/metrics","verb":"get"}}}""", api.Requests[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task RefusesWithoutAToken_WithAWrongOne_AndWithoutTheRight()
    {
        await using var api = await FakeApi.StartAsync((201, """{"status":{"authenticated":false}}"""), (201, Known), (201, """{"status":{"allowed":false}}"""));
        await using var server = await StartAsync(api);
        Assert.Equal(HttpStatusCode.Unauthorized, (await ScrapeAsync(server, null)).Status);
        Assert.Empty(api.Requests);
        Assert.Equal(HttpStatusCode.Unauthorized, (await ScrapeAsync(server, "wrong")).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await ScrapeAsync(server, "poor")).Status);
        Assert.Equal(HttpStatusCode.Forbidden, (await ScrapeAsync(server, "poor")).Status);
        Assert.Equal(3, api.Requests.Count);
        Assert.Equal(HttpStatusCode.NotFound, (await ScrapeAsync(server, "good", "/other")).Status);
    }

    [Fact]
    public async Task SaysThatItCannotKnow_WhenTheApiServerDoesNotAnswer_AndAsksAgain()
    {
        await using var api = await FakeApi.StartAsync((500, "{}"), (201, Known), (201, """{"status":{"allowed":true}}"""));
        await using var server = await StartAsync(api);
        Assert.Equal(HttpStatusCode.ServiceUnavailable, (await ScrapeAsync(server, "good")).Status);
        Assert.Equal(HttpStatusCode.OK, (await ScrapeAsync(server, "good")).Status);
    }

    [Fact]
    public async Task ServesTheCertificateOfTheDirectory_AndTheNextOneOnceItIsThere()
    {
        await using var api = await FakeApi.StartAsync();
        WriteCertificate("one");
        await using var server = await StartAsync(api, _directory);
        await ScrapeAsync(server, null);
        Assert.Equal("CN=one", _shown!.Subject);
        WriteCertificate("two");
        var deadline = DateTime.UtcNow.AddSeconds(30);
        while (_shown.Subject != "CN=two" && DateTime.UtcNow < deadline)
        {
            await Task.Delay(100, TestContext.Current.CancellationToken);
            await ScrapeAsync(server, null);
        }

        Assert.Equal("CN=two", _shown.Subject);
    }

    private async Task<(HttpStatusCode Status, string Body)> ScrapeAsync(Running server, string? token, string path = "/metrics")
    {
        using var handler = new HttpClientHandler
        {
            ServerCertificateCustomValidationCallback = (_, certificate, _, _) =>
            {
                _shown = X509CertificateLoader.LoadCertificate(certificate!.RawData);
                return true;
            },
        };
        using var http = new HttpClient(handler);
        if (token is not null)
            http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var answer = await http.GetAsync(new Uri($"https://127.0.0.1:{server.Port}{path}"), TestContext.Current.CancellationToken);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    private void WriteCertificate(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        using var made = new CertificateRequest("CN=" + name, key, HashAlgorithmName.SHA256).CreateSelfSigned(DateTimeOffset.UtcNow.AddHours(-1), DateTimeOffset.UtcNow.AddHours(1));
        File.WriteAllText(Path.Combine(_directory, "tls.key"), key.ExportPkcs8PrivateKeyPem());
        File.WriteAllText(Path.Combine(_directory, "tls.crt"), made.ExportCertificatePem());
    }

    private static async Task<Running> StartAsync(FakeApi api, string? directory = null)
    {
        var time = TimeProvider.System;
        var server = new SecureMetricsServer(
            new IPEndPoint(IPAddress.Loopback, 0), TlsSettings.Default, new MetricsCertificate(directory, "test", time, NullLogger.Instance), new MetricsAccess(api.Client, time, NullLogger.Instance), () => "the page");
        var stop = new CancellationTokenSource();
        var running = server.RunAsync(stop.Token);
        return new Running(await server.Port, stop, running);
    }

    private sealed record Running(int Port, CancellationTokenSource Stop, Task Task) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await Stop.CancelAsync();
            await Task;
            Stop.Dispose();
        }
    }
}
