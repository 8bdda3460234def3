using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Text.Json.Nodes;

namespace Portolan.Lab.Tests.ApiServer;

/// <summary>The real process, killed without warning.</summary>
public sealed class StoreDurabilityTests
{
    [Fact]
    public async Task LosesNoAcknowledgedWrite_WhenKilled()
    {
        using var state = new ServerState();
        var acknowledged = new Dictionary<string, long>();
        long highest = 0;
        for (var round = 0; round < 3; round++)
        {
            var port = FreePort();
            using var server = Start(state, port);
            using var client = new ApiClient($"https://127.0.0.1:{port}", state.AuthorityPem, state.Admin, http2: true);
            await ReadyAsync(client, server);

            var list = await client.DoAsync("GET", "/api/v1/namespaces/default/configmaps");
            var revision = long.Parse((string)list["metadata"]!["resourceVersion"]!);
            Assert.True(revision >= highest, $"revision {revision} after {highest}");
            var present = ((JsonArray)list["items"]!).ToDictionary(o => (string)o!["metadata"]!["name"]!, o => long.Parse((string)o!["metadata"]!["resourceVersion"]!));
            foreach (var (name, version) in acknowledged) Assert.Equal(version, present.GetValueOrDefault(name));

            var enough = new TaskCompletionSource();
            var current = round;
            var writers = Enumerable.Range(0, 8).Select(async w =>
            {
                for (var i = 0; ; i++)
                {
                    var name = $"r{current}-w{w}-{i}";
                    JsonObject reply;
                    try
                    {
                        var (code, body, _) = await client.SendAsync("POST", "/api/v1/namespaces/default/configmaps", $$"""{"metadata": {"name": "{{name}}" }, "data": {"k": "v"} }""");
                        if (code != 201) return;
                        reply = body;
                    }
                    catch (Exception e) when (e is HttpRequestException or IOException)
                    {
                        return;
                    }

                    lock (acknowledged)
                    {
                        var version = long.Parse((string)reply["metadata"]!["resourceVersion"]!);
                        acknowledged[name] = version;
                        highest = Math.Max(highest, version);
                        if (acknowledged.Count > 150 * (current + 1)) enough.TrySetResult();
                    }
                }
            }).ToList();
            await Task.WhenAny(enough.Task, Task.WhenAll(writers));
            server.Kill();
            await server.WaitForExitAsync(TestContext.Current.CancellationToken);
            await Task.WhenAll(writers);
            Assert.True(enough.Task.IsCompleted, "the server stopped by itself");
        }
    }

    private static Process Start(ServerState state, int port)
    {
        var start = new ProcessStartInfo("dotnet") { RedirectStandardOutput = true, RedirectStandardError = true };
        foreach (var argument in (string[])[Path.Combine(AppContext.BaseDirectory, "portolan-lab.dll"), "apiserver", "--state", state.Directory, "--bind", $"127.0.0.1:{port}"])
            start.ArgumentList.Add(argument);
        var process = Process.Start(start)!;
        process.OutputDataReceived += static (_, _) => { };
        process.BeginOutputReadLine();
        process.BeginErrorReadLine();
        return process;
    }

    private static async Task ReadyAsync(ApiClient client, Process server)
    {
        var patience = Stopwatch.StartNew();
        while (true)
        {
            try
            {
                if ((await client.SendAsync("GET", "/readyz")).Code == 200) return;
            }
            catch (HttpRequestException) when (!server.HasExited && patience.Elapsed < TimeSpan.FromSeconds(60))
            {
                await Task.Delay(50, TestContext.Current.CancellationToken);
            }
        }
    }

    private static int FreePort()
    {
        using var listener = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        return ((IPEndPoint)listener.LocalEndPoint!).Port;
    }
}
