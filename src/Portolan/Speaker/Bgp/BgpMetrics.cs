using System.Diagnostics.Metrics;
using Portolan.Bgp;
using Portolan.Protocols.Bgp.Sessions;

namespace Portolan.Speaker.Bgp;

/// <summary>The instruments of BGP under MetalLB's names, labelled by the peer's address and port, and its VRF.</summary>
internal sealed class BgpMetrics
{
    private volatile IReadOnlyList<NeighborStatus> _neighbors = [];

    /// <param name="meter">Takes them.</param>
    /// <param name="failures">How often BGP as a whole has failed.</param>
    public BgpMetrics(Meter meter, Func<long> failures)
    {
        Gauge("metallb_bgp_session_up", neighbor => neighbor.State is SessionState.Established ? 1 : 0, "1 while a session with the peer is established.");
        Gauge("metallb_bgp_announced_prefixes_total", neighbor => neighbor.State is SessionState.Established ? neighbor.Routes - neighbor.Pending : 0, "Prefixes that the peer has been sent.");
        Gauge("metallb_bgp_pending_prefixes_total", neighbor => neighbor.State is SessionState.Established ? neighbor.Pending : neighbor.Routes, "Prefixes that the peer has yet to be sent.");
        Counter("metallb_bgp_updates_total", counts => counts.UpdatesSent, "UPDATEs sent.");
        Counter("metallb_bgp_updates_total_received", counts => counts.UpdatesReceived, "UPDATEs received.");
        Counter("metallb_bgp_opens_sent", counts => counts.OpensSent, "OPENs sent.");
        Counter("metallb_bgp_opens_received", counts => counts.OpensReceived, "OPENs received.");
        Counter("metallb_bgp_notifications_sent", counts => counts.NotificationsSent, "NOTIFICATIONs sent.");
        Counter("metallb_bgp_keepalives_sent", counts => counts.KeepalivesSent, "KEEPALIVEs sent.");
        Counter("metallb_bgp_keepalives_received", counts => counts.KeepalivesReceived, "KEEPALIVEs received.");
        Counter("metallb_bgp_route_refresh_sent", counts => counts.RefreshesSent, "ROUTE-REFRESHes sent.");
        Counter("metallb_bgp_total_sent", counts => counts.Sent, "Messages sent.");
        Counter("metallb_bgp_total_received", counts => counts.Received, "Messages received.");
        meter.CreateObservableCounter(
            "portolan_bgp_neighbor_faults_total",
            () => _neighbors.Select(neighbor => new Measurement<long>(neighbor.Faults, Labels(neighbor))),
            description: "Faults of this speaker while it served the peer: each cost the peer its session.");
        meter.CreateObservableCounter("portolan_bgp_loop_faults_total", failures, description: "Faults of this speaker that cost all peers their sessions.");

        void Gauge(string name, Func<NeighborStatus, int> value, string description) =>
            meter.CreateObservableGauge(name, () => _neighbors.Select(neighbor => new Measurement<int>(value(neighbor), Labels(neighbor))), description: description);
        void Counter(string name, Func<PeerCounts, long> value, string description) =>
            meter.CreateObservableCounter(name, () => _neighbors.Select(neighbor => new Measurement<long>(value(neighbor.Counts), Labels(neighbor))), description: description);
    }

    /// <summary>The neighbours as they are.</summary>
    public void Show(IReadOnlyList<NeighborStatus> neighbors) => _neighbors = neighbors;

    private static KeyValuePair<string, object?>[] Labels(NeighborStatus neighbor) =>
        [new("peer", $"{(neighbor.Address is { } address ? address.ToString() : neighbor.Interface)}:{neighbor.Port}"), new("vrf", neighbor.Vrf)];
}
