using System.Diagnostics.Metrics;
using Portolan.Controller;
using Portolan.Core.Addresses;
using Portolan.Hosting;

namespace Portolan.Tests.Controller;

/// <summary>The page that MetalLB's dashboards and alerts read.</summary>
public sealed class ControllerMetricsTests : IDisposable
{
    private readonly Meter _meter = new("test");
    private readonly MetricsExposition _page;
    private readonly ControllerMetrics _metrics;

    public ControllerMetricsTests()
    {
        _page = new MetricsExposition(_meter);
        _metrics = new ControllerMetrics(_meter);
    }

    public void Dispose()
    {
        _page.Dispose();
        _meter.Dispose();
    }

    [Fact]
    public void CountersAreThereFromTheStart() => Assert.Equal(
        ["metallb_k8s_client_config_loaded_bool 0", "metallb_k8s_client_config_stale_bool 0", "metallb_k8s_client_update_errors_total 0", "metallb_k8s_client_updates_total 0"],
        Lines().Where(line => line.StartsWith("metallb_", StringComparison.Ordinal)));

    [Contract("§3.7 counters")]
    [Fact]
    public void EachPoolHasItsSevenGauges_UnderMetalLBsNames()
    {
        _metrics.Publish([new PoolUse("lab", 3, 2, 7, long.MaxValue) { Services = 4 }, new PoolUse("odd\"name", 0, 0, 0, 0)]);
        Assert.Equal(
            """
            # HELP metallb_allocator_addresses_in_use_total Addresses of the pool in use.
            # TYPE metallb_allocator_addresses_in_use_total gauge
            metallb_allocator_addresses_in_use_total{pool="lab"} 5
            metallb_allocator_addresses_in_use_total{pool="odd\"name"} 0
            # HELP metallb_allocator_addresses_total Addresses of the pool that can be given out.
            # TYPE metallb_allocator_addresses_total gauge
            metallb_allocator_addresses_total{pool="lab"} 9.223372036854776E+18
            metallb_allocator_addresses_total{pool="odd\"name"} 0
            # HELP metallb_allocator_ipv4_addresses_in_use_total IPv4 addresses of the pool in use.
            # TYPE metallb_allocator_ipv4_addresses_in_use_total gauge
            metallb_allocator_ipv4_addresses_in_use_total{pool="lab"} 3
            metallb_allocator_ipv4_addresses_in_use_total{pool="odd\"name"} 0
            # HELP metallb_allocator_ipv4_addresses_total IPv4 addresses of the pool that can be given out.
            # TYPE metallb_allocator_ipv4_addresses_total gauge
            metallb_allocator_ipv4_addresses_total{pool="lab"} 10
            metallb_allocator_ipv4_addresses_total{pool="odd\"name"} 0
            # HELP metallb_allocator_ipv6_addresses_in_use_total IPv6 addresses of the pool in use.
            # TYPE metallb_allocator_ipv6_addresses_in_use_total gauge
            metallb_allocator_ipv6_addresses_in_use_total{pool="lab"} 2
            metallb_allocator_ipv6_addresses_in_use_total{pool="odd\"name"} 0
            # HELP metallb_allocator_ipv6_addresses_total IPv6 addresses of the pool that can be given out.
            # TYPE metallb_allocator_ipv6_addresses_total gauge
            metallb_allocator_ipv6_addresses_total{pool="lab"} 9.223372036854776E+18
            metallb_allocator_ipv6_addresses_total{pool="odd\"name"} 0
            # HELP metallb_allocator_services_allocated_total Services that have an address of the pool.
            # TYPE metallb_allocator_services_allocated_total gauge
            metallb_allocator_services_allocated_total{pool="lab"} 4
            metallb_allocator_services_allocated_total{pool="odd\"name"} 0
            """,
            string.Join('\n', Lines().Where(line => line.Contains("metallb_allocator_", StringComparison.Ordinal))));
    }

    [Contract("§3.7 counters")]
    [Fact]
    public void PoolThatIsGoneHasNoGauges()
    {
        _metrics.Publish([new PoolUse("lab", 1, 0, 1, 0), new PoolUse("gone", 1, 0, 1, 0)]);
        Assert.Contains("gone", _page.Render(), StringComparison.Ordinal);
        _metrics.Publish([new PoolUse("lab", 1, 0, 1, 0)]);
        Assert.DoesNotContain("gone", _page.Render(), StringComparison.Ordinal);
    }

    [Fact]
    public void StaleAndLoadedFollowTheConfiguration()
    {
        _metrics.Configured(stale: true);
        Assert.Contains("metallb_k8s_client_config_stale_bool 1", Lines());
        Assert.Contains("metallb_k8s_client_config_loaded_bool 0", Lines());
        _metrics.Configured(stale: false);
        _metrics.Updated();
        _metrics.UpdateErrors.Add(2);
        Assert.Contains("metallb_k8s_client_config_stale_bool 0", Lines());
        Assert.Contains("metallb_k8s_client_config_loaded_bool 1", Lines());
        Assert.Contains("metallb_k8s_client_updates_total 1", Lines());
        Assert.Contains("metallb_k8s_client_update_errors_total 2", Lines());
        _metrics.Configured(stale: true);
        Assert.Contains("metallb_k8s_client_config_loaded_bool 1", Lines());
    }

    private string[] Lines() => _page.Render().Split('\n', StringSplitOptions.RemoveEmptyEntries);
}
