using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Net.WebSockets;
using System.Text;

using Microsoft.AspNetCore.Builder;
using Microsoft.Extensions.Logging.Abstractions;

using Portolan.Lab.Network;
using Portolan.Lab.Nodes.Server;
using Portolan.Lab.Nodes.Server.Forwarding;

namespace Portolan.Lab.Tests.Nodes;

/// <summary>The real kubectl, and a client of numbered channels, against /portForward of a node agent; the pod is a network namespace with listeners in it.</summary>
public sealed class PortForwardTests(ContainerFixture fixture) : IClassFixture<ContainerFixture>
{
    public static TheoryData<string> Kubectls => KubectlStreamTests.Kubectls;

    [Theory]
    [MemberData(nameof(Kubectls))]
    public async Task CarriesManyConnectionsToSeveralPorts_EachWithItsOwnEnd(string name)
    {
        ContainerFixture.SkipUnlessRoot();
        using var echo = Listen(IPAddress.Loopback);
        using var other = Listen(IPAddress.IPv6Loopback);
        await using var api = await StartApiAsync();
        await using var forward = await Forward.StartAsync(KubectlStreamTests.Find(name), fixture.NewDirectory("cache"), api.Urls.First(), Port(echo), Port(other));

        // More than a connection may have streams at once: places must be given back.
        for (var round = 0; round < 5; round++)
            await Task.WhenAll(Enumerable.Range(0, 40).Select(async i => Assert.Equal($"echo of {i}", await AskAsync(forward.Ports[i % 2], $"{i}"))));
        var large = string.Concat(Enumerable.Range(0, 100_000).Select(i => $"{i:x8}"));
        Assert.Equal("echo of " + large, await AskAsync(forward.Ports[0], large));
    }

    [Theory]
    [MemberData(nameof(Kubectls))]
    public async Task SaysWhoRefused(string name)
    {
        ContainerFixture.SkipUnlessRoot();
        await using var api = await StartApiAsync();
        await using var forward = await Forward.StartAsync(KubectlStreamTests.Find(name), fixture.NewDirectory("cache"), api.Urls.First(), 81);
        Assert.Equal("", await AskAsync(forward.Ports[0], "anybody?"));
        await forward.UntilErrorAsync($"an error occurred forwarding {forward.Ports[0]} -> 81: error forwarding port 81 to pod u-1, uid : failed to execute portforward in network namespace ");
        await forward.UntilErrorAsync("failed to connect to localhost:81 inside namespace ");
        await forward.UntilErrorAsync("IPv4: dial tcp4 127.0.0.1:81: connect: connection refused IPv6 dial tcp6 [::1]:81: connect: connection refused");
    }

    [Fact]
    public async Task CarriesNumberedChannels()
    {
        ContainerFixture.SkipUnlessRoot();
        using var echo = Listen(IPAddress.Loopback);
        await using var api = await StartApiAsync();
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        using var client = new ClientWebSocket();
        client.Options.AddSubProtocol("v4.channel.k8s.io");
        await client.ConnectAsync(new Uri($"{api.Urls.First().Replace("http", "ws", StringComparison.Ordinal)}/portforward?ports={Port(echo)}&ports=81"), TestContext.Current.CancellationToken);
        await client.SendAsync(Encoding.ASCII.GetBytes("\0hello\n"), WebSocketMessageType.Binary, true, TestContext.Current.CancellationToken);
        var texts = new string[4];
        var buffer = new byte[4096];
        while (texts[0]?.Length != 2 + 13 || texts[3]?.EndsWith("refused ", StringComparison.Ordinal) != true)
        {
            var message = await client.ReceiveAsync(buffer.AsMemory(), patience.Token);
            Assert.Equal(WebSocketMessageType.Binary, message.MessageType);
            texts[buffer[0]] += Encoding.Latin1.GetString(buffer, 1, message.Count - 1);
        }

        Assert.Equal("echo of hello", texts[0][2..]);
        Assert.Equal(Port(echo), texts[0][0] | texts[0][1] << 8);
        Assert.Equal("Q\0", texts[2]);
        Assert.StartsWith("Q\0error forwarding port 81 to pod u-1", texts[3]);
        await client.CloseAsync(WebSocketCloseStatus.NormalClosure, null, TestContext.Current.CancellationToken);
    }

    [Theory]
    [InlineData("ports=0")]
    [InlineData("ports=65536")]
    [InlineData("ports=x")]
    [InlineData("")]
    public async Task RefusesWhatIsNoPort(string query)
    {
        await using var api = await StartApiAsync();
        using var client = new ClientWebSocket();
        client.Options.CollectHttpResponseDetails = true;
        await Assert.ThrowsAsync<WebSocketException>(() =>
            client.ConnectAsync(new Uri($"{api.Urls.First().Replace("http", "ws", StringComparison.Ordinal)}/portforward?{query}"), TestContext.Current.CancellationToken));
        Assert.Equal(HttpStatusCode.BadRequest, client.HttpStatusCode);
    }

