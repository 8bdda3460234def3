using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;

namespace Portolan.Kubernetes.Tests.Client;

/// <summary>What kubeconfigs of real life ask for, over real TLS.</summary>
public sealed class ConnectionTests : IDisposable
{
    private readonly TestAuthority _authority = new();
    private readonly string _directory = Directory.CreateTempSubdirectory("portolan-connection-").FullName;

    public void Dispose() => Directory.Delete(_directory, true);

    [Fact]
    public async Task ChecksTheServersName()
    {
        await using var server = await TlsServer.StartAsync(_authority, "another.example");
        using var client = Client(server, "", "");
        await Assert.ThrowsAsync<HttpRequestException>(() => AskAsync(client));
        Assert.Empty(server.Requests);
    }

    [Fact]
    public async Task ChecksAndSendsTheTlsServerName_InsteadOfTheUrlsHost()
    {
        await using var server = await TlsServer.StartAsync(_authority, "kubernetes.example");
        using var client = Client(server, ", tls-server-name: kubernetes.example", "");
        await AskAsync(client);
        Assert.Equal("kubernetes.example", Assert.Single(server.Requests).ServerName);
        using var wrong = Client(server, ", tls-server-name: other.example", "");
        await Assert.ThrowsAsync<HttpRequestException>(() => AskAsync(wrong));
    }

