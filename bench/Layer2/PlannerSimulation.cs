using Portolan.Core.Announcements;
using Portolan.Core.Liveness;

namespace Portolan.Bench.Layer2;

/// <summary>
/// The planner alone, with clusters that nobody has at hand: how evenly addresses are spread, how many move when a node dies, is deleted or is added,
/// what a decision costs, and how many liveness packets a node sends.
/// </summary>
internal static class PlannerSimulation
{
    private static readonly (int Nodes, int Addresses)[] Sizes =
    [
        (3, 10), (10, 10), (10, 100), (10, 1000), (16, 1000), (17, 1000), (100, 1000), (100, 10_000), (1000, 5000), (1000, 50_000), (5000, 5000), (5000, 50_000),
    ];

    public static async IAsyncEnumerable<Figure> RunAsync()
    {
        Console.WriteLine(SimulatedRow.Heading);
        foreach (var (nodes, addresses) in Sizes)
        {
            var cluster = new SimulatedCluster(nodes, addresses);
            foreach (var placement in new[] { Placement.Hash, Placement.Bounded })
            {
                await Task.Yield();
                var row = cluster.Measure(placement);
                Console.WriteLine(row);
                var name = $"{nodes} nodes, {addresses} addresses, {(placement is Placement.Hash ? "hash" : "bounded")}";
                if (placement is Placement.Bounded)
                    yield return new Figure(name + ", most", row.Most, "", Goal: Math.Floor((double)addresses / nodes) + 1);
                yield return new Figure(name + ", moved without need", row.Dies.Needless, "", Goal: 0);
                if ((nodes, addresses) == (1000, 5000))
                    yield return new Figure(name + ", a node dies", row.DeathMilliseconds, "ms", Goal: 50);
            }
        }

        var largest = Degree(5000).Max;
        yield return new Figure("liveness, 5000 nodes, watched by at most", largest, "", Goal: 2 * WatchGraph.Rings);
    }

    /// <summary>By how many nodes one is watched.</summary>
    internal static (double Mean, int Max) Degree(int nodes)
    {
        var names = Enumerable.Range(1, nodes).Select(SimulatedCluster.Name).ToList();
        var sample = names.Where((_, i) => i % Math.Max(1, nodes / 100) == 0).Select(node => WatchGraph.Of(node, names).Count).ToList();
        return (sample.Average(), sample.Max());
    }
}
