using System.Diagnostics;
using System.Globalization;
using Portolan.Rig;

namespace Portolan.Bench.Layer2;

/// <summary>
/// The published speaker, started on a node that announces 5,000 addresses: until each was claimed on the wire, what it writes, what memory it takes
/// a minute after. Nothing tells it to collect. The peer is MetalLB 0.13.9 with as many.
/// </summary>
internal static class AnnouncedBenchmark
{
    private const int Services = 5_000;
    private const int Asked = 200;
    private const double PeersMemory = 165;
    private const double PeersSeconds = 60;
    private const string ConfigurationStates = "/apis/metallb.io/v1beta1/configurationstates";
    private const string Statuses = $"/apis/metallb.io/v1beta1/namespaces/{Installation.Namespace}/servicel2statuses";
    private static readonly TimeSpan Patience = TimeSpan.FromMinutes(3);
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(60);

    public static async IAsyncEnumerable<Figure> RunAsync()
    {
        using var node = await AnnouncingNode.CreateAsync(Services, AnnouncingNode.Layer2);
        using var tap = new ArpTap(node.Client.Name, AnnouncingNode.ClientAddress);
        var revision = await node.RevisionAsync();
        var eventsBefore = await node.ObjectsAsync("/api/v1/events");
        using var speaker = node.Speaker();
        var started = Stopwatch.GetTimestamp();
        speaker.Start();
        var settled = Stopwatch.GetElapsedTime(started, await Task.Factory.StartNew(() => Claimed(tap, speaker), TaskCreationOptions.LongRunning));
        yield return new($"layer2-memory {Services:n0} addresses claimed after a start", settled.TotalSeconds, "s", 5, PeersSeconds);

        while (await node.ObjectsAsync(Statuses) < Services)
            if (Stopwatch.GetElapsedTime(started) > Patience)
                throw new InvalidOperationException($"not every Service has its status: {speaker.Log}");
            else
                await Task.Delay(500);
        yield return new("layer2-memory until the last status object", Stopwatch.GetElapsedTime(started).TotalSeconds, "s");
        Answered(tap);
        await Task.Delay(Quiet);
        var (writes, events) = (await node.RevisionAsync() - revision, await node.ObjectsAsync("/api/v1/events") - eventsBefore);

        // The speaker's own ConfigurationState is one for all: made, and then its status.
        var ofItself = 2 * await node.ObjectsAsync(ConfigurationStates);
        yield return new("layer2-memory writes of its status object a Service", (double)(writes - events - ofItself) / Services, "", 2);
        yield return new("layer2-memory events written in that time a Service", (double)events / Services, "");
        yield return new($"layer2-memory resident, {Services:n0} addresses", ProcessFigures.Memory(speaker.Id, "Rss"), "MiB", 80, PeersMemory);
        yield return new("layer2-memory resident, the bfd process beside it", ProcessFigures.Memory(speaker.BfdId, "Rss"), "MiB");
        yield return new($"layer2-memory anonymous, {Services:n0} addresses", ProcessFigures.Memory(speaker.Id, "Anonymous"), "MiB");
    }

    /// <summary>Waits until each address was claimed by a gratuitous ARP.</summary>
    private static long Claimed(ArpTap tap, SpeakerProcess speaker)
    {
        var (clock, claimed) = (Stopwatch.StartNew(), new HashSet<uint>());
        while (claimed.Count < Services)
        {
            if (clock.Elapsed > Patience)
                throw new InvalidOperationException($"{claimed.Count} of {Services} addresses were claimed: {speaker.Log}");
            if (tap.TryReceive(TimeSpan.FromMilliseconds(100), out var frame) && frame.Packet.IsAnnouncement)
                claimed.Add(frame.Packet.Sender.Value);
        }

        return Stopwatch.GetTimestamp();
    }

    private static void Answered(ArpTap tap)
    {
        for (var i = 0; i < Asked; i++)
        {
            var address = ArpTap.Parse(AnnouncingNode.Vip(i * (Services / Asked)));
            tap.Ask(address);
            var clock = Stopwatch.StartNew();
            while (!(tap.TryReceive(TimeSpan.FromMilliseconds(100), out var frame) && tap.IsAnswer(frame, address)))
                if (clock.Elapsed > TimeSpan.FromSeconds(5))
                    throw new InvalidOperationException(string.Create(CultureInfo.InvariantCulture, $"{address} was claimed and is not answered for"));
        }
    }
}
