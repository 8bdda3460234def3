using System.Net;
using Microsoft.Extensions.Logging;
using Portolan.Hosting;

namespace Portolan.Tests.Hosting;

public sealed class RoleHostTests
{
    [Fact]
    public async Task StartsAFailedTaskAgain_AndCountsTheFailure()
    {
        using var host = new RoleHost("test", LogLevel.None, []);
        using var stop = new CancellationTokenSource();
        var starts = 0;
        host.Supervise("flaky", async token =>
        {
            if (++starts == 1)
                throw new InvalidOperationException("first");
            await stop.CancelAsync();
        });
        Assert.Equal(ExitCode.Done, await host.RunAsync(stop.Token));
        Assert.Equal(2, starts);
        Assert.Contains("portolan_task_failures_total{task=\"flaky\"} 1", host.RenderMetrics(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AnswersReadyOnlyWhenNothingIsAwaited()
    {
        var port = FreePort();
        using var host = new RoleHost("test", LogLevel.None, [new IPEndPoint(IPAddress.Loopback, port)]);
        using var stop = new CancellationTokenSource();
        host.Readiness.Await("services", "first list is under way");
        host.Supervise("probe", async token =>
        {
            using var http = new HttpClient { BaseAddress = new Uri($"http://127.0.0.1:{port}") };
            using var early = await http.GetAsync(new Uri("/readyz", UriKind.Relative), token);
            Assert.Equal(HttpStatusCode.ServiceUnavailable, early.StatusCode);
            Assert.Equal("services: first list is under way\n", await early.Content.ReadAsStringAsync(token));
            host.Readiness.Reached("services");
            Assert.Equal("ok\n", await http.GetStringAsync(new Uri("/readyz", UriKind.Relative), token));
            Assert.Contains("process_resident_memory_bytes", await http.GetStringAsync(new Uri("/metrics", UriKind.Relative), token), StringComparison.Ordinal);
            await stop.CancelAsync();
        });
        stop.CancelAfter(TimeSpan.FromSeconds(20));
        await host.RunAsync(stop.Token);
        Assert.True(host.Readiness.IsReady);
    }

    private static int FreePort()
    {
        using var probe = new System.Net.Sockets.TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return ((IPEndPoint)probe.LocalEndpoint).Port;
    }
}