    [Fact]
    public async Task RefusesAnAuthorityItDoesNotKnow_UnlessToldToSkipTheCheck()
    {
        await using var server = await TlsServer.StartAsync(new TestAuthority());
        using var careful = Client(server, "", "");
        await Assert.ThrowsAsync<HttpRequestException>(() => AskAsync(careful));
        using var careless = Connect(server, "insecure-skip-tls-verify: true", "token: t");
        await AskAsync(careless);
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task SendsEverythingOverOneHttp2Connection()
    {
        await using var server = await TlsServer.StartAsync(_authority);
        using var client = Client(server, "", "");
        await Task.WhenAll(Enumerable.Range(0, 12).Select(_ => AskAsync(client)));
        Assert.All(server.Requests, request => Assert.Equal("HTTP/2", request.Protocol));
        Assert.Single(server.Requests.Select(request => request.Port).Distinct());
    }

    [Fact]
    public async Task ReadsTheTokenFileAgain_WhenItWasReplaced()
    {
        var file = Write("token", "first\n");
        await using var server = await TlsServer.StartAsync(_authority);
        using var client = Client(server, "", "tokenFile: token, token: ignored");
        await AskAsync(client);
        Replace(file, "second");
        await AskAsync(client);
        Assert.Equal(["Bearer first", "Bearer second"], server.Requests.Select(request => request.Authorization));
    }

    [Fact]
    public async Task ReadsTheTokenFileAgain_WhenTheTokenIsRefused_ThoughTheFilesTimeIsTheSame()
    {
        var file = Write("token", "first");
        var written = File.GetLastWriteTimeUtc(file);
        await using var server = await TlsServer.StartAsync(_authority);
        server.Welcome = seen => seen.Authorization == "Bearer second" || server.Requests.Count == 1;
        using var client = Client(server, "", "tokenFile: token");
        await AskAsync(client);
        File.WriteAllText(file, "second");
        File.SetLastWriteTimeUtc(file, written);
        await AskAsync(client);
        Assert.Equal(["Bearer first", "Bearer first", "Bearer second"], server.Requests.Select(request => request.Authorization));
    }

    [Fact]
    public async Task SaysUnauthorized_WhenThereIsNoOtherToken()
    {
        await using var server = await TlsServer.StartAsync(_authority);
        server.Welcome = _ => false;
        using var client = Client(server, "", "token: stale");
        var refused = await Assert.ThrowsAsync<KubeApiException>(() => AskAsync(client));
        Assert.Equal(System.Net.HttpStatusCode.Unauthorized, refused.StatusCode);
        Assert.Single(server.Requests);
    }

    [Fact]
    public async Task SendsUserAndPassword()
    {
        await using var server = await TlsServer.StartAsync(_authority);
        using var client = Client(server, "", "username: jane, password: 's3cret:'");
        await AskAsync(client);
        Assert.Equal("Basic " + Convert.ToBase64String("jane:s3cret:"u8), Assert.Single(server.Requests).Authorization);
    }

    [Fact]
    public async Task ShowsAReplacedClientCertificate_OnNewConnections_AndNeverHalfOfOne()
    {
        var (one, two) = (_authority.Issue("one"), _authority.Issue("two"));
        var (certificate, key) = (Write("client.crt", one.Pem), Write("client.key", one.KeyPem));
        await using var server = await TlsServer.StartAsync(_authority);
        using var client = Client(server, "", "client-certificate: client.crt, client-key: client.key");
        await AskAsync(client);
        Replace(certificate, two.Pem);
        await AskAsync(client);
        Replace(key, two.KeyPem);
        await AskAsync(client);
        Assert.Equal(["CN=one", "CN=one", "CN=two"], server.Requests.Select(request => request.Certificate));
    }

    [Fact]
    public async Task SendsWhatLeadsFromItsCertificateToAnAuthority()
    {
        var between = new TestAuthority("between", _authority);
        var own = between.Issue("one");
        Write("client.crt", $"{own.Pem}\n{between.Pem}");
        Write("client.key", own.KeyPem);
        await using var server = await TlsServer.StartAsync(_authority);
        using var client = Client(server, "", "client-certificate: client.crt, client-key: client.key");
        await AskAsync(client);
        Assert.Equal("CN=one", server.Requests[0].Certificate);
        Assert.Contains("CN=between", server.SentAlong);
    }

    [Fact]
    public async Task SaysWhomItSpeaksFor()
    {
        await using var server = await TlsServer.StartAsync(_authority);
        using var client = Client(server, "", "token: t, as: jane, as-uid: u1, as-groups: [dev], as-user-extra: {'example.com/team': [a]}");
        await AskAsync(client);
        var headers = Assert.Single(server.Requests).Headers.Where(header => header.Name.StartsWith("Impersonate-", StringComparison.OrdinalIgnoreCase)).Select(header => $"{header.Name}={header.Value}").Order(StringComparer.Ordinal);
        Assert.Equal(
            ["Impersonate-Extra-example.com%2Fteam=a", "Impersonate-Group=dev", "Impersonate-Uid=u1", "Impersonate-User=jane"],
            headers, StringComparer.OrdinalIgnoreCase);
    }

    [Theory]
    [InlineData("http", "")]
    [InlineData("http", "me:pa%3Ass@")]
    [InlineData("https", "")]
    [InlineData("socks5", "")]
    [InlineData("socks5", "me:pa%3Ass@")]
    public async Task GoesThroughTheProxy_WhichLearnsTheServersName(string scheme, string login)
    {
        var name = login.Length > 0 ? "login.example" : "api.example";
        await using var server = await TlsServer.StartAsync(_authority, name);
        await using var proxy = new LoopbackProxy(scheme == "socks5", scheme == "https" ? _authority.Issue("proxy", "127.0.0.1").Certificate : null);
        using var client = Connect(server, $"certificate-authority: ca.crt, proxy-url: '{scheme}://{login}127.0.0.1:{proxy.Port}'", "token: t", $"https://{name}:{server.Url.Port}");
        await AskAsync(client);
        Assert.Equal($"{Uri.UnescapeDataString(login)}{name}:{server.Url.Port}", Assert.Single(proxy.Tunnels));
        Assert.Equal(name, Assert.Single(server.Requests).ServerName);
    }

    private KubeClient Client(TlsServer server, string cluster, string user) => Connect(server, "certificate-authority: ca.crt" + cluster, user);

    private KubeClient Connect(TlsServer server, string cluster, string user, string? url = null)
    {
        Write("ca.crt", _authority.Pem);
        return new KubeClient(ClusterConnection.Load(Write("config", $$"""
            current-context: c
            contexts: [{name: c, context: {cluster: k, user: u} }]
            clusters: [{name: k, cluster: {server: "{{url ?? server.Url.ToString()}}", {{cluster}} } }]
            users: [{name: u, user: { {{user}} } }]
            """)));
    }

    private static Task<ConfigMap> AskAsync(KubeClient client) => client.GetAsync(Kinds.ConfigMaps, "default", "settings", TestContext.Current.CancellationToken);

    private string Write(string name, string text)
    {
        var path = Path.Combine(_directory, name);
        File.WriteAllText(path, text);
        return path;
    }

    // As kubelet and cert-manager do: another file in the place of the old one, with a time of its own.
    private static void Replace(string path, string text)
    {
        File.WriteAllText(path + ".new", text);
        File.SetLastWriteTimeUtc(path + ".new", DateTime.UtcNow.AddSeconds(5));
        File.Move(path + ".new", path, overwrite: true);
    }
}
