using System.Diagnostics;
using Portolan.Rig;

namespace Portolan.Bench.Controller;

/// <summary>10,000 Services made at once under a running controller: everyone has an address in the end, nobody has another's.</summary>
internal static class BulkBenchmark
{
    private const int Services = 10_000;

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        using var cluster = await ControllerCluster.CreateAsync();
        await cluster.Controller.StartAsync();
        var (controller, server) = (ProcessFigures.ProcessorSeconds(cluster.Controller.Id), cluster.Server.ProcessorSeconds());
        var addresses = await cluster.WatchAddressesAsync(Services);
        var started = Stopwatch.GetTimestamp();
        await cluster.LoadAsync(Services);
        var created = Stopwatch.GetTimestamp();
        var settled = await addresses;
        (controller, server) = (ProcessFigures.ProcessorSeconds(cluster.Controller.Id) - controller, cluster.Server.ProcessorSeconds() - server);
        var (missing, doubled) = await cluster.CountAsync(Services);
        return
        [
            new($"controller-bulk {Services} Services without an address", missing, "", 0),
            new("controller-bulk addresses given twice", doubled, "", 0),
            new("controller-bulk creation of all", Stopwatch.GetElapsedTime(started, created).TotalSeconds, "s"),
            new("controller-bulk last address after the last creation", Math.Max(0, Stopwatch.GetElapsedTime(created, settled).TotalSeconds), "s"),
            new("controller-bulk controller's processor time", controller, "s"),
            new("controller-bulk API server's processor time", server, "s"),
        ];
    }
}
