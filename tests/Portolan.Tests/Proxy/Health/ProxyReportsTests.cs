using System.Diagnostics;
using System.Diagnostics.Metrics;
using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Core.Cluster;
using Portolan.Hosting;
using Portolan.Proxy;
using Portolan.Proxy.Health;
using Portolan.Proxy.Metrics;
using Portolan.Proxy.Nftables;
using Portolan.Proxy.Programmed;
using static Portolan.Tests.Proxy.ForwardingLab;

namespace Portolan.Tests.Proxy.Health;

/// <summary>What the loop tells of itself, with a real kernel behind it.</summary>
public sealed class ProxyReportsTests : IAsyncDisposable
{
    private static readonly TimeSpan _syncPeriod = TimeSpan.FromMilliseconds(100);
    private readonly ForwardingLab _lab = new(pods: 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly string _directory = Directory.CreateTempSubdirectory("ptreports").FullName;
    private readonly HttpClient _http = new();
    private readonly Meter _meter = new("test");
    private readonly MetricsExposition _exposition;
    private readonly ProxyKernel _kernel;
    private readonly HealthState _health = new(TimeProvider.System, _syncPeriod);
    private readonly HealthCheckServers _healthChecks;
    private readonly ProgrammedServices _programmed;
    private readonly ProxyLoop _loop;
    private readonly Task _running;

    public ProxyReportsTests()
    {
        var path = Path.Combine(_directory, "proxy.sock");
        var feed = new ProgrammedFeed(path, TimeProvider.System, NullLogger.Instance);
        _programmed = new ProgrammedServices(path, TimeProvider.System, NullLogger.Instance);
        _exposition = new MetricsExposition(_meter);
        _healthChecks = new HealthCheckServers(() => _health.IsHealthy, () => [IPAddress.Loopback], _ => { }, TimeProvider.System, NullLogger.Instance);
        _kernel = _lab.Node.Inside(() => new ProxyKernel(new TableSettings(), NullLogger.Instance));
        _loop = new ProxyLoop(Context, _kernel, new Readiness(), TimeProvider.System, NullLogger.Instance, new ProxyReports(_health, new ProxyMetrics(_meter, TimeProvider.System), _healthChecks, feed));
        _running = Task.WhenAny(
            Task.Run(() => _loop.RunAsync(_stop.Token)),
            Task.Run(WatchAsync),
            Task.Run(() => feed.RunAsync(stop => _loop.PostAsync(new ProxyEvent.ReaderCame(), stop), _stop.Token)),
            Task.Run(() => _programmed.RunAsync(_ => { }, _stop.Token))).Unwrap();
    }

    private static ServiceFacts Checked(ushort port, string version = "1") =>
        Service(external: TrafficPolicy.Local) with { HealthCheckNodePort = port, ResourceVersion = version };

    private async Task WatchAsync()
    {
        while (true)
            await _loop.PostAsync(new ProxyEvent.KernelChanged(await _kernel.ForeignChanges.ReceiveAsync(_stop.Token)), _stop.Token);
    }

    private async Task Post(params ProxyEvent[] events)
    {
        foreach (var what in events)
            await _loop.PostAsync(what, _stop.Token);
    }

    private async Task Until(Func<bool> condition, string what)
    {
        for (var deadline = DateTime.UtcNow.AddSeconds(20); !condition(); await Task.Delay(5))
        {
            Assert.False(_running.IsFaulted, _running.Exception?.ToString());
            Assert.True(DateTime.UtcNow < deadline, "in vain: " + what);
        }
    }

    private double Value(string series) => _exposition.Render().Split('\n').SingleOrDefault(line => line.StartsWith(series + " ", StringComparison.Ordinal)) is { } line
        ? double.Parse(line[(series.Length + 1)..], CultureInfo.InvariantCulture) : double.NaN;

    private async Task<string> Ask(int port)
    {
        using var answer = await _http.GetAsync(new Uri($"http://127.0.0.1:{port.ToString(CultureInfo.InvariantCulture)}/"), TestContext.Current.CancellationToken);
        return $"{(int)answer.StatusCode} {await answer.Content.ReadAsStringAsync(TestContext.Current.CancellationToken)}";
    }

    private static ushort FreePort()
    {
        using var probe = new TcpListener(IPAddress.Loopback, 0);
        probe.Start();
        return (ushort)((IPEndPoint)probe.LocalEndpoint).Port;
    }

    [Fact]
    public async Task NobodyIsToldOfAServiceBeforeTheKernelHasIt()
    {
        var port = FreePort();
        await Post(
            new ProxyEvent.ServiceSet(Checked(port)), new ProxyEvent.SliceSet(Slice([0, 1])), new ProxyEvent.Synced(ProxySource.Services),
            new ProxyEvent.NodeSet(new NodeFacts { Name = "node" }), new ProxyEvent.Synced(ProxySource.Node));
        await Task.Delay(100, TestContext.Current.CancellationToken);
        Assert.Equal(0, _healthChecks.Open);
        Assert.False(_programmed.IsKnown);
        Assert.Null(_health.Livez().Status);
        await Post(new ProxyEvent.Synced(ProxySource.EndpointSlices));
        await Until(() => _healthChecks.Open == 1 && _programmed.IsKnown, "told");
        Assert.StartsWith("200 ", await Ask(port), StringComparison.Ordinal);
        Assert.Equal(("1", 2), (_programmed.Find(Service().Key)!.ResourceVersion, _programmed.Find(Service().Key)!.LocalEndpoints));
        Assert.Equal(["IPv4", "IPv6"], _health.Livez().Status!.Keys);
        Assert.Equal(1, Value("kubeproxy_sync_full_proxy_rules_duration_seconds_count{ip_family=\"IPv4\"}"));
        Assert.Equal((1, 1, 0, 0), (
            Value("kubeproxy_sync_proxy_rules_service_changes_total"), Value("kubeproxy_sync_proxy_rules_endpoint_changes_total"),
            Value("kubeproxy_sync_proxy_rules_service_changes_pending"), Value("kubeproxy_sync_proxy_rules_endpoint_changes_pending")));
        Assert.Equal(1, Value("portolan_proxy_service_ports{ip_family=\"IPv4\"}"));
    }

    [Fact]
    public async Task TheNodesEndFailsTheHealthCheckOfTheNode_NotThatOfTheProxy()
    {
        await Post(new ProxyEvent.Synced(ProxySource.Services), new ProxyEvent.Synced(ProxySource.EndpointSlices), new ProxyEvent.NodeSet(new NodeFacts { Name = "node" }), new ProxyEvent.Synced(ProxySource.Node));
        await Until(() => _health.Livez().Status is not null, "programmed");
        Assert.Equal(200, _health.Healthz().StatusCode);
        await Post(new ProxyEvent.NodeSet(new NodeFacts { Name = "node", TaintKeys = ["ToBeDeletedByClusterAutoscaler"] }));
        await Until(() => _health.Healthz().StatusCode == 503, "tainted");
        await Task.Delay(4 * _syncPeriod, TestContext.Current.CancellationToken);
        Assert.True(_health.IsHealthy);
        await Post(new ProxyEvent.NodeSet(new NodeFacts { Name = "node" }));
        await Until(() => _health.Healthz().StatusCode == 200, "not tainted any more");
        await Post(new ProxyEvent.NodeGone());
        await Until(() => _health.Healthz().StatusCode == 503, "gone");
        Assert.Equal(200, _health.Livez().StatusCode);
    }

    [Fact]
    public async Task ANodeThatIsNotThereAtTheStartIsMissing()
    {
        await Post(new ProxyEvent.Synced(ProxySource.Services), new ProxyEvent.Synced(ProxySource.EndpointSlices));
        Assert.True(_health.Healthz().NodeEligible);
        await Post(new ProxyEvent.Synced(ProxySource.Node));
        await Until(() => _health.Healthz().StatusCode == 503, "missing");
    }

    [Fact]
    public async Task WhileTheKernelRefuses_HealthFailsAndNothingNewIsTold()
    {
        var port = FreePort();
        await Post(
            new ProxyEvent.ServiceSet(Checked(port)), new ProxyEvent.SliceSet(Slice([0, 1])), new ProxyEvent.Synced(ProxySource.Services),
            new ProxyEvent.Synced(ProxySource.EndpointSlices), new ProxyEvent.NodeSet(new NodeFacts { Name = "node" }), new ProxyEvent.Synced(ProxySource.Node));
        await Until(() => _programmed.IsKnown && _healthChecks.Open == 1, "programmed");

        // Nobody may touch a table that another process owns; it goes with its owner.
        using (var owner = Process.Start(new ProcessStartInfo("ip", $"netns exec {_lab.Node.Name} nft -i") { RedirectStandardInput = true, RedirectStandardOutput = true })!)
        {
            await owner.StandardInput.WriteLineAsync("delete table ip portolan; add table ip portolan { flags owner; }");
            await Until(() => Value("kubeproxy_sync_proxy_rules_nftables_sync_failures_total{ip_family=\"IPv4\"}") > 0, "refused");
            await Post(new ProxyEvent.ServiceSet(Checked(port, "2")));
            await Until(() => _health.Livez().StatusCode == 503, "unhealthy");
            Assert.False(_health.Livez().Status!["IPv4"].Healthy);
            Assert.True(_health.Healthz().NodeEligible);
            Assert.StartsWith("503 ", await Ask(port), StringComparison.Ordinal);
            Assert.Contains("\"serviceProxyHealthy\": false", await Ask(port), StringComparison.Ordinal);
            Assert.Equal("1", _programmed.Find(Service().Key)!.ResourceVersion);
            Assert.Equal(1, Value("kubeproxy_sync_proxy_rules_service_changes_pending"));
            owner.StandardInput.Close();
            await owner.WaitForExitAsync(TestContext.Current.CancellationToken);
        }

        await Until(() => _health.Livez().StatusCode == 200, "healthy again");
        await Until(() => _programmed.Find(Service().Key)!.ResourceVersion == "2", "told");
        Assert.StartsWith("200 ", await Ask(port), StringComparison.Ordinal);
        Assert.True(Value("portolan_proxy_foreign_changes_total{kind=\"structure\"}") >= 1);
        Assert.Equal(0, Value("kubeproxy_sync_proxy_rules_service_changes_pending"));
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ContinueWith(_ => { }, TaskScheduler.Default);
        _healthChecks.Dispose();
        _kernel.Dispose();
        _lab.Dispose();
        _exposition.Dispose();
        _meter.Dispose();
        _http.Dispose();
        _stop.Dispose();
        Directory.Delete(_directory, recursive: true);
    }
}
