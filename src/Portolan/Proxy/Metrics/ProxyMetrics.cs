using System.Diagnostics.Metrics;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;
using Portolan.Linux.Nftables;
using Portolan.Proxy.Cleanup;

namespace Portolan.Proxy.Metrics;

/// <summary>
/// kube-proxy's figures under its names (pkg/proxy/metrics, nftables mode), and what Portolan adds. An event costs a few additions; values are put
/// together when somebody reads them.
/// </summary>
internal sealed class ProxyMetrics
{
    private readonly TimeProvider _time;
    private readonly FamilyFigures[] _families;
    private readonly ProgrammingLatency _latency;
    private readonly ProbeCounts _healthz = new();
    private readonly ProbeCounts _livez = new();
    private long _queuedServices;
    private long _queuedSlices;
    private long _handledServices; // by the loop, which alone writes it
    private long _handledSlices;
    private long _programmedServices;
    private long _programmedSlices;
    private long _lastQueued; // ticks
    private long _foreignStructure;
    private long _foreignElements;

    internal ProxyMetrics(Meter meter, TimeProvider time)
    {
        _time = time;
        _families = [new FamilyFigures(meter, IpFamily.IPv4), new FamilyFigures(meter, IpFamily.IPv6)];
        _latency = new ProgrammingLatency(time);
        PerFamily("kubeproxy_sync_proxy_rules_last_timestamp_seconds", "The last time proxy rules were successfully synced", family => family.LastSync, isShown: value => value > 0);
        PerFamily("kubeproxy_sync_proxy_rules_last_queued_timestamp_seconds", "The last time a sync of proxy rules was queued", _ => Seconds(Volatile.Read(ref _lastQueued)), isShown: value => value > 0);
        meter.CreateObservableGauge("kubeproxy_sync_proxy_rules_endpoint_changes_pending", () => Volatile.Read(ref _queuedSlices) - Volatile.Read(ref _programmedSlices), description: "Pending proxy rules Endpoint changes");
        meter.CreateObservableCounter("kubeproxy_sync_proxy_rules_endpoint_changes_total", () => Volatile.Read(ref _queuedSlices), description: "Cumulative proxy rules Endpoint changes");
        meter.CreateObservableGauge("kubeproxy_sync_proxy_rules_service_changes_pending", () => Volatile.Read(ref _queuedServices) - Volatile.Read(ref _programmedServices), description: "Pending proxy rules Service changes");
        meter.CreateObservableCounter("kubeproxy_sync_proxy_rules_service_changes_total", () => Volatile.Read(ref _queuedServices), description: "Cumulative proxy rules Service changes");
        meter.CreateObservableGauge("kubeproxy_sync_proxy_rules_no_local_endpoints_total", WithoutLocal, description: "Number of services with a Local traffic policy and no endpoints");
        Counter("kubeproxy_sync_proxy_rules_nftables_sync_failures_total", "Cumulative proxy nftables sync failures", family => family.Failures);
        Counter("kubeproxy_sync_proxy_rules_nftables_cleanup_failures_total", "Cumulative proxy nftables cleanup failures: always 0, nothing is left to be cleaned up later", _ => 0);
        Counter("kubeproxy_conntrack_reconciler_deleted_entries_total", "Cumulative conntrack flows deleted by conntrack reconciler", family => family.EndedFlows);
        meter.CreateObservableCounter("kubeproxy_proxy_healthz_total", _healthz.Measure, description: "Cumulative proxy healthz HTTP status");
        meter.CreateObservableCounter("kubeproxy_proxy_livez_total", _livez.Measure, description: "Cumulative proxy livez HTTP status");
        PerFamily("portolan_proxy_service_ports", "Service ports that are forwarded.", family => family.ServicePorts);
        PerFamily("portolan_proxy_real_servers", "Real servers of all Service ports, each as often as it is one.", family => family.RealServers);
        meter.CreateObservableCounter(
            "portolan_proxy_foreign_changes_total",
            () => (Measurement<long>[])[Foreign("structure", ref _foreignStructure), Foreign("element", ref _foreignElements)],
            description: "Times that somebody else changed the proxy's nftables tables.");

        void PerFamily(string name, string description, Func<FamilyFigures, double> value, Predicate<double>? isShown = null) =>
            meter.CreateObservableGauge(name, () => _families.Select(family => new Measurement<double>(value(family), family.Label)).Where(measured => isShown?.Invoke(measured.Value) ?? true), description: description);

        void Counter(string name, string description, Func<FamilyFigures, long> value) =>
            meter.CreateObservableCounter(name, () => _families.Select(family => new Measurement<long>(value(family), family.Label)), description: description);
    }

