using Portolan.Core.Forwarding;
using Portolan.Proxy.Health;
using Portolan.Proxy.Metrics;
using Portolan.Proxy.Programmed;

namespace Portolan.Proxy;

/// <summary>Whom the loop tells how it goes. Nobody here is asked anything, and none of it holds the rules up.</summary>
internal sealed class ProxyReports(HealthState health, ProxyMetrics metrics, HealthCheckServers? healthChecks = null, ProgrammedFeed? feed = null)
{
    /// <summary>An event is about to be queued; on any thread.</summary>
    internal void Queue(ProxyEvent what)
    {
        if (what is ProxyEvent.ReaderCame)
            return;
        metrics.Queue(what);
        health.Queue();
    }

    /// <summary>The loop takes an event in.</summary>
    /// <param name="what">The event.</param>
    /// <param name="index">Before the event.</param>
    internal void Handle(ProxyEvent what, ForwardingIndex index)
    {
        metrics.Handle(what, what switch
        {
            ProxyEvent.SliceSet(var slice) => index.Slice(slice.Key),
            ProxyEvent.SliceGone(var key) => index.Slice(key),
            _ => null,
        });
        health.Node = what switch
        {
            ProxyEvent.NodeSet(var node) => NodeStandings.Of(node),
            ProxyEvent.NodeGone => NodeStanding.Missing,
            ProxyEvent.Synced(ProxySource.Node) when health.Node is NodeStanding.Unknown => NodeStanding.Missing,
            _ => health.Node,
        };
    }

    /// <summary>The loop has taken in all that was queued.</summary>
    internal void Take() => health.Take();

    /// <summary>Plans are different.</summary>
    internal void Plan(IReadOnlyList<ServicePortChange> changes) => metrics.Count(changes);

    /// <summary>A family's transaction is over.</summary>
    internal void Sync(TableSync sync)
    {
        metrics.Synced(sync);
        if (sync.Succeeded)
            health.Programmed(sync.Family);
    }

    /// <summary>The kernel has all that was taken in.</summary>
    internal void Programmed(ForwardingIndex index)
    {
        health.Programmed();
        metrics.Programmed();
        var services = index.TakeServices();
        if (services.Count > 0)
            healthChecks?.Apply(services);
        feed?.Publish(index, services);
    }
}
