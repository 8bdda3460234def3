using System.Text.Json.Nodes;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;

namespace Portolan.Kubernetes.Tests.Client;

/// <summary>Credential plugins that are real programs, and a server over real TLS.</summary>
public sealed class CredentialPluginTests : IDisposable
{
    private readonly TestAuthority _authority = new();
    private readonly string _directory = Directory.CreateTempSubdirectory("portolan-plugin-").FullName;

    public void Dispose() => Directory.Delete(_directory, true);

    [Theory]
    [InlineData("v1")]
    [InlineData("v1beta1")]
    public async Task UsesTheToken_AndAsksAgainOnlyWhenItExpires(string version)
    {
        await using var server = await TlsServer.StartAsync(_authority);
        using var client = Client(server, Plugin(version, """{"token": "t'$n'", "expirationTimestamp": "2126-01-01T00:00:00Z"}"""), version);
        await AskAsync(client);
        await AskAsync(client);
        Assert.Equal(["Bearer t1", "Bearer t1"], server.Requests.Select(request => request.Authorization));

        using var brief = Client(server, Plugin(version, """{"token": "t'$n'", "expirationTimestamp": "2026-01-01T00:00:00Z"}"""), version);
        await AskAsync(brief);
        await AskAsync(brief);
        Assert.Equal(["Bearer t2", "Bearer t3"], server.Requests.Skip(2).Select(request => request.Authorization));
    }

    [Fact]
    public async Task AsksAgain_WhenTheServerRefusesTheToken_ButOnlyOnceARequest()
    {
        await using var server = await TlsServer.StartAsync(_authority);
        server.Welcome = seen => seen.Authorization == "Bearer t2";
        using var client = Client(server, Plugin("v1", """{"token": "t'$n'"}"""));
        await AskAsync(client);
        Assert.Equal(["Bearer t1", "Bearer t2"], server.Requests.Select(request => request.Authorization));
        server.Welcome = _ => false;
        await Assert.ThrowsAsync<KubeApiException>(() => AskAsync(client));
        Assert.Equal(4, server.Requests.Count);
    }

    [Fact]
    public async Task AsksOnce_ForManyRequestsAtATime()
    {
        await using var server = await TlsServer.StartAsync(_authority);
        using var client = Client(server, Plugin("v1", """{"token": "t'$n'"}"""));
        await Task.WhenAll(Enumerable.Range(0, 10).Select(_ => AskAsync(client)));
        Assert.All(server.Requests, request => Assert.Equal("Bearer t1", request.Authorization));
    }

    [Fact]
    public async Task ShowsTheCertificate()
    {
        var issued = _authority.Issue("from-plugin");
        Write("answer.json", new JsonObject
        {
            ["kind"] = "ExecCredential",
            ["apiVersion"] = "client.authentication.k8s.io/v1",
            ["status"] = new JsonObject { ["clientCertificateData"] = issued.Pem, ["clientKeyData"] = issued.KeyPem },
        }.ToJsonString());
        await using var server = await TlsServer.StartAsync(_authority);
        using var client = Client(server, Script($"cat {_directory}/answer.json"));
        await AskAsync(client);
        Assert.Equal("CN=from-plugin", Assert.Single(server.Requests).Certificate);
    }

    [Fact]
    public async Task TellsThePluginWhatItIsFor()
    {
        await using var server = await TlsServer.StartAsync(_authority);
        var script = Script($$"""
            echo "$KUBERNETES_EXEC_INFO" > {{_directory}}/info; echo "$1 $2 $REGION" > {{_directory}}/said
            echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/v1","status":{"token":"t"} }'
            """);
        using var client = Client(server, script, more: ", args: [get, 'a token'], env: [{name: REGION, value: seoul}], provideClusterInfo: true");
        await AskAsync(client);
        Assert.Equal("get a token seoul\n", File.ReadAllText(Path.Combine(_directory, "said")));
        var info = JsonNode.Parse(File.ReadAllText(Path.Combine(_directory, "info")))!;
        Assert.Equal("ExecCredential", (string?)info["kind"]);
        Assert.False((bool)info["spec"]!["interactive"]!);
        var cluster = info["spec"]!["cluster"]!;
        Assert.Equal(server.Url.ToString(), (string?)cluster["server"]);
        Assert.Equal(Convert.ToBase64String(File.ReadAllBytes(Path.Combine(_directory, "ca.crt"))), (string?)cluster["certificate-authority-data"]);
        Assert.Equal("prod", (string?)cluster["config"]!["audience"]);
    }