    private static int Port(Socket socket) => ((IPEndPoint)socket.LocalEndPoint!).Port;

    /// <summary>Sends a text, says that it was all, and reads what comes.</summary>
    private static async Task<string> AskAsync(int port, string text)
    {
        using var client = new TcpClient();
        await client.ConnectAsync(IPAddress.Loopback, port, TestContext.Current.CancellationToken);
        var stream = client.GetStream();
        var reading = new StreamReader(stream).ReadToEndAsync(TestContext.Current.CancellationToken);
        try
        {
            await stream.WriteAsync(Encoding.ASCII.GetBytes(text), TestContext.Current.CancellationToken);
            client.Client.Shutdown(SocketShutdown.Send);
            return await reading.WaitAsync(TimeSpan.FromSeconds(30));
        }
        catch (Exception refused) when (refused is IOException or SocketException)
        {
            return "";
        }
    }

    /// <summary>A listener of the pod's that answers "echo of " and, once the client has said a line or all it had to say, what it said.</summary>
    private Socket Listen(IPAddress address)
    {
        var listener = NetworkNamespace.Run(fixture.NetworkNamespace, () =>
        {
            var socket = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(new IPEndPoint(address, 0));
            socket.Listen(200);
            return socket;
        });
        _ = Task.Run(async () =>
        {
            while (true)
            {
                Socket client;
                try
                {
                    client = await listener.AcceptAsync();
                }
                catch (Exception closed) when (closed is SocketException or ObjectDisposedException)
                {
                    return;
                }

                _ = Task.Run(async () =>
                {
                    await using var stream = new NetworkStream(client, ownsSocket: true);
                    var said = await new StreamReader(stream, Encoding.ASCII).ReadLineAsync();
                    await stream.WriteAsync(Encoding.ASCII.GetBytes("echo of " + said));
                });
            }
        });
        return listener;
    }

    /// <summary>As much of an API server as port-forward asks for: one pod, and the way to its ports.</summary>
    private async Task<WebApplication> StartApiAsync()
    {
        var pod = new PodEndpoint("u-1", fixture.NetworkNamespace);
        var endpoints = new KubeletEndpoints((_, _, _) => null, (_, _) => pod, TimeProvider.System, NullLogger.Instance);
        return await KubectlStreamTests.StartApiAsync(endpoints, path => path.EndsWith("/portforward", StringComparison.Ordinal) ? "/portForward/default/p" : null);
    }

    /// <summary>A kubectl port-forward that is under way.</summary>
    private sealed class Forward : IAsyncDisposable
    {
        private readonly Process _process;
        private readonly StringBuilder _error = new();

        private Forward(Process process) => _process = process;

        public List<int> Ports { get; } = [];

        public static async Task<Forward> StartAsync(string kubectl, string cache, string server, params int[] ports)
        {
            var start = new ProcessStartInfo(kubectl, ["--server", server, "--cache-dir", cache, "port-forward", "pod/p", .. ports.Select(port => $":{port}")])
            {
                RedirectStandardOutput = true, RedirectStandardError = true, Environment = { ["KUBECONFIG"] = "/dev/null", ["NO_PROXY"] = "*" },
            };
            var forward = new Forward(Process.Start(start)!);
            forward._process.ErrorDataReceived += (_, e) =>
            {
                lock (forward._error) forward._error.AppendLine(e.Data);
            };
            forward._process.BeginErrorReadLine();
            while (forward.Ports.Count < ports.Length)
            {
                var line = await forward._process.StandardOutput.ReadLineAsync(TestContext.Current.CancellationToken).AsTask().WaitAsync(TimeSpan.FromSeconds(30));
                Assert.True(line is not null, forward.Error);
                if (line.StartsWith("Forwarding from 127.0.0.1:", StringComparison.Ordinal)) forward.Ports.Add(int.Parse(line.Split(':')[1].Split(' ')[0]));
            }

            _ = forward._process.StandardOutput.ReadToEndAsync();
            return forward;
        }

        private string Error
        {
            get
            {
                lock (_error) return _error.ToString().Replace("\\\"", "\"", StringComparison.Ordinal);
            }
        }

        public async Task UntilErrorAsync(string expected)
        {
            for (var i = 0; i < 2000 && !Error.Contains(expected, StringComparison.Ordinal); i++) await Task.Delay(10);
            Assert.True(Error.Contains(expected, StringComparison.Ordinal), $"{expected}\nis not in\n{Error}");
        }

        public async ValueTask DisposeAsync()
        {
            _process.Kill();
            await _process.WaitForExitAsync();
            _process.Dispose();
        }
    }
}
