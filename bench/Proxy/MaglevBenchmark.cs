using System.Diagnostics;
using Portolan.Core.Addresses;
using Portolan.Core.Forwarding;

namespace Portolan.Bench.Proxy;

/// <summary>A maglev table: how long it takes to build, how unequal the shares are, and how many clients move besides those of the real server that goes.</summary>
internal static class MaglevBenchmark
{
    private const int Rounds = 31;

    public static Task<IReadOnlyList<Figure>> RunAsync()
    {
        var figures = new List<Figure>();
        foreach (var (servers, size, goal) in ((int, int, double?)[])[(10, 4093, null), (100, 65521, 5), (1000, 65521, null)])
            figures.Add(new Figure($"maglev, {size} slots, {servers} real servers, build", Median(() => Build(Servers(servers, 0), size)), "ms", goal));
        foreach (var (servers, size) in ((int, int)[])[(10, 1021), (10, 4093), (10, 16381), (100, 16381), (100, 65521), (250, 65521)])
        {
            var table = Build(Servers(servers, 0), size);
            var largest = table.GroupBy(server => server).Max(share => share.Count()) * 100.0 * servers / size;
            figures.Add(new Figure($"maglev, {size} slots, {servers}, largest share's excess", largest - 100, "%", 1));
            figures.Add(new Figure($"maglev, {size} slots, {servers}, moved besides", Enumerable.Range(0, 20).Average(seed => MovedBesides(servers, size, seed)), "%"));
        }

        return Task.FromResult<IReadOnlyList<Figure>>(figures);
    }

    private static RealServer[] Servers(int count, int seed) => [.. Enumerable.Range(0, count).Select(i => new RealServer(IpAddress.V4(0x0a090000 + (uint)((seed * 1000) + i)), 8080))];

    private static ushort[] Build(RealServer[] servers, int size)
    {
        var weights = new int[servers.Length];
        weights.AsSpan().Fill(1);
        return MaglevTable.Build(servers, weights, size);
    }

    private static double MovedBesides(int count, int size, int seed)
    {
        var all = Servers(count, seed);
        var gone = seed * 7 % count;
        RealServer[] fewer = [.. all.Where((_, index) => index != gone)];
        var (with, without) = (Build(all, size), Build(fewer, size));
        return Enumerable.Range(0, size).Count(slot => with[slot] != gone && all[with[slot]] != fewer[without[slot]]) * 100.0 / size;
    }

    private static double Median(Action work)
    {
        work();
        var times = new double[Rounds];
        for (var round = 0; round < Rounds; round++)
        {
            var start = Stopwatch.GetTimestamp();
            work();
            times[round] = Stopwatch.GetElapsedTime(start).TotalMilliseconds;
        }

        Array.Sort(times);
        return times[Rounds / 2];
    }
}
