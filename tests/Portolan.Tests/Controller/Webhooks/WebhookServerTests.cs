using System.Diagnostics.Metrics;
using System.Net;
using System.Net.Security;
using System.Security.Authentication;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Controller.Webhooks;
using Portolan.Hosting;
using Portolan.Kubernetes.Admission;

namespace Portolan.Tests.Controller.Webhooks;

/// <summary>The webhook's server over real TLS on loopback, as the API server calls it.</summary>
public sealed class WebhookServerTests : IAsyncLifetime
{
    private const string Pools = "/validate-metallb-io-v1beta1-ipaddresspool";
    private static readonly WebhookAuthority _authority = new(["localhost"]);
    private readonly Meter _meter = new("test");
    private readonly CancellationTokenSource _stop = new();
    private readonly ServingCertificate _serving = new();
    private readonly List<AdmissionRequest> _asked = [];
    private IReadOnlyDictionary<string, byte[]> _held = new Dictionary<string, byte[]>();
    private Func<AdmissionRequest, AdmissionVerdict> _verdict = _ => AdmissionVerdict.Allowed;
    private Task _running = Task.CompletedTask;
    private int _port;

    public async ValueTask InitializeAsync()
    {
        _held = _authority.Renew(_held, DateTimeOffset.UtcNow, out _);
        _serving.Replace(WebhookAuthority.Serving(_held)!);
        _port = await StartAsync(TlsSettings.Default);
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
        _meter.Dispose();
    }

    [Fact]
    [Contract("§1.10 webhook")]
    public async Task AnswersEachOfMetalLBsPathsAndOurOwn()
    {
        Assert.Equal(8, WebhookServer.AdmissionPaths.Count);
        foreach (var (path, resource) in WebhookServer.AdmissionPaths)
        {
            var (status, answer) = await PostAsync(path, Review(resource));
            Assert.Equal(HttpStatusCode.OK, status);
            Assert.Equal("""{"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","response":{"uid":"u-1","allowed":true}}""", answer);
        }

        Assert.Equal(WebhookServer.AdmissionPaths.Values, _asked.Select(request => request.Resource));
        Assert.All(_asked, request => Assert.Equal(("CREATE", "metallb-system", "a"), (request.Operation, request.Namespace, request.Name)));
    }

    [Fact]
    public async Task SaysWhyItRefuses_AndWarns()
    {
        _verdict = _ => new AdmissionVerdict("spec.addresses[0]: 10.0.0.9-10.0.0.1: range ends before it starts", ["spec.peers[0]: a: there is no such BGPPeer"]);
        var (status, answer) = await PostAsync(Pools, Review("ipaddresspools"));
        var response = JsonNode.Parse(answer)!["response"]!;
        Assert.Equal((HttpStatusCode.OK, false, "u-1"), (status, (bool)response["allowed"]!, (string?)response["uid"]));
        Assert.Equal("spec.addresses[0]: 10.0.0.9-10.0.0.1: range ends before it starts", (string?)response["status"]!["message"]);
        Assert.Equal("spec.peers[0]: a: there is no such BGPPeer", (string?)response["warnings"]![0]);
    }

