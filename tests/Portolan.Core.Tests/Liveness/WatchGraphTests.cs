using Portolan.Core.Liveness;

namespace Portolan.Core.Tests.Liveness;

public sealed class WatchGraphTests
{
    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(16)]
    public void WatchesEveryone_UpToSixteenNodes(int count)
    {
        var nodes = Nodes(count);
        foreach (var node in nodes)
            Assert.Equal(nodes.Where(other => other != node).Order(), WatchGraph.Of(node, nodes).Order());
    }

    [Theory]
    [InlineData(17)]
    [InlineData(100)]
    [InlineData(600)]
    public void WatchesAtMostEight_MutuallyAndConnected_BeyondThat(int count)
    {
        var graph = Graph(Nodes(count));
        Assert.All(graph, entry => Assert.InRange(entry.Value.Count, 4, 8));
        Assert.All(graph, entry => Assert.All(entry.Value, other => Assert.Contains(entry.Key, graph[other])));
        Assert.Equal(count, Reached(graph, []).Count);
        if (count >= 100)
            Assert.True(graph.Values.Average(watched => watched.Count) > 7.8);
    }

    [Fact]
    public void StaysConnected_WhenManyNodesDieAtOnce()
    {
        var nodes = Nodes(200);
        var dead = nodes.Where((_, index) => index % 3 == 0).ToHashSet();
        Assert.Equal(nodes.Count - dead.Count, Reached(Graph(nodes), dead).Count);
    }

    [Fact]
    public void ChangesFewPairs_WhenANodeComesOrGoes()
    {
        var without = Pairs(Graph(Nodes(50)));
        var with = Pairs(Graph(Nodes(51)));
        Assert.InRange(with.Except(without).Count(), 1, 2 * WatchGraph.Rings);
        Assert.InRange(without.Except(with).Count(), 0, WatchGraph.Rings);
    }

    [Fact]
    public void DoesNotDependOnTheOrderOfTheNodes()
    {
        var nodes = Nodes(40);
        Assert.Equal(WatchGraph.Of("node7", nodes).Order(), WatchGraph.Of("node7", [.. nodes.AsEnumerable().Reverse()]).Order());
    }

    private static List<string> Nodes(int count) => [.. Enumerable.Range(1, count).Select(number => $"node{number}")];

    private static Dictionary<string, IReadOnlySet<string>> Graph(List<string> nodes) => nodes.ToDictionary(node => node, node => WatchGraph.Of(node, nodes));

    private static HashSet<(string, string)> Pairs(Dictionary<string, IReadOnlySet<string>> graph) =>
        [.. graph.SelectMany(entry => entry.Value.Where(other => string.CompareOrdinal(entry.Key, other) < 0).Select(other => (entry.Key, other)))];

    private static HashSet<string> Reached(Dictionary<string, IReadOnlySet<string>> graph, HashSet<string> dead)
    {
        var start = graph.Keys.First(node => !dead.Contains(node));
        var (reached, frontier) = (new HashSet<string> { start }, new Queue<string>([start]));
        while (frontier.TryDequeue(out var node))
            foreach (var other in graph[node])
                if (!dead.Contains(other) && reached.Add(other))
                    frontier.Enqueue(other);
        return reached;
    }
}