    /// <summary>An event is about to be queued; on any thread.</summary>
    internal void Queue(ProxyEvent what)
    {
        switch (what)
        {
            case ProxyEvent.ServiceSet or ProxyEvent.ServiceGone:
                Interlocked.Increment(ref _queuedServices);
                break;
            case ProxyEvent.SliceSet or ProxyEvent.SliceGone:
                Interlocked.Increment(ref _queuedSlices);
                break;
            case ProxyEvent.KernelChanged(var change):
                Interlocked.Increment(ref change.HasFlag(NftForeignChange.Structure) ? ref _foreignStructure : ref _foreignElements);
                return;
        }

        Volatile.Write(ref _lastQueued, _time.GetUtcNow().UtcTicks);
    }

    /// <summary>The loop takes an event in. From here on everything is called by the loop.</summary>
    /// <param name="what">The event.</param>
    /// <param name="before">Of an EndpointSlice: what was known of it until now, or null.</param>
    internal void Handle(ProxyEvent what, EndpointSliceFacts? before)
    {
        switch (what)
        {
            case ProxyEvent.ServiceSet or ProxyEvent.ServiceGone:
                _handledServices++;
                break;
            case ProxyEvent.SliceSet(var slice):
                _handledSlices++;
                _latency.Changed(before, slice);
                break;
            case ProxyEvent.SliceGone:
                _handledSlices++;
                _latency.Gone(before);
                break;
        }
    }

    /// <summary>Plans are different.</summary>
    internal void Count(IReadOnlyList<ServicePortChange> changes)
    {
        foreach (var change in changes)
        {
            if (change.Old is not null)
                Count(change.Old, -1);
            if (change.New is not null)
                Count(change.New, +1);
        }
    }

    /// <summary>A family's transaction is over.</summary>
    internal void Synced(TableSync sync)
    {
        var family = Of(sync.Family);
        if (!sync.Succeeded)
        {
            family.Failures++;
            return;
        }

        // A change of the other family is no transaction of this one, and would only make its durations look short.
        if (sync.IsWhole || sync.Changes > 0)
        {
            var seconds = sync.Duration.TotalSeconds;
            family.Sync.Record(seconds);
            (sync.IsWhole ? family.FullSync : family.PartialSync).Record(seconds);
        }

        family.LastSync = Seconds(_time.GetUtcNow().UtcTicks);
        _latency.Programmed(sync.Family, family.Programming);
    }

    /// <summary>The kernel has all that the loop took in.</summary>
    internal void Programmed()
    {
        // Where no rule had to change for a slice, they were right from when it was taken in.
        _latency.Programmed(IpFamily.IPv4, _families[0].Programming);
        _latency.Programmed(IpFamily.IPv6, _families[1].Programming);
        Volatile.Write(ref _programmedServices, _handledServices);
        Volatile.Write(ref _programmedSlices, _handledSlices);
    }

    /// <summary>Tracked flows were looked through.</summary>
    internal void Searched(FlowSearch search)
    {
        var family = Of(search.Family);
        family.FlowSearch.Record(search.Duration.TotalSeconds);
        family.EndedFlows += search.Ended;
    }

    /// <summary>A health endpoint answered; on any thread.</summary>
    internal void Answered(string path, int code) => (path == "/livez" ? _livez : _healthz).Count(code);

    private FamilyFigures Of(IpFamily family) => _families[family is IpFamily.IPv4 ? 0 : 1];

    private void Count(ServicePortPlan plan, int sign)
    {
        var family = Of(plan.Key.Family);
        family.ServicePorts += sign;
        family.RealServers += sign * plan.Cluster.Servers.Length;
        if (!plan.HasEndpoints || plan.Local.Servers.Length > 0)
            return;
        var (isInternal, isExternal) = (false, false);
        foreach (var server in plan.VirtualServers)
        {
            isInternal |= server is { Kind: FrontKind.ClusterIP, Policy: TrafficPolicy.Local };
            isExternal |= server is { Kind: not FrontKind.ClusterIP, Policy: TrafficPolicy.Local };
        }

        family.InternalWithoutLocal += isInternal ? sign : 0;
        family.ExternalWithoutLocal += isExternal ? sign : 0;
    }

    private IEnumerable<Measurement<long>> WithoutLocal()
    {
        foreach (var family in _families)
        {
            yield return new(family.InternalWithoutLocal, family.Label, new("traffic_policy", "internal"));
            yield return new(family.ExternalWithoutLocal, family.Label, new("traffic_policy", "external"));
        }
    }

    private static Measurement<long> Foreign(string kind, ref long count) => new(Volatile.Read(ref count), new KeyValuePair<string, object?>("kind", kind));

    private static double Seconds(long ticks) => ticks == 0 ? 0 : (ticks - DateTime.UnixEpoch.Ticks) / (double)TimeSpan.TicksPerSecond;
}