    [Theory]
    [InlineData("exit 3", "failed with exit code 3")]
    [InlineData("echo nonsense", "cannot be read")]
    [InlineData("echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1beta1\",\"status\":{\"token\":\"t\"}}'", "answered with ExecCredential of client.authentication.k8s.io/v1beta1")]
    [InlineData("echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{}}'", "neither a token nor a client certificate")]
    [InlineData("echo '{\"kind\":\"ExecCredential\",\"apiVersion\":\"client.authentication.k8s.io/v1\",\"status\":{\"clientCertificateData\":\"x\"}}'", "no clientKeyData")]
    public async Task SaysWhatIsWrongWithTheAnswer(string script, string expected)
    {
        await using var server = await TlsServer.StartAsync(_authority);
        using var client = Client(server, Script(script));
        var error = await Assert.ThrowsAsync<HttpRequestException>(() => AskAsync(client));
        Assert.Contains("users[u].user.exec", error.Message, StringComparison.Ordinal);
        Assert.Contains(expected, error.Message, StringComparison.Ordinal);
    }

    [Fact]
    public async Task SaysHowToInstallAPluginThatIsNotThere()
    {
        await using var server = await TlsServer.StartAsync(_authority);
        using var client = Client(server, "no-such-login-helper", more: ", installHint: 'get it at https://example.com'");
        var error = await Assert.ThrowsAsync<HttpRequestException>(() => AskAsync(client));
        Assert.Contains("users[u].user.exec.command: no-such-login-helper cannot be started", error.Message, StringComparison.Ordinal);
        Assert.EndsWith("get it at https://example.com", error.Message, StringComparison.Ordinal);
    }

    [Theory]
    [InlineData("apiVersion: client.authentication.k8s.io/v1alpha1, command: x, interactiveMode: Never", "exec.apiVersion: 'client.authentication.k8s.io/v1alpha1' is neither")]
    [InlineData("apiVersion: client.authentication.k8s.io/v1, interactiveMode: Never", "exec.command: is not set")]
    [InlineData("apiVersion: client.authentication.k8s.io/v1, command: x", "exec.interactiveMode: is not set")]
    [InlineData("apiVersion: client.authentication.k8s.io/v1beta1, command: x, interactiveMode: Sometimes", "exec.interactiveMode: 'Sometimes' is none of")]
    public void RefusesAPluginThatIsNotDescribedAsItMustBe(string exec, string expected) =>
        Assert.Contains(expected, Assert.Throws<KubeConfigException>(() => ClusterConnection.Load(Config("https://127.0.0.1:1", exec))).Message, StringComparison.Ordinal);

    private KubeClient Client(TlsServer server, string command, string version = "v1", string more = "") =>
        new(ClusterConnection.Load(Config(server.Url.ToString(), $"apiVersion: client.authentication.k8s.io/{version}, command: {command}, interactiveMode: Never{more}")));

    private string Config(string server, string exec)
    {
        Write("ca.crt", _authority.Pem);
        return Write("config", $$"""
            current-context: c
            contexts: [{name: c, context: {cluster: k, user: u} }]
            clusters:
            - name: k
              cluster:
                server: "{{server}}"
                certificate-authority: ca.crt
                extensions: [{name: client.authentication.k8s.io/exec, extension: {audience: prod} }]
            users: [{name: u, user: {exec: { {{exec}} } } }]
            """);
    }

    // Counts its calls in $n.
    private string Plugin(string version, string status) => Script(
        $$"""
        n=$(($(cat {{_directory}}/calls 2>/dev/null || echo 0) + 1)); echo $n > {{_directory}}/calls
        echo '{"kind":"ExecCredential","apiVersion":"client.authentication.k8s.io/{{version}}","status":{{status}} }'
        """);

    // A relative path, which is looked for beside the kubeconfig.
    private string Script(string body)
    {
        var path = Write("plugin.sh", "#!/bin/sh\n" + body + "\n");
        File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite | UnixFileMode.UserExecute);
        return "./plugin.sh";
    }

    private static Task<ConfigMap> AskAsync(KubeClient client) => client.GetAsync(Kinds.ConfigMaps, "default", "settings", TestContext.Current.CancellationToken);

    private string Write(string name, string text)
    {
        var path = Path.Combine(_directory, name);
        File.WriteAllText(path, text);
        return path;
    }
}
