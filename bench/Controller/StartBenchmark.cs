using Portolan.Rig;

namespace Portolan.Bench.Controller;

/// <summary>How long the controller takes from the start of its program until it says that it is ready, and how big that program is.</summary>
internal static class StartBenchmark
{
    private const int Starts = 25;
    private const int Services = 10;
    private const string Lease = $"/apis/coordination.k8s.io/v1/namespaces/{Installation.Namespace}/leases/portolan-controller";

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        using var cluster = await ControllerCluster.CreateAsync();
        await cluster.LoadAsync(Services);
        var addresses = await cluster.WatchAddressesAsync(Services);
        await cluster.Controller.StartAsync();
        await addresses;
        await cluster.Controller.KillAsync();
        var (ready, cost) = (new Percentiles(), new Percentiles());
        for (var i = 0; i < Starts; i++)
        {
            // As after an orderly stop: nobody holds it.
            await cluster.Api.SendAsync(HttpMethod.Delete, Lease);
            ready.Add(await cluster.Controller.StartAsync());
            cost.Add(TimeSpan.FromSeconds(ProcessFigures.ProcessorSeconds(cluster.Controller.Id)));
            await cluster.Controller.KillAsync();
            await Task.Delay(100);
        }

        return
        [
            new("controller-start ready, p50", ready.At(0.5), "ms", 100),
            new("controller-start ready, p90", ready.At(0.9), "ms"),
            new("controller-start processor time until then, p50", cost.At(0.5), "ms"),
            new("controller-start size of the program", new FileInfo(Published.Binary("portolan")).Length / (1024.0 * 1024), "MiB", 25_000_000 / (1024.0 * 1024)),
        ];
    }
}
