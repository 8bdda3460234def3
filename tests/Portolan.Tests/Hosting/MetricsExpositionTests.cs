using System.Diagnostics.Metrics;
using Portolan.Hosting;

namespace Portolan.Tests.Hosting;

public sealed class MetricsExpositionTests
{
    [Fact]
    public void RendersEachKindUnderItsOwnName()
    {
        using var meter = new Meter("test");
        using var exposition = new MetricsExposition(meter);
        var updates = meter.CreateCounter<long>("metallb_k8s_client_updates_total", description: "Updates seen.");
        updates.Add(2);
        updates.Add(1);
        meter.CreateGauge<int>("loaded").Record(1);
        var seconds = meter.CreateHistogram<double>("seconds", advice: new InstrumentAdvice<double> { HistogramBucketBoundaries = [1, 2] });
        seconds.Record(1.5);

        Assert.Equal(
            """
            # TYPE loaded gauge
            loaded 1
            # HELP metallb_k8s_client_updates_total Updates seen.
            # TYPE metallb_k8s_client_updates_total counter
            metallb_k8s_client_updates_total 3
            # TYPE seconds histogram
            seconds_bucket{le="1"} 0
            seconds_bucket{le="2"} 1
            seconds_bucket{le="+Inf"} 1
            seconds_sum 1.5
            seconds_count 1

            """,
            exposition.Render());
    }

    [Fact]
    public void ForgetsWhatAnObservableNoLongerReports_AndEscapesLabels()
    {
        using var meter = new Meter("test");
        using var exposition = new MetricsExposition(meter);
        List<Measurement<int>> pools = [new(3, new KeyValuePair<string, object?>("pool", "a\"b\\c"))];
        meter.CreateObservableGauge("in_use", () => pools);
        Assert.Contains("in_use{pool=\"a\\\"b\\\\c\"} 3\n", exposition.Render(), StringComparison.Ordinal);
        pools = [];
        Assert.DoesNotContain("in_use", exposition.Render(), StringComparison.Ordinal);
    }
}
