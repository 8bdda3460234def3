using System.Diagnostics;
using Portolan.Rig;

namespace Portolan.Bench.Proxy.Programming;

/// <summary>
/// A proxy that starts where an earlier one left its table: from API objects in memory until it knows that nothing differs. The peer is kube-proxy
/// 1.36.2, measured with half as many Services.
/// </summary>
internal static class RestartBenchmark
{
    private const int Rounds = 11;
    private const double PeersMilliseconds = 11_000;
    private static readonly Fleet Fleet = new(10_000, 3);

    public static async IAsyncEnumerable<Figure> RunAsync()
    {
        using var node = new NetworkNamespace("node");
        Start(node);
        var isNoisy = await Neighbours.AreNoisyAsync();
        var times = new Percentiles();
        for (var round = 0; round < Rounds; round++)
            times.Add(Start(node, isRestart: true));
        yield return new Figure($"proxy-restart {Fleet.Services:n0} × {Fleet.Endpoints}", times.At(0.5), "ms", 300, PeersMilliseconds) { IsNoisy = isNoisy };
    }

    private static TimeSpan Start(NetworkNamespace node, bool isRestart = false)
    {
        var (services, slices) = (Fleet.AllServices().ToArray(), Fleet.AllSlices().ToArray());
        var started = Stopwatch.GetTimestamp();
        using var table = new ProxyTable(node);
        var messages = table.Program(services, slices);
        var took = Stopwatch.GetElapsedTime(started);
        return messages == 0 || !isRestart ? took : throw new InvalidOperationException($"a restart sent {messages} messages");
    }
}
