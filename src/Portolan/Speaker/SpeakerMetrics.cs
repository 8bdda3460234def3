using System.Diagnostics.Metrics;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Speaker;

/// <summary>The speaker's instruments under MetalLB's names, and what the liveness protocol adds.</summary>
internal sealed class SpeakerMetrics
{
    private volatile IReadOnlyList<(ObjectKey Service, IpAddress Address)> _announced = [];
    private volatile Func<IEnumerable<(ObjectKey Service, IpAddress Address)>> _announcedByBgp = () => [];
    private volatile IReadOnlyDictionary<string, bool> _peers = new Dictionary<string, bool>();
    private volatile int _loaded;
    private volatile int _stale;

    public SpeakerMetrics(Meter meter, string node)
    {
        meter.CreateObservableGauge(
            "metallb_speaker_announced",
            () => _announced.Select(entry => Announcement(entry.Service, entry.Address, "layer2")).Concat(_announcedByBgp().Select(entry => Announcement(entry.Service, entry.Address, "bgp"))),
            description: "1 for each address of a Service that this node announces by plan.");
        meter.CreateObservableGauge(
            "portolan_speaker_peer_up",
            () => _peers.Select(peer => new Measurement<int>(peer.Value ? 1 : 0, new KeyValuePair<string, object?>("peer", peer.Key))),
            description: "Whether the speaker of another node is heard (BFD).");
        meter.CreateObservableGauge("metallb_k8s_client_config_loaded_bool", () => _loaded, description: "1 if a configuration was loaded successfully at least once.");
        meter.CreateObservableGauge("metallb_k8s_client_config_stale_bool", () => _stale, description: "1 if something in the configuration is wrong and an older version of it is in force.");
        Updates = meter.CreateCounter<long>("metallb_k8s_client_updates_total", description: "Changes of API objects that were processed.");
        UpdateErrors = meter.CreateCounter<long>("metallb_k8s_client_update_errors_total", description: "Changes that could not be processed completely.");

        Measurement<int> Announcement(ObjectKey service, IpAddress address, string protocol) =>
            new(1, new("service", service.ToString()), new("protocol", protocol), new("node", node), new("ip", address.ToString()));
    }

    public Counter<long> Updates { get; }

    public Counter<long> UpdateErrors { get; }

    public void Announced(IReadOnlyList<(ObjectKey Service, IpAddress Address)> announced) => _announced = announced;

    /// <param name="announced">What is announced by BGP; called on any thread.</param>
    public void AnnouncedByBgp(Func<IEnumerable<(ObjectKey Service, IpAddress Address)>> announced) => _announcedByBgp = announced;

    public void Peers(IReadOnlyDictionary<string, bool> peers) => _peers = peers;

    public void Configured(bool stale) => (_loaded, _stale) = (1, stale ? 1 : 0);
}
