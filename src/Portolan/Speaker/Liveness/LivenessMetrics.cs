using System.Diagnostics.Metrics;
using System.Globalization;
using Portolan.Bfd;
using Portolan.Protocols.Bfd;

namespace Portolan.Speaker.Liveness;

/// <summary>
/// Instruments of the sessions between speakers and with neighbours. The bfd process has no page of its own: what it counts it tells the speaker, and here it is shown. The
/// lateness is counted where it happens, so its series are read, not recorded; together they are a histogram.
/// </summary>
internal static class LivenessMetrics
{
    private const string Lateness = "portolan_bfd_lateness_seconds";

    public static void AddTo(Meter meter, ISessionHolder holder)
    {
        meter.CreateObservableCounter(
            "portolan_bfd_packets_total",
            () => new Measurement<long>[]
            {
                new(holder.Figures.Sent, new KeyValuePair<string, object?>("kind", "sent")),
                new(holder.Figures.Received, new KeyValuePair<string, object?>("kind", "received")),
                new(holder.Figures.Discarded, new KeyValuePair<string, object?>("kind", "discarded")),
            },
            description: "BFD control packets.");
        meter.CreateObservableCounter(Lateness + "_bucket", () => Buckets(holder.Figures), description: "How much later than asked for the thread that holds the BFD sessions was woken.");
        meter.CreateObservableCounter(Lateness + "_sum", () => holder.Figures.Lateness / 1e6, description: "All of it together.");
        meter.CreateObservableCounter(Lateness + "_count", () => Total(holder.Figures), description: "How often it was woken by time.");
        meter.CreateObservableGauge(
            "metallb_bfd_session_up", () => OfPeers(holder, sessions => sessions.All(session => session.State is BfdState.Up) ? 1 : 0), description: "1 if the BFD session with the BGP peer is up.");
        meter.CreateObservableCounter(
            "metallb_bfd_control_packet_input", () => OfPeers(holder, sessions => sessions.Sum(session => session.Received)), description: "BFD control packets from the BGP peer.");
        meter.CreateObservableCounter(
            "metallb_bfd_control_packet_output", () => OfPeers(holder, sessions => sessions.Sum(session => session.Sent)), description: "BFD control packets to the BGP peer.");
        meter.CreateObservableCounter(
            "metallb_bfd_session_up_events", () => OfPeers(holder, sessions => sessions.Sum(session => session.Ups)), description: "How often the BFD session with the BGP peer came up.");
        meter.CreateObservableCounter(
            "metallb_bfd_session_down_events", () => OfPeers(holder, sessions => sessions.Sum(session => session.Downs)), description: "How often the BFD session with the BGP peer went down.");
        if (holder is BfdClient client)
        {
            meter.CreateObservableGauge("portolan_bfd_process_up", () => client.Process is null ? 0 : 1, description: "Whether the bfd process is there.");
            meter.CreateObservableGauge(
                "portolan_bfd_realtime", () => client.Process is { SchedulingError: 0 } ? 1 : 0, description: "Whether the bfd process is scheduled in real time; if not, no interval is below 100 ms.");
        }
    }

    // MetalLB's names and labels, which know one session a peer. Of several, from other addresses of this node, say, they show the sum, and up if all are.
    private static IEnumerable<Measurement<long>> OfPeers(ISessionHolder holder, Func<IEnumerable<SessionFigures>, long> value) =>
        holder.Neighbors.GroupBy(neighbor => (neighbor.Figures.Name.Peer, neighbor.Settings.Vrf), neighbor => neighbor.Figures).Select(sessions => new Measurement<long>(
            value(sessions),
            new KeyValuePair<string, object?>("peer", sessions.Key.Peer.ToString()),
            new KeyValuePair<string, object?>("vrf", sessions.Key.Vrf)));

    private static List<Measurement<long>> Buckets(LoopFigures figures)
    {
        var (buckets, sum) = (new List<Measurement<long>>(), 0L);
        for (var i = 0; i < figures.Counts.Length; i++)
        {
            sum += figures.Counts[i];
            var bound = i < LoopFigures.Bounds.Length ? (LoopFigures.Bounds[i] / 1e6).ToString("0.######", CultureInfo.InvariantCulture) : "+Inf";
            buckets.Add(new(sum, new KeyValuePair<string, object?>("le", bound)));
        }

        return buckets;
    }

    private static long Total(LoopFigures figures)
    {
        var sum = 0L;
        foreach (var count in figures.Counts)
            sum += count;
        return sum;
    }
}
