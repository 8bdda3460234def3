using Portolan.Rig;

namespace Portolan.Bench.Controller;

/// <summary>
/// What memory the controller takes a minute after its start with 100 Services, and a minute after the last of 5,000 has its address. Nothing tells it
/// to collect. The peers are MetalLB 0.13.9 with as many Services.
/// </summary>
internal static class MemoryBenchmark
{
    private const int Few = 100;
    private const int Many = 5_000;
    private static readonly TimeSpan Quiet = TimeSpan.FromSeconds(60);

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        using var few = await ControllerCluster.CreateAsync();
        using var bulk = await ControllerCluster.CreateAsync();
        using var cold = await ControllerCluster.CreateAsync();
        await bulk.Controller.StartAsync();
        var addresses = await bulk.WatchAddressesAsync(Many);
        await bulk.LoadAsync(Many);
        await addresses;
        await cold.LoadAsync(Many);
        addresses = await cold.WatchAddressesAsync(Many);
        await cold.Controller.StartAsync();
        await addresses;
        await few.LoadAsync(Few);
        await few.Controller.StartAsync();
        await Task.Delay(Quiet);
        return
        [
            new($"controller-memory anonymous, {Few} Services", Memory(few, "Anonymous"), "MiB", 20),
            new($"controller-memory resident, {Few} Services", Memory(few, "Rss"), "MiB", 45, 56),
            new($"controller-memory anonymous, {Many} made one by one", Memory(bulk, "Anonymous"), "MiB"),
            new($"controller-memory resident, {Many} made one by one", Memory(bulk, "Rss"), "MiB", 80, 135),
            new($"controller-memory anonymous, {Many} found at start", Memory(cold, "Anonymous"), "MiB"),
            new($"controller-memory resident, {Many} found at start", Memory(cold, "Rss"), "MiB", 80, 135),
        ];
    }

    private static double Memory(ControllerCluster cluster, string line) => ProcessFigures.Memory(cluster.Controller.Id, line);
}
