using System.Collections.Concurrent;
using System.Net;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Controller;
using Portolan.Hosting;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Leases;

namespace Portolan.Tests.Controller;

/// <summary>A whole replica, and an API server whose watches never say anything: what the last leader wrote is only in the lists.</summary>
public sealed class TakeoverTests : IAsyncLifetime
{
    private readonly WebApplication _app;
    private readonly ConcurrentQueue<(string Method, string Path, JsonNode? Body)> _writes = new();
    private readonly CancellationTokenSource _life = new(TimeSpan.FromSeconds(60));
    private volatile string _services = "";
    private int _serviceLists;
    private JsonObject _lease = Lease("another", 1);

    public TakeoverTests()
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel => kestrel.Listen(IPAddress.Loopback, 0));
        _app = builder.Build();
        _app.Run(AnswerAsync);
    }

    public async ValueTask InitializeAsync() => await _app.StartAsync();

    public async ValueTask DisposeAsync()
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        await _app.StopAsync(patience.Token);
        await _app.DisposeAsync();
        _life.Dispose();
    }

    [Fact]
    public async Task GivesNoAddressThatItsPredecessorGaveAMomentBefore_ThoughNoWatchHasShownIt()
    {
        _services = Service("older", "1");
        using var client = new KubeClient(new ClusterConnection { Server = new Uri(_app.Urls.Single()) });
        using var host = new RoleHost("test", LogLevel.None, []);
        var fence = new WriteFence(TimeProvider.System);
        var elector = new LeaseElector(
            client, "metallb-system", "election", "us", new LeaseTiming(TimeSpan.FromSeconds(2), TimeSpan.FromSeconds(1.5), TimeSpan.FromMilliseconds(200)), fence, TimeProvider.System, NullLogger.Instance);
        new AddressController(host, client, "metallb-system", null, Leadership.By(elector, fence, "election", host.Meter)).Supervise("memberlist");
        var running = host.RunAsync(_life.Token);

        // A follower: ready, and silent.
        await UntilAsync(() => host.Readiness.IsReady);
        Assert.Empty(_writes);
        Assert.Contains("leader_election_master_status{name=\"election\"} 0", host.RenderMetrics(), StringComparison.Ordinal);
        Assert.Contains("metallb_k8s_client_config_loaded_bool 1", host.RenderMetrics(), StringComparison.Ordinal);

        // The leader's last deed: the first address for a Service that we have never seen. The one that we have seen must get the other.
        _services = Service("older", "1") + "," + Service("newer", "3", "10.0.0.0");
        await UntilAsync(() => _writes.Any(write => write.Path.EndsWith("/services/older/status", StringComparison.Ordinal)));
        var written = _writes.Where(write => write.Path.Contains("/services/", StringComparison.Ordinal)).ToList();
        Assert.All(written, write => Assert.EndsWith("/services/older/status", write.Path, StringComparison.Ordinal));
        Assert.Equal("10.0.0.1", (string?)written[0].Body!["status"]!["loadBalancer"]!["ingress"]![0]!["ip"]);
        Assert.Contains("leader_election_master_status{name=\"election\"} 1", host.RenderMetrics(), StringComparison.Ordinal);
        Assert.Equal(2, _serviceLists);

        // At the end it gives the lease back.
        await _life.CancelAsync();
        await running;
        Assert.Equal("", (string?)_lease["spec"]!["holderIdentity"]);
    }

    private static async Task UntilAsync(Func<bool> condition)
    {
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        while (!condition())
            await Task.Delay(20, patience.Token);
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var (method, path) = (context.Request.Method, context.Request.Path.Value!);
        var body = JsonNode.Parse(await new StreamReader(context.Request.Body).ReadToEndAsync() is { Length: > 0 } text ? text : "null");
        if (context.Request.Query.ContainsKey("watch"))
        {
            await context.Response.StartAsync();
            await Task.Delay(Timeout.InfiniteTimeSpan, context.RequestAborted).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            return;
        }

        if (path.EndsWith("/leases/election", StringComparison.Ordinal))
        {
            if (method == "PUT")
                _lease = Lease((string)body!["spec"]!["holderIdentity"]!, 1 + int.Parse((string)_lease["metadata"]!["resourceVersion"]!));
            await WriteAsync(context, 200, _lease.ToJsonString());
            return;
        }

        if (method != "GET")
            _writes.Enqueue((method, path, body));
        if (method == "GET" && path == "/api/v1/services")
            Interlocked.Increment(ref _serviceLists);
        var answer = (method, path) switch
        {
            ("GET", "/api/v1/services") => List(_services),
            ("GET", _) when path.EndsWith("/ipaddresspools", StringComparison.Ordinal) => List("""{"metadata":{"name":"lab","namespace":"metallb-system","uid":"lab","resourceVersion":"1","generation":1},"spec":{"addresses":["10.0.0.0/31"]}}"""),
            ("GET", _) => List(""),
            ("PATCH", _) when path.EndsWith("/services/older/status", StringComparison.Ordinal) => Service("older", "9", "10.0.0.1"),
            _ => body?.ToJsonString() ?? "{}",
        };
        await WriteAsync(context, method == "POST" ? 201 : 200, answer);
    }

    private static async Task WriteAsync(HttpContext context, int status, string body)
    {
        (context.Response.StatusCode, context.Response.ContentType) = (status, "application/json");
        await context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(body));
    }

    private static string List(string items) => $$"""{"metadata":{"resourceVersion":"1"},"items":[{{items}}]}""";

    private static JsonObject Lease(string holder, int version) => new()
    {
        ["metadata"] = new JsonObject { ["name"] = "election", ["namespace"] = "metallb-system", ["resourceVersion"] = version.ToString() },
        ["spec"] = new JsonObject { ["holderIdentity"] = holder, ["leaseDurationSeconds"] = 2 },
    };

    private static string Service(string name, string version, string address = "")
    {
        var ingress = address.Length > 0 ? new JsonArray(new JsonObject { ["ip"] = address, ["ipMode"] = "VIP" }) : [];
        var annotations = address.Length > 0 ? new JsonObject { ["metallb.io/ip-allocated-from-pool"] = "lab" } : null;
        return new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = "default", ["uid"] = name, ["resourceVersion"] = version, ["annotations"] = annotations },
            ["spec"] = new JsonObject { ["type"] = "LoadBalancer", ["clusterIPs"] = new JsonArray("10.233.0.9"), ["ports"] = new JsonArray(new JsonObject { ["port"] = 80 }) },
            ["status"] = new JsonObject { ["loadBalancer"] = new JsonObject { ["ingress"] = ingress } },
        }.ToJsonString();
    }
}
