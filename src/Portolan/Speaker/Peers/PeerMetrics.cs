using System.Diagnostics.Metrics;
using Portolan.Protocols.Peers;

namespace Portolan.Speaker.Peers;

/// <summary>Counts what speakers tell each other.</summary>
internal sealed class PeerMetrics
{
    private readonly long[] _dropped = new long[Enum.GetValues<PeerRejection>().Length];
    private long _received;
    private long _sent;
    private volatile IReadOnlyList<string> _contested = [];

    public PeerMetrics(Meter meter)
    {
        meter.CreateObservableCounter("portolan_speaker_peer_datagrams_received_total", () => Volatile.Read(ref _received), description: "Datagrams of other speakers.");
        meter.CreateObservableCounter("portolan_speaker_peer_datagrams_sent_total", () => Volatile.Read(ref _sent), description: "Datagrams to other speakers.");
        meter.CreateObservableCounter(
            "portolan_speaker_peer_datagrams_dropped_total",
            () => Enum.GetValues<PeerRejection>().Where(reason => reason is not PeerRejection.None && Volatile.Read(ref _dropped[(int)reason]) > 0)
                .Select(reason => new Measurement<long>(Volatile.Read(ref _dropped[(int)reason]), new KeyValuePair<string, object?>("reason", reason.ToString()))),
            description: "Datagrams of other speakers that were not believed, in whole or in part.");
        meter.CreateObservableGauge(
            "portolan_speaker_peer_contested",
            () => _contested.Select(peer => new Measurement<int>(1, new KeyValuePair<string, object?>("peer", peer))),
            description: "1 for each speaker that is not heard here (BFD) while others hear it: the way between the two nodes is bad.");
    }

    public void Received(PeerRejection rejection)
    {
        Interlocked.Increment(ref _received);
        if (rejection is not PeerRejection.None)
            Interlocked.Increment(ref _dropped[(int)rejection]);
    }

    public void Sent() => Interlocked.Increment(ref _sent);

    public void Contested(IReadOnlyList<string> contested) => _contested = contested;
}
