using System.Diagnostics.Metrics;
using Portolan.Core.Addresses;

namespace Portolan.Controller;

/// <summary>The controller's figures under MetalLB's names. The loop publishes whole values; scrapes read them from another thread.</summary>
internal sealed class ControllerMetrics
{
    private readonly Counter<long> _updates;
    private volatile IReadOnlyList<PoolUse> _pools = [];
    private volatile int _loaded;
    private volatile int _stale;

    public ControllerMetrics(Meter meter, Func<long>? lostEvents = null)
    {
        meter.CreateObservableCounter("portolan_events_lost_total", lostEvents ?? (() => 0), description: "Events that were not written.");
        _updates = meter.CreateCounter<long>("metallb_k8s_client_updates_total", description: "Changes of API objects that were processed.");
        UpdateErrors = meter.CreateCounter<long>("metallb_k8s_client_update_errors_total", description: "Changes that could not be processed completely.");

        // A counter that appears with its first error has no rate to alert on.
        _updates.Add(0);
        UpdateErrors.Add(0);
        meter.CreateObservableGauge("metallb_k8s_client_config_loaded_bool", () => _loaded, description: "1 if a configuration was loaded successfully at least once.");
        meter.CreateObservableGauge("metallb_k8s_client_config_stale_bool", () => _stale, description: "1 if something in the configuration is wrong and an older version of it is in force.");
        PerPool(meter, "metallb_allocator_addresses_total", "Addresses of the pool that can be given out.", use => Sum(use.AssignedIPv4 + use.AssignedIPv6, Sum(use.AvailableIPv4, use.AvailableIPv6)));
        PerPool(meter, "metallb_allocator_ipv4_addresses_total", "IPv4 addresses of the pool that can be given out.", use => Sum(use.AssignedIPv4, use.AvailableIPv4));
        PerPool(meter, "metallb_allocator_ipv6_addresses_total", "IPv6 addresses of the pool that can be given out.", use => Sum(use.AssignedIPv6, use.AvailableIPv6));
        PerPool(meter, "metallb_allocator_addresses_in_use_total", "Addresses of the pool in use.", use => use.AssignedIPv4 + use.AssignedIPv6);
        PerPool(meter, "metallb_allocator_ipv4_addresses_in_use_total", "IPv4 addresses of the pool in use.", use => use.AssignedIPv4);
        PerPool(meter, "metallb_allocator_ipv6_addresses_in_use_total", "IPv6 addresses of the pool in use.", use => use.AssignedIPv6);
        PerPool(meter, "metallb_allocator_services_allocated_total", "Services that have an address of the pool.", use => use.Services);
    }

    public Counter<long> UpdateErrors { get; }

    public void Updated() => _updates.Add(1);

    public void Publish(IReadOnlyList<PoolUse> pools) => _pools = pools;

    /// <summary>Whether something is wrong with the configuration.</summary>
    public void Configured(bool stale)
    {
        _stale = stale ? 1 : 0;
        if (!stale)
            _loaded = 1;
    }

    private void PerPool(Meter meter, string name, string description, Func<PoolUse, long> value) =>
        meter.CreateObservableGauge(name, () => _pools.Select(use => new Measurement<long>(value(use), new KeyValuePair<string, object?>("pool", use.Pool))), description: description);

    private static long Sum(long a, long b) => a > long.MaxValue - b ? long.MaxValue : a + b;
}
