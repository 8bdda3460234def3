using Portolan.Kubernetes.Client;

namespace Portolan.Kubernetes.Tests.Client;

public sealed class KubeConfigTests : IDisposable
{
    private readonly string _directory = Directory.CreateTempSubdirectory("portolan-kubeconfig-").FullName;

    public void Dispose() => Directory.Delete(_directory, true);

    [Fact]
    public void ReadsTheCurrentContext()
    {
        var connection = ClusterConnection.Load(Write("""
            apiVersion: v1
            kind: Config
            current-context: two
            contexts:
            - {name: one, context: {cluster: a, user: u}}
            - {name: two, context: {cluster: b, user: u, namespace: web}}
            clusters:
            - {name: a, cluster: {server: "https://a:1"}}
            - {name: b, cluster: {server: "https://b:2", tls-server-name: kubernetes}}
            users:
            - {name: u, user: {token: secret}}
            """));
        Assert.Equal(new Uri("https://b:2"), connection.Server);
        Assert.Equal("kubernetes", connection.TlsServerName);
        Assert.Equal("secret", connection.Token);
        Assert.Equal("web", connection.Namespace);
    }

    [Fact]
    public void LooksForFilesBesideTheKubeconfig()
    {
        var connection = ClusterConnection.Load(Write("""
            current-context: c
            contexts: [{name: c, context: {cluster: a, user: u}}]
            clusters: [{name: a, cluster: {server: "https://a:1"}}]
            users: [{name: u, user: {tokenFile: token}}]
            """));
        Assert.Equal(Path.Combine(_directory, "token"), connection.TokenFile);
    }

    [Fact]
    public void MasterUrlOverridesTheServer() =>
        Assert.Equal(new Uri("https://192.168.100.10:6443"), ClusterConnection.Load(Write("""
            current-context: c
            contexts: [{name: c, context: {cluster: a}}]
            clusters: [{name: a, cluster: {server: "https://a:1"}}]
            """), "https://192.168.100.10:6443").Server);

    [Theory]
    [InlineData("contexts: []", "current-context is not set")]
    [InlineData("current-context: c", "contexts: there is no 'c'")]
    [InlineData("{current-context: c, contexts: [{name: c, context: {cluster: x}}]}", "clusters: there is no 'x'")]
    [InlineData("{current-context: c, contexts: [{name: c, context: {cluster: x}}], clusters: [{name: x, cluster: {server: nonsense}}]}", "clusters[x].cluster.server: 'nonsense' is not a URL")]
    [InlineData("{current-context: c, contexts: [{name: c, context: {cluster: x, user: u}}], clusters: [{name: x, cluster: {server: 'https://a'}}], users: [{name: u, user: {exec: {command: x}}}]}", "users[u].user.exec.apiVersion")]
    [InlineData("{current-context: c, contexts: [{name: c, context: {cluster: x}}], clusters: [{name: x, cluster: {server: 'https://a', certificate-authority: absent.crt}}]}", "absent.crt")]
    [InlineData("{current-context: c, contexts: [{name: c, context: {cluster: x, user: u}}], clusters: [{name: x, cluster: {server: 'https://a'}}], users: [{name: u, user: {auth-provider: {name: gcp}}}]}", "users[u].user.auth-provider: 'gcp' is built into old kubectl versions only")]
    [InlineData("{current-context: c, contexts: [{name: c, context: {cluster: x, user: u}}], clusters: [{name: x, cluster: {server: 'https://a'}}], users: [{name: u, user: {client-certificate-data: eA==}}]}", "users[u].user.client-key: is not set")]
    [InlineData("{current-context: c, contexts: [{name: c, context: {cluster: x, user: u}}], clusters: [{name: x, cluster: {server: 'https://a'}}], users: [{name: u, user: {client-certificate-data: x}}]}", "users[u].user.client-certificate-data")]
    [InlineData("{current-context: c, contexts: [{name: c, context: {cluster: x, user: u}}], clusters: [{name: x, cluster: {server: 'https://a'}}], users: [{name: u, user: {as-groups: [a]}}]}", "users[u].user.as: is not set")]
    [InlineData("{current-context: c, contexts: [{name: c, context: {cluster: x, user: u}}], clusters: [{name: x, cluster: {server: 'https://a'}}], users: [{name: u, user: {as: j, as-groups: [a, b]}}]}", "users[u].user.as-groups: more than one value")]
    [InlineData("{current-context: c, contexts: [{name: c, context: {cluster: x}}], clusters: [{name: x, cluster: {server: 'https://a', proxy-url: 'ftp://p'}}]}", "clusters[x].cluster.proxy-url: 'ftp://p' is not an http, https or socks5 URL")]
    [InlineData("{current-context: c, contexts: [{name: c, context: {cluster: x}}], clusters: [{name: x, cluster: {server: 'https://a', insecure-skip-tls-verify: maybe}}]}", "clusters[x].cluster.insecure-skip-tls-verify: 'maybe' is neither true nor false")]
    [InlineData("{", "line")]
    public void SaysWhichFileAndFieldIsWrong(string text, string expected)
    {
        var path = Write(text);
        var error = Assert.Throws<KubeConfigException>(() => ClusterConnection.Load(path));
        Assert.StartsWith(path, error.Message);
        Assert.Contains(expected, error.Message);
    }

    [Fact]
    public void MergesTheFilesOfKubeconfig_AsKubectlDoes()
    {
        Directory.CreateDirectory(Path.Combine(_directory, "second"));
        var first = Write("""
            contexts: [{name: c, context: {cluster: near, user: u, namespace: first}}]
            clusters: [{name: near, cluster: {server: "https://first"}}]
            """, "first");
        var second = Write("""
            current-context: c
            contexts: [{name: c, context: {cluster: far, user: u, namespace: second}}]
            clusters: [{name: near, cluster: {server: "https://second"}}, {name: far, cluster: {server: "https://far"}}]
            users: [{name: u, user: {tokenFile: token}}]
            """, "second/config");
        var before = Environment.GetEnvironmentVariable("KUBECONFIG");
        try
        {
            Environment.SetEnvironmentVariable("KUBECONFIG", $"{_directory}/absent:{first}::{second}");
            var connection = ClusterConnection.Load();
            Assert.Equal((new Uri("https://first"), "first", Path.Combine(_directory, "second", "token")), (connection.Server, connection.Namespace, connection.TokenFile));
            Environment.SetEnvironmentVariable("KUBECONFIG", $"{_directory}/absent:{_directory}/absent-too");
            Assert.Contains($"{_directory}/absent", Assert.Throws<KubeConfigException>(() => ClusterConnection.Load()).Message);
        }
        finally
        {
            Environment.SetEnvironmentVariable("KUBECONFIG", before);
        }
    }

    private string Write(string text, string name = "config")
    {
        var path = Path.Combine(_directory, name);
        File.WriteAllText(path, text);
        return path;
    }
}
