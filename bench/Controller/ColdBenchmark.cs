using System.Diagnostics;
using Portolan.Rig;

namespace Portolan.Bench.Controller;

/// <summary>
/// The controller starts while Services wait for addresses. Its processor time is everything from the program's start until all have one. Events follow at
/// their own slow pace: what they cost is measured where they are few. The peer is MetalLB 0.13.9 with 5,000 Services waiting.
/// </summary>
internal static class ColdBenchmark
{
    private const double PeersSeconds = 28;
    private static readonly TimeSpan EventsOfTheFewest = TimeSpan.FromSeconds(20);
    private static readonly int[] Sizes = [1_000, 5_000, 10_000];

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        var figures = new List<Figure>();
        var each = new Dictionary<int, double>();
        foreach (var services in Sizes)
        {
            using var cluster = await ControllerCluster.CreateAsync();
            await cluster.LoadAsync(services);
            var addresses = await cluster.WatchAddressesAsync(services);
            var server = cluster.Server.ProcessorSeconds();
            var started = Stopwatch.GetTimestamp();
            await cluster.Controller.StartAsync();
            var settled = await addresses;
            var controller = ProcessFigures.ProcessorSeconds(cluster.Controller.Id);
            server = cluster.Server.ProcessorSeconds() - server;
            var (missing, doubled) = await cluster.CountAsync(services);
            if ((missing, doubled) != (0, 0))
                throw new InvalidOperationException($"{missing} of {services} Services have no address, {doubled} another's");
            each[services] = controller / services * 1000;
            var judged = services == 5_000;
            figures.Add(new($"controller-cold processor time, {services} waiting", controller, "s", judged ? 3 : null, judged ? PeersSeconds : null));
            figures.Add(new("controller-cold API server's, for the same", server, "s"));
            figures.Add(new("controller-cold a second of that costs the controller", controller / server, "s", 1));
            figures.Add(new("controller-cold time until all have one", Stopwatch.GetElapsedTime(started, settled).TotalSeconds, "s"));
            if (services == Sizes[0])
            {
                await Task.Delay(EventsOfTheFewest);
                figures.Add(new("controller-cold processor time of their events", ProcessFigures.ProcessorSeconds(cluster.Controller.Id) - controller, "s"));
            }
        }

        figures.Add(new($"controller-cold per Service, of {Sizes[0]}", each[Sizes[0]], "ms"));
        figures.Add(new($"controller-cold per Service, of {Sizes[^1]}", each[Sizes[^1]], "ms", each[Sizes[0]] * 1.1));
        return figures;
    }
}
