using Portolan.Bench.Layer2;
using Portolan.Rig;

namespace Portolan.Bench.Bgp;

/// <summary>
/// From a program's start to Established, the other side waiting on a wire: first our loop beside others that read their configuration from a file (<c>run.py</c>), then
/// the speaker as it ships, which asks an API server for it. BIRD and FRR connect a second after their start at the soonest, as they are configured here.
/// </summary>
internal static class StartupBenchmark
{
    private const int Rounds = 9;
    private const double Most = 50; // ms

    public static async IAsyncEnumerable<Figure> RunAsync()
    {
        var trial = await AnnouncerTrial.CreateAsync();
        var rows = await trial.RunAsync(isIPv6: false, "--startup", "-a", "custom,openbgpd,birdt,frrt", "-p", "1", "-r", "5", "-t", "20");
        var ours = 1000 * rows.Median("custom", "est");
        yield return new("bgp-startup start to Established beside OpenBGPD", ours, "ms", Most, 1000 * rows.Median("openbgpd", "est"));
        yield return new("bgp-startup … beside BIRD", ours, "ms", Most, 1000 * rows.Median("birdt", "est"));
        yield return new("bgp-startup … beside FRR", ours, "ms", Most, 1000 * rows.Median("frrt", "est"));
        await BgpSink.BuildAsync();
        using var node = await AnnouncingNode.CreateAsync(1, AnnouncingNode.Bgp);
        var (established, announced) = (new Percentiles(), new Percentiles());
        for (var i = 0; i < Rounds; i++)
        {
            using var sink = new BgpSink(node.Client, AnnouncingNode.ClientAddress, AnnouncingNode.Vip(0), 1);
            await Task.Delay(300);
            using var speaker = node.Speaker();
            speaker.Start();
            established.Add(await sink.WaitAsync("EST") - speaker.StartedAt);
            announced.Add(await sink.WaitAsync("DONE") - speaker.StartedAt);
        }

        yield return new("bgp-startup the speaker with its API, Established", established.At(0.5), "ms"); // the others' configuration is at hand, ours is asked for
        yield return new("bgp-startup the speaker with its API, first route", announced.At(0.5), "ms");
    }
}
