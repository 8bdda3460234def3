using Portolan.Core.Cluster;
using Portolan.Proxy.Nftables;
using Portolan.Rig;

namespace Portolan.Bench.Proxy.Programming;

/// <summary>
/// A node's first programming: the processor time from API objects in memory to the commit, in a namespace that holds nothing yet. The peer is <c>nft</c>,
/// which loads a listing of the same sets and maps from a file, and then the shape that kube-proxy would make of the same Services.
/// Our code is compiled before it is measured, as the native program's is.
/// </summary>
internal static class FirstProgrammingBenchmark
{
    private const int Rounds = 11;
    private const int RoundsOfShape = 3; // each takes some fifteen seconds
    private const double OfNft = 0.3;
    private const double OfKubeProxy = 0.01;
    private static readonly Fleet[] Fleets = [new(1_000, 10), new(10_000, 3), new(30_000, 2), new(5_000, 50)];
    private static readonly Fleet Judged = Fleets[1];

    public static async IAsyncEnumerable<Figure> RunAsync()
    {
        Ours(new Fleet(100, 3));
        foreach (var fleet in Fleets)
        {
            var isNoisy = await Neighbours.AreNoisyAsync();
            using var listing = new NftFile(Listing(fleet));
            var pairs = await Pairs.MeasureAsync(Rounds, () => Task.FromResult(Ours(fleet)), () => Task.FromResult(Nft(listing)));
            yield return Figure.Of($"proxy-cold {fleet.Services:n0} × {fleet.Endpoints} beside nft -f", pairs, "ms", OfNft, isNoisy);
        }

        var isBusy = await Neighbours.AreNoisyAsync();
        NftFile[] parts = [.. KubeProxyShape.Parts(Judged).Select(part => new NftFile(part))];
        var beside = await Pairs.MeasureAsync(RoundsOfShape, () => Task.FromResult(Ours(Judged)), () => Task.FromResult(Nft(parts)));
        foreach (var part in parts)
            part.Dispose();
        yield return Figure.Of($"proxy-cold {Judged.Services:n0} × {Judged.Endpoints} beside {KubeProxyShape.Name}", beside, "ms", OfKubeProxy, isBusy);
    }

    private static double Ours(Fleet fleet)
    {
        ServiceFacts[] services = [.. fleet.AllServices()];
        EndpointSliceFacts[] slices = [.. fleet.AllSlices()];
        using var node = new NetworkNamespace("node");
        var before = Environment.CpuUsage.TotalTime;
        using var table = new ProxyTable(node);
        table.Program(services, slices);
        return (Environment.CpuUsage.TotalTime - before).TotalMilliseconds;
    }

    private static double Nft(params NftFile[] files)
    {
        using var node = new NetworkNamespace("node");
        var before = ChildTime.Used;
        foreach (var file in files)
            node.RunInside("nft", $"-f {file.Path}");
        return (ChildTime.Used - before).TotalMilliseconds;
    }

    /// <summary>The sets and maps of our table, in the text that nft lists them by; without the rules, not all of which nft could read again.</summary>
    private static string Listing(Fleet fleet)
    {
        using var node = new NetworkNamespace("node");
        using var table = new ProxyTable(node);
        table.Program([.. fleet.AllServices()], [.. fleet.AllSlices()]);
        var blocks = node.RunInside("nft", $"list table ip {Shape.Table}").Split("\n\t}\n").Select(block => block[(block.StartsWith("table", StringComparison.Ordinal) ? block.IndexOf('\n', StringComparison.Ordinal) + 1 : 0)..].TrimStart('\n'));
        return $"table ip {Shape.Table} {{\n{string.Join("\n}\n", blocks.Where(IsData))}\n}}\n}}\n";
    }

    private static bool IsData(string block) =>
        block.StartsWith("\tset ", StringComparison.Ordinal) || (block.StartsWith("\tmap ", StringComparison.Ordinal) && !block.Contains(": verdict", StringComparison.Ordinal));
}
