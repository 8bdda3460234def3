using System.Diagnostics.Metrics;
using Microsoft.Extensions.Time.Testing;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;
using Portolan.Hosting;
using Portolan.Linux.Nftables;
using Portolan.Proxy;
using Portolan.Proxy.Cleanup;
using Portolan.Proxy.Metrics;
using static Portolan.Tests.Proxy.ForwardingLab;

namespace Portolan.Tests.Proxy.Health;

public sealed class ProxyMetricsTests : IDisposable
{
    private static readonly DateTimeOffset _start = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);
    private readonly FakeTimeProvider _time = new(_start);
    private readonly Meter _meter = new("test");
    private readonly MetricsExposition _exposition;
    private readonly ProxyMetrics _metrics;

    public ProxyMetricsTests()
    {
        _exposition = new MetricsExposition(_meter);
        _metrics = new ProxyMetrics(_meter, _time);
    }

    private string Value(string series)
    {
        var line = _exposition.Render().Split('\n').SingleOrDefault(line => line.StartsWith(series + " ", StringComparison.Ordinal));
        return line is null ? "none" : line[(series.Length + 1)..];
    }

    private static TableSync Sync(IpFamily family, bool isWhole = false, double seconds = 0.003, bool succeeded = true, int changes = 1) => new(family, isWhole, TimeSpan.FromSeconds(seconds), succeeded, changes);

    [Fact]
    [Contract("proxy §1.10-1")]
    public void TimesEachTransactionInKubeProxysBuckets()
    {
        _metrics.Synced(Sync(IpFamily.IPv4, isWhole: true, seconds: 0.003));
        _metrics.Synced(Sync(IpFamily.IPv4, seconds: 0.0005));
        _metrics.Synced(Sync(IpFamily.IPv4, changes: 0)); // the other family's
        _metrics.Synced(Sync(IpFamily.IPv6, succeeded: false));
        Assert.Equal("1", Value("kubeproxy_sync_proxy_rules_duration_seconds_bucket{ip_family=\"IPv4\",le=\"0.001\"}"));
        Assert.Equal("2", Value("kubeproxy_sync_proxy_rules_duration_seconds_bucket{ip_family=\"IPv4\",le=\"0.004\"}"));
        Assert.Equal("2", Value("kubeproxy_sync_proxy_rules_duration_seconds_bucket{ip_family=\"IPv4\",le=\"16.384\"}"));
        Assert.Equal("0.0035", Value("kubeproxy_sync_proxy_rules_duration_seconds_sum{ip_family=\"IPv4\"}"));
        Assert.Equal("1", Value("kubeproxy_sync_full_proxy_rules_duration_seconds_count{ip_family=\"IPv4\"}"));
        Assert.Equal("1", Value("kubeproxy_sync_partial_proxy_rules_duration_seconds_count{ip_family=\"IPv4\"}"));
        Assert.Equal(15 + 1, _exposition.Render().Split("kubeproxy_sync_proxy_rules_duration_seconds_bucket{ip_family=\"IPv4\"").Length - 1);
        Assert.Equal("none", Value("kubeproxy_sync_proxy_rules_duration_seconds_count{ip_family=\"IPv6\"}"));
        Assert.Equal(("0", "1"), (Value("kubeproxy_sync_proxy_rules_nftables_sync_failures_total{ip_family=\"IPv4\"}"), Value("kubeproxy_sync_proxy_rules_nftables_sync_failures_total{ip_family=\"IPv6\"}")));
        Assert.Equal("1767323045", Value("kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family=\"IPv4\"}"));
        Assert.Equal("none", Value("kubeproxy_sync_proxy_rules_last_timestamp_seconds{ip_family=\"IPv6\"}"));
    }

    [Fact]
    [Contract("proxy §1.10-2")]
    public void CountsChangesFromTheQueueToTheKernel()
    {
        ProxyEvent[] events = [new ProxyEvent.ServiceSet(Service()), new ProxyEvent.SliceSet(Slice([0])), new ProxyEvent.SliceGone(default)];
        foreach (var what in events)
            _metrics.Queue(what);
        Assert.Equal("1767323045", Value("kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds{ip_family=\"IPv6\"}"));
        foreach (var what in events)
            _metrics.Handle(what, null);
        _metrics.Queue(events[0]);
        Assert.Equal(("2", "2"), (Value("kubeproxy_sync_proxy_rules_service_changes_pending"), Value("kubeproxy_sync_proxy_rules_endpoint_changes_pending")));
        _metrics.Programmed();
        Assert.Equal(("1", "0"), (Value("kubeproxy_sync_proxy_rules_service_changes_pending"), Value("kubeproxy_sync_proxy_rules_endpoint_changes_pending")));
        Assert.Equal(("2", "2"), (Value("kubeproxy_sync_proxy_rules_service_changes_total"), Value("kubeproxy_sync_proxy_rules_endpoint_changes_total")));
    }

    [Fact]
    [Contract("proxy §1.10-3")]
    public void MeasuresFromTheChangeOfThePodToTheRules()
    {
        var slice = Slice([0]) with { LastChangeTrigger = _start.AddSeconds(1) };
        _time.Advance(TimeSpan.FromSeconds(3));
        Handle(slice with { LastChangeTrigger = _start.AddSeconds(-1) }, null); // from before the start
        Handle(slice, null);
        Handle(slice, slice); // only something else of it is different
        Handle(slice with { LastChangeTrigger = null }, slice);
        _metrics.Synced(Sync(IpFamily.IPv6));
        _metrics.Synced(Sync(IpFamily.IPv4));
        _metrics.Synced(Sync(IpFamily.IPv4));
        Assert.Equal("1", Value("kubeproxy_network_programming_duration_seconds_count{ip_family=\"IPv4\"}"));
        Assert.Equal("2", Value("kubeproxy_network_programming_duration_seconds_sum{ip_family=\"IPv4\"}"));
        Assert.Equal(("0", "0"), (Value("kubeproxy_network_programming_duration_seconds_bucket{ip_family=\"IPv4\",le=\"0\"}"), Value("kubeproxy_network_programming_duration_seconds_bucket{ip_family=\"IPv4\",le=\"0.25\"}")));
        Assert.Equal("1", Value("kubeproxy_network_programming_duration_seconds_bucket{ip_family=\"IPv4\",le=\"300\"}"));
        Assert.Equal("none", Value("kubeproxy_network_programming_duration_seconds_count{ip_family=\"IPv6\"}"));

        // A slice that goes before it was programmed does not count.
        Handle(slice with { LastChangeTrigger = _start.AddSeconds(2) }, slice);
        _metrics.Handle(new ProxyEvent.SliceGone(slice.Key), slice);
        _metrics.Synced(Sync(IpFamily.IPv4));
        Assert.Equal("1", Value("kubeproxy_network_programming_duration_seconds_count{ip_family=\"IPv4\"}"));

        void Handle(EndpointSliceFacts now, EndpointSliceFacts? before) => _metrics.Handle(new ProxyEvent.SliceSet(now), before);
    }

    [Fact]
    [Contract("proxy §1.10-4")]
    public void CountsServicePortsWithoutLocalEndpoints_AndForgetsThem()
    {
        var index = new ForwardingIndex(Context);
        index.Set(Service(external: TrafficPolicy.Local));
        index.Set(Slice([0, 1], nodeName: "elsewhere"));
        Take();
        Assert.Equal(("0", "1"), (WithoutLocal("internal"), WithoutLocal("external")));
        Assert.Equal(("1", "2"), (Value("portolan_proxy_service_ports{ip_family=\"IPv4\"}"), Value("portolan_proxy_real_servers{ip_family=\"IPv4\"}")));
        index.Set(Service(external: TrafficPolicy.Local, @internal: TrafficPolicy.Local));
        Take();
        Assert.Equal(("1", "1"), (WithoutLocal("internal"), WithoutLocal("external")));
        index.Set(Slice([0]));
        Take();
        Assert.Equal(("0", "0"), (WithoutLocal("internal"), WithoutLocal("external")));

        // Without any endpoint connections are refused: that is no local endpoint missing.
        index.RemoveSlice(Slice([]).Key);
        Take();
        Assert.Equal(("0", "0"), (WithoutLocal("internal"), WithoutLocal("external")));
        index.RemoveService(Service().Key);
        Take();
        Assert.Equal(("0", "0"), (Value("portolan_proxy_service_ports{ip_family=\"IPv4\"}"), Value("portolan_proxy_real_servers{ip_family=\"IPv4\"}")));

        void Take() => _metrics.Count(index.TakeChanges());

        string WithoutLocal(string policy) => Value($"kubeproxy_sync_proxy_rules_no_local_endpoints_total{{ip_family=\"IPv4\",traffic_policy=\"{policy}\"}}");
    }

    [Fact]
    [Contract("proxy §1.10-5")]
    public void CountsProbesByCode_AndWhatTheKernelWasLookedThroughFor()
    {
        Assert.Equal("none", Value("kubeproxy_proxy_healthz_total{code=\"200\"}"));
        _metrics.Answered("/healthz", 200);
        _metrics.Answered("/healthz", 503);
        _metrics.Answered("/livez", 200);
        Assert.Equal(("1", "1"), (Value("kubeproxy_proxy_healthz_total{code=\"200\"}"), Value("kubeproxy_proxy_healthz_total{code=\"503\"}")));
        Assert.Equal(("1", "none"), (Value("kubeproxy_proxy_livez_total{code=\"200\"}"), Value("kubeproxy_proxy_livez_total{code=\"503\"}")));
        _metrics.Searched(new FlowSearch(IpFamily.IPv4, TimeSpan.FromSeconds(0.25), 7));
        Assert.Equal("7", Value("kubeproxy_conntrack_reconciler_deleted_entries_total{ip_family=\"IPv4\"}"));
        Assert.Equal("0.25", Value("kubeproxy_conntrack_reconciler_sync_duration_seconds_sum{ip_family=\"IPv4\"}"));
        _metrics.Queue(new ProxyEvent.KernelChanged(NftForeignChange.Structure));
        Assert.Equal(("1", "0"), (Value("portolan_proxy_foreign_changes_total{kind=\"structure\"}"), Value("portolan_proxy_foreign_changes_total{kind=\"element\"}")));
    }

    [Fact]
    public void AnEventAllocatesNothing()
    {
        var slice = new ProxyEvent.SliceSet(Slice([0]) with { LastChangeTrigger = _start.AddSeconds(1) });
        ServicePortChange[] changes = [];
        Once();
        Assert.Equal(0, Allocations.Of(() =>
        {
            for (var i = 0; i < 1000; i++)
                Once();
        }));

        void Once()
        {
            _metrics.Queue(slice);
            _metrics.Handle(slice, null);
            _metrics.Count(changes);
            _metrics.Synced(Sync(IpFamily.IPv4));
            _metrics.Programmed();
        }
    }

    public void Dispose()
    {
        _exposition.Dispose();
        _meter.Dispose();
    }
}
