using System.Diagnostics.Metrics;
using Portolan.Bfd;
using Portolan.Core.Addresses;
using Portolan.Protocols.Bfd;
using Portolan.Speaker.Liveness;

namespace Portolan.Tests.Speaker;

public sealed class LivenessMetricsTests
{
    [Fact]
    public void ShowsEachPeerByMetalLbsNames()
    {
        var near = new SessionFigures { Name = Name("10.0.0.100", "10.0.0.1"), State = BfdState.Up, Received = 7, Sent = 8, Ups = 2, Downs = 1 };
        var red = new SessionFigures { Name = Name("10.0.0.100", "10.0.0.1", "red"), State = BfdState.Down, Received = 1, Sent = 2 };
        var (one, other) = (near with { Name = Name("fd00::100", "fd00::1") }, near with { Name = Name("fd00::101", "fd00::1"), State = BfdState.Init });
        var holder = new Holder(new(default, 254), near, one, other) { Red = new(new(default, 254, "red"), red) };
        Assert.Equal(
            [
                "metallb_bfd_control_packet_input 10.0.0.1 default 7", "metallb_bfd_control_packet_input 10.0.0.1 red 1", "metallb_bfd_control_packet_input fd00::1 default 14",
                "metallb_bfd_control_packet_output 10.0.0.1 default 8", "metallb_bfd_control_packet_output 10.0.0.1 red 2", "metallb_bfd_control_packet_output fd00::1 default 16",
                "metallb_bfd_session_down_events 10.0.0.1 default 1", "metallb_bfd_session_down_events 10.0.0.1 red 0", "metallb_bfd_session_down_events fd00::1 default 2",
                "metallb_bfd_session_up 10.0.0.1 default 1", "metallb_bfd_session_up 10.0.0.1 red 0", "metallb_bfd_session_up fd00::1 default 0",
                "metallb_bfd_session_up_events 10.0.0.1 default 2", "metallb_bfd_session_up_events 10.0.0.1 red 0", "metallb_bfd_session_up_events fd00::1 default 4",
            ],
            Read(holder).Where(line => line.StartsWith("metallb_bfd_")).Order(StringComparer.Ordinal));
    }

    private static SessionName Name(string local, string peer, string link = "") => new(IpAddress.Parse(local), IpAddress.Parse(peer), link);

    private static List<string> Read(ISessionHolder holder)
    {
        var lines = new List<string>();
        using var meter = new Meter("test");
        LivenessMetrics.AddTo(meter, holder);
        using var listener = new MeterListener();
        listener.SetMeasurementEventCallback<long>((instrument, value, labels, _) =>
            lines.Add($"{instrument.Name} {string.Join(' ', labels.ToArray().Select(label => label.Value))} {value}"));
        listener.InstrumentPublished = (instrument, itself) =>
        {
            if (instrument.Meter == meter)
                itself.EnableMeasurementEvents(instrument);
        };
        listener.Start();
        listener.RecordObservableInstruments();
        return lines;
    }

    private sealed class Holder(NeighborSettings settings, params SessionFigures[] figures) : ISessionHolder
    {
        public required NeighborSession Red { get; init; }

        public LoopFigures Figures { get; } = new();

        public IReadOnlyList<NeighborSession> Neighbors => [.. figures.Select(figure => new NeighborSession(settings, figure)), Red];

        public void SetPeers(IpAddress? local, IReadOnlyCollection<IpAddress> peers)
        {
        }

        public void UseKey(BfdKey? key)
        {
        }

        public void SetNeighbors(IReadOnlyDictionary<SessionName, NeighborSettings> neighbors, bool planned = false)
        {
        }

        public Task RunAsync(Action started, Action stopped, CancellationToken stop) => Task.CompletedTask;
    }
}
