using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Portolan.Lab.Tests.ApiServer;

/// <summary>Logs, exec and attach reach the agent of the pod's node. The agent here is a socket that speaks just enough HTTP.</summary>
public sealed class NodeProxyTests(RunningServer server) : IClassFixture<RunningServer>
{
    // The agent's port is fixed, its address is the node's: a loopback address of this test's own.
    private const string NodeAddress = "127.77.0.1";

    private async Task<string> PodAsync()
    {
        var ns = await server.NamespaceAsync();
        await server.Client.SendAsync("POST", "/api/v1/nodes", $$"""{"metadata": {"name":"n1"},"status": {"addresses":[{"type":"InternalIP","address":"{{NodeAddress}}"}]} }""");
        await server.Client.DoAsync("POST", $"{ns}/pods", """{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]}}""");
        await server.Client.DoAsync("POST", $"{ns}/pods/p/binding", """{"target":{"name":"n1"}}""");
        return $"{ns}/pods/p";
    }

    private static TcpListener Listen()
    {
        var listener = new TcpListener(IPAddress.Parse(NodeAddress), 10250);
        listener.Server.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        listener.Start();
        return listener;
    }

    private async Task<SslStream> AcceptAsync(TcpListener listener)
    {
        var credential = server.State.Issue("system:node:n1", "system:nodes", [IPAddress.Parse(NodeAddress)]);
        using var pem = X509Certificate2.CreateFromPem(credential.CertificatePem, credential.KeyPem);
        var ssl = new SslStream((await listener.AcceptTcpClientAsync(TestContext.Current.CancellationToken)).GetStream());
        await ssl.AuthenticateAsServerAsync(new SslServerAuthenticationOptions
        {
            ServerCertificate = pem, ClientCertificateRequired = true, RemoteCertificateValidationCallback = static (_, certificate, _, _) => certificate is not null,
        }, TestContext.Current.CancellationToken);
        Assert.Equal("CN=kube-apiserver-kubelet-client", string.Join(", ", ssl.RemoteCertificate!.Subject.Split(", ").Order()));
        return ssl;
    }

    private static async Task<string> ReadHeadAsync(Stream stream)
    {
        var head = new StringBuilder();
        var one = new byte[1];
        while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal) && await stream.ReadAsync(one, TestContext.Current.CancellationToken) == 1) head.Append((char)one[0]);
        return head.ToString();
    }

    private static Task Say(Stream stream, string text) => stream.WriteAsync(Encoding.ASCII.GetBytes(text), TestContext.Current.CancellationToken).AsTask();

    private static async Task<string> ReadAsync(Stream stream, int count)
    {
        var bytes = new byte[count];
        await stream.ReadExactlyAsync(bytes, TestContext.Current.CancellationToken);
        return Encoding.ASCII.GetString(bytes);
    }

    [Fact]
    public async Task CarriesLogsAndUpgradedStreams()
    {
        var pod = await PodAsync();
        Assert.Contains("dial tcp", await server.Client.RefusedAsync(500, "GET", $"{pod}/log"));
        using var listener = Listen();

        var log = server.Client.SendAsync("GET", $"{pod}/log?follow=true&tailLines=10");
        await using (var agent = await AcceptAsync(listener))
        {
            Assert.StartsWith($"GET /containerLogs/{pod.Split('/')[4]}/p/c?follow=true&tailLines=10 HTTP/1.1\r\n", await ReadHeadAsync(agent));
            await Say(agent, "HTTP/1.1 200 OK\r\nConnection: close\r\n\r\none\ntwo\n");
        }

        Assert.Equal("one\ntwo\n", (string?)(await log).Body["text"]);

        foreach (var (method, upgrade) in new[] { ("GET", "websocket"), ("POST", "SPDY/3.1") })
        {
            using var tcp = new TcpClient("127.0.0.1", new Uri(server.Address).Port);
            using var certificate = X509Certificate2.CreateFromPem(server.State.Admin.CertificatePem, server.State.Admin.KeyPem);
            var policy = new X509ChainPolicy { TrustMode = X509ChainTrustMode.CustomRootTrust, RevocationMode = X509RevocationMode.NoCheck };
            policy.CustomTrustStore.Add(X509Certificate2.CreateFromPem(server.State.AuthorityPem));
            await using var client = new SslStream(tcp.GetStream());
            await client.AuthenticateAsClientAsync(
                new SslClientAuthenticationOptions { TargetHost = "localhost", ClientCertificates = [certificate], CertificateChainPolicy = policy }, TestContext.Current.CancellationToken);
            var length = method == "POST" ? "Content-Length: 0\r\n" : "";
            await Say(client, $"{method} {pod}/exec?container=c&command=echo&command=a%20b&stdout=true HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: {upgrade}\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\nAuthorization-Not: x\r\n{length}\r\n");
            await using var agent = await AcceptAsync(listener);
            var head = await ReadHeadAsync(agent);
            Assert.StartsWith($"{method} /exec/{pod.Split('/')[4]}/p/c?command=echo&command=a%20b&stdout=true HTTP/1.1\r\n", head);
            Assert.Contains($"Upgrade: {upgrade}\r\n", head);
            Assert.Contains("X-Stream-Protocol-Version: v4.channel.k8s.io\r\n", head);
            await Say(agent, $"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: {upgrade}\r\nX-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\n");
            var reply = await ReadHeadAsync(client);
            Assert.StartsWith("HTTP/1.1 101 ", reply);
            Assert.Contains("X-Stream-Protocol-Version: v4.channel.k8s.io", reply);
            await Say(client, "ping");
            Assert.Equal("ping", await ReadAsync(agent, 4));
            await Say(agent, "pong");
            Assert.Equal("pong", await ReadAsync(client, 4));
            await agent.ShutdownAsync();
            agent.Close();
            Assert.Equal(0, await client.ReadAsync(new byte[1], TestContext.Current.CancellationToken));
        }

        var refused = server.Client.RefusedAsync(400, "GET", $"{pod}/log");
        await using (var agent = await AcceptAsync(listener))
        {
            await ReadHeadAsync(agent);
            await Say(agent, "HTTP/1.1 400 Bad Request\r\nContent-Length: 5\r\nConnection: close\r\n\r\nsorry");
        }

        Assert.Equal("sorry", await refused);
    }

    [Fact]
    public async Task SaysWhatIsMissingBeforeAskingTheNode()
    {
        var ns = await server.NamespaceAsync();
        await server.Client.DoAsync("POST", $"{ns}/pods", """{"metadata":{"name":"p"},"spec":{"containers":[{"name":"a","image":"i"},{"name":"b","image":"i"}]}}""");
        Assert.Equal("a container name must be specified for pod p, choose one of: [a b]", await server.Client.RefusedAsync(400, "GET", $"{ns}/pods/p/log"));
        Assert.Equal("container x is not valid for pod p", await server.Client.RefusedAsync(400, "GET", $"{ns}/pods/p/log?container=x"));
        Assert.Equal("pod p does not have a host assigned", await server.Client.RefusedAsync(400, "GET", $"{ns}/pods/p/log?container=a"));
        Assert.Equal("Upgrade request required", await server.Client.RefusedAsync(400, "GET", $"{ns}/pods/p/exec?container=a&command=ls"));
    }
}
