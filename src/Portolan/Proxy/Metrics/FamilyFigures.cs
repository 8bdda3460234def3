using System.Diagnostics.Metrics;
using Portolan.Core.Addresses;

namespace Portolan.Proxy.Metrics;

/// <summary>The figures of one family. Its histograms carry the label themselves, so that a measurement allocates nothing.</summary>
internal sealed class FamilyFigures
{
    // 1 ms × 2^n, 15 of them.
    private static readonly InstrumentAdvice<double> _syncBuckets = new() { HistogramBucketBoundaries = [.. Enumerable.Range(0, 15).Select(n => 0.001 * (1 << n))] };

    // As kube-proxy merges them, with the 0 in front that comes of it.
    private static readonly InstrumentAdvice<double> _programmingBuckets = new()
    {
        HistogramBucketBoundaries =
        [
            0, 0.25, 0.5,
            .. Enumerable.Range(1, 59).Select(second => (double)second),
            .. Enumerable.Range(0, 12).Select(n => 60.0 + (5 * n)),
            .. Enumerable.Range(0, 7).Select(n => 120.0 + (30 * n)),
        ],
    };

    internal FamilyFigures(Meter meter, IpFamily family)
    {
        Label = new KeyValuePair<string, object?>("ip_family", family.ToString());
        Sync = Histogram("kubeproxy_sync_proxy_rules_duration_seconds", "SyncProxyRules latency in seconds", _syncBuckets);
        FullSync = Histogram("kubeproxy_sync_full_proxy_rules_duration_seconds", "SyncProxyRules latency in seconds for full resyncs", _syncBuckets);
        PartialSync = Histogram("kubeproxy_sync_partial_proxy_rules_duration_seconds", "SyncProxyRules latency in seconds for partial resyncs", _syncBuckets);
        Programming = Histogram("kubeproxy_network_programming_duration_seconds", "In Cluster Network Programming Latency in seconds", _programmingBuckets);
        FlowSearch = Histogram("kubeproxy_conntrack_reconciler_sync_duration_seconds", "ReconcileConntrackFlowsLatency latency in seconds", _syncBuckets);

        Histogram<double> Histogram(string name, string description, InstrumentAdvice<double> buckets) => meter.CreateHistogram(name, null, description, [Label], buckets);
    }

    internal KeyValuePair<string, object?> Label { get; }

    internal Histogram<double> Sync { get; }

    internal Histogram<double> FullSync { get; }

    internal Histogram<double> PartialSync { get; }

    internal Histogram<double> Programming { get; }

    internal Histogram<double> FlowSearch { get; }

    /// <summary>When the rules were last programmed, seconds since 1970; 0: never.</summary>
    internal double LastSync { get; set; }

    /// <summary>Transactions that the kernel refused.</summary>
    internal long Failures { get; set; }

    /// <summary>Flows that were ended.</summary>
    internal long EndedFlows { get; set; }

    /// <summary>Service ports that are forwarded.</summary>
    internal long ServicePorts { get; set; }

    /// <summary>Real servers behind them, as the policy Cluster chooses.</summary>
    internal long RealServers { get; set; }

    /// <summary>Service ports with <c>internalTrafficPolicy: Local</c> and endpoints, but none here.</summary>
    internal long InternalWithoutLocal { get; set; }

    /// <summary>Service ports with <c>externalTrafficPolicy: Local</c> and endpoints, but none here.</summary>
    internal long ExternalWithoutLocal { get; set; }
}