    [Theory]
    [InlineData("")]
    [InlineData("{")]
    [InlineData("[]")]
    [InlineData("null")]
    [InlineData("{\"apiVersion\":\"admission.k8s.io/v1beta1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"u\"}}")]
    [InlineData("{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":[]}")]
    [InlineData("{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":7}}")]
    [InlineData("{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"u\",\"uid\":\"v\"}}")]
    [InlineData("{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"u\",\"operation\":\"CREATE\",\"resource\":{\"resource\":\"ipaddresspools\",\"group\":\"metallb.io\"}}}")]
    [InlineData("{\"apiVersion\":\"admission.k8s.io/v1\",\"kind\":\"AdmissionReview\",\"request\":{\"uid\":\"u\",\"operation\":\"CREATE\",\"resource\":{\"resource\":\"secrets\",\"group\":\"\"},\"object\":{}}}")]
    public async Task AnswersWhatIsNoReviewWith400(string body)
    {
        Assert.Equal(HttpStatusCode.BadRequest, (await PostAsync(Pools, body)).Status);
        Assert.Equal(HttpStatusCode.BadRequest, (await PostAsync("/convert", body)).Status);
        Assert.Empty(_asked);
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(Pools, Review("ipaddresspools"))).Status);
    }

    [Fact]
    public async Task AnswersAnyBytesWith400()
    {
        using var client = Client();
        var random = new Random(20261130);
        for (var i = 0; i < 60; i++)
        {
            var body = new byte[random.Next(300)];
            random.NextBytes(body);
            using var content = new ByteArrayContent(body);
            using var answer = await client.PostAsync(Pools, content, TestContext.Current.CancellationToken);
            Assert.Equal(HttpStatusCode.BadRequest, answer.StatusCode);
        }

        foreach (var depth in (int[])[200, 100_000])
            Assert.Equal(HttpStatusCode.BadRequest, (await PostAsync(Pools, new string('[', depth) + new string(']', depth))).Status);
        Assert.Empty(_asked);
    }

    [Fact]
    public async Task ReadsNoMoreThanAnObjectCanBe()
    {
        using var client = Client();
        client.DefaultRequestHeaders.ExpectContinue = true;   // else the answer comes while the body is still being sent
        using var large = new ByteArrayContent(new byte[(8 * 1024 * 1024) + 1]);
        Assert.Equal(HttpStatusCode.RequestEntityTooLarge, (await client.PostAsync(Pools, large, TestContext.Current.CancellationToken)).StatusCode);
        Assert.Equal(HttpStatusCode.NotFound, (await client.GetAsync("/metrics", TestContext.Current.CancellationToken)).StatusCode);
        Assert.Equal(HttpStatusCode.MethodNotAllowed, (await client.GetAsync(Pools, TestContext.Current.CancellationToken)).StatusCode);
    }

    [Fact]
    public async Task FailsOnlyTheReviewThatCannotBeJudged()
    {
        _verdict = request => request.Name == "a" ? throw new InvalidOperationException("not today") : AdmissionVerdict.Allowed;
        Assert.Equal(HttpStatusCode.InternalServerError, (await PostAsync(Pools, Review("ipaddresspools"))).Status);
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(Pools, Review("ipaddresspools").Replace("\"name\":\"a\"", "\"name\":\"b\"", StringComparison.Ordinal))).Status);
    }

    [Fact]
    [Contract("§1 versions")]
    public async Task ConvertsBgpPeers()
    {
        const string Body = """
            {"apiVersion":"apiextensions.k8s.io/v1","kind":"ConversionReview","request":{"uid":"c-1","desiredAPIVersion":"metallb.io/v1beta2","objects":[
              {"apiVersion":"metallb.io/v1beta1","kind":"BGPPeer","metadata":{"name":"a","uid":"1"},"spec":{"myASN":1,"peerASN":2,"peerAddress":"192.0.2.1","peerPort":0}}]}}
            """;
        var (status, answer) = await PostAsync("/convert", Body);
        Assert.Equal(HttpStatusCode.OK, status);
        Assert.Equal(
            """{"apiVersion":"apiextensions.k8s.io/v1","kind":"ConversionReview","response":{"uid":"c-1","result":{"status":"Success"},"convertedObjects":[{"apiVersion":"metallb.io/v1beta2","kind":"BGPPeer","metadata":{"name":"a","uid":"1"},"spec":{"myASN":1,"peerASN":2,"peerAddress":"192.0.2.1"}}]}}""",
            answer);
        (status, answer) = await PostAsync("/convert", Body.Replace("BGPPeer", "Peer", StringComparison.Ordinal));
        Assert.Equal((HttpStatusCode.OK, "Failure"), (status, (string?)JsonNode.Parse(answer)!["response"]!["result"]!["status"]));
    }

    [Fact]
    public async Task TakesANewCertificateWithoutARestart()
    {
        var before = await ServedAsync(SslProtocols.Tls13);
        var renewed = _authority.Renew(new Dictionary<string, byte[]>(_held) { ["tls.crt"] = [] }, DateTimeOffset.UtcNow, out var why);
        Assert.NotEmpty(why);
        _serving.Replace(WebhookAuthority.Serving(renewed)!);
        var after = await ServedAsync(SslProtocols.Tls13);
        Assert.NotEqual(before, after);
        Assert.Equal(HttpStatusCode.OK, (await PostAsync(Pools, Review("ipaddresspools"))).Status);
    }

    [Fact]
    public async Task SpeaksNoTlsThatIsOlderThanAsked()
    {
        await Assert.ThrowsAnyAsync<Exception>(() => ServedAsync(SslProtocols.Tls12));
        var older = await StartAsync(TlsSettings.Default with { Protocols = SslProtocols.Tls12 | SslProtocols.Tls13 });
        Assert.NotEmpty(await ServedAsync(SslProtocols.Tls12, older));
    }

    [Fact]
    public async Task OffersNoCipherSuiteThatWasNotAsked()
    {
        var port = await StartAsync(new TlsSettings(SslProtocols.Tls13, [TlsCipherSuite.TLS_AES_256_GCM_SHA384]));
        Assert.NotEmpty(await ServedAsync(SslProtocols.Tls13, port));
        Assert.Equal(TlsCipherSuite.TLS_AES_256_GCM_SHA384, _negotiated);
    }

    private TlsCipherSuite _negotiated;

    private async Task<int> StartAsync(TlsSettings tls)
    {
        var server = new WebhookServer(new IPEndPoint(IPAddress.Loopback, 0), tls, false, _serving, (request, _) =>
        {
            var verdict = _verdict(request);
            lock (_asked)
                _asked.Add(request);
            return ValueTask.FromResult(verdict);
        }, _meter, NullLogger.Instance);
        _running = Task.WhenAll(_running, Task.Run(() => server.RunAsync(_stop.Token)));
        return await server.Port.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
    }

    private async Task<string> ServedAsync(SslProtocols protocol, int? port = null)
    {
        using var socket = new System.Net.Sockets.TcpClient();
        await socket.ConnectAsync(IPAddress.Loopback, port ?? _port, TestContext.Current.CancellationToken);
        await using var tls = new SslStream(socket.GetStream());
        await tls.AuthenticateAsClientAsync(new SslClientAuthenticationOptions { TargetHost = "localhost", EnabledSslProtocols = protocol, CertificateChainPolicy = Policy() }, TestContext.Current.CancellationToken);
        _negotiated = tls.NegotiatedCipherSuite;
        return tls.RemoteCertificate!.GetCertHashString();
    }

    private X509ChainPolicy Policy()
    {
        var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
        policy.CustomTrustStore.ImportFromPem(Encoding.ASCII.GetString(_held["ca.crt"]));
        return policy;
    }

    private HttpClient Client() => new(new SocketsHttpHandler { SslOptions = new SslClientAuthenticationOptions { CertificateChainPolicy = Policy() }, UseProxy = false }) { BaseAddress = new Uri($"https://localhost:{_port}") };

    private async Task<(HttpStatusCode Status, string Answer)> PostAsync(string path, string body)
    {
        using var client = Client();
        using var content = new StringContent(body, Encoding.UTF8, "application/json");
        using var answer = await client.PostAsync(path, content, TestContext.Current.CancellationToken);
        return (answer.StatusCode, await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken));
    }

    private static string Review(string resource) => $$$"""
        {"apiVersion":"admission.k8s.io/v1","kind":"AdmissionReview","request":{"uid":"u-1","operation":"CREATE","namespace":"metallb-system","name":"a",
         "resource":{"group":"metallb.io","version":"v1beta1","resource":"{{{resource}}}"},"object":{"metadata":{"name":"a"},"spec":{}},"oldObject":null}}
        """;
}
