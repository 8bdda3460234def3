using CsCheck;

using Portolan.Lab.Workloads.Planning;

namespace Portolan.Lab.Tests.Workloads;

public sealed class ReplicaPlanTests
{
    private static readonly string[] s_places = ["", "node1", "node2", "node3"];

    private static readonly Gen<ReplicaFacts> s_pod = Gen.Select(Gen.Int[0, 10_000], Gen.Int[0, s_places.Length - 1].Select(i => s_places[i]), Gen.Bool, Gen.Bool, Gen.Int[0, 1000],
        (id, node, running, ready, age) => new ReplicaFacts($"p{id}", node, running, ready && running, DateTimeOffset.UnixEpoch.AddSeconds(age)));

    private static readonly Gen<List<ReplicaFacts>> s_pods = s_pod.List[0, 30].Select(pods => pods.DistinctBy(p => p.Name).ToList());

    [Fact]
    public void ReachesTheWantedNumberInOneStep_AndNeverBothCreatesAndDeletes() =>
        Gen.Select(Gen.Int[0, 40], s_pods).Sample((wanted, pods) =>
        {
            var decision = ReplicaPlan.Of(wanted, pods);
            return pods.Count + decision.Create - decision.Delete.Count == wanted
                && (decision.Create == 0 || decision.Delete.Count == 0)
                && decision.Delete.All(d => pods.Exists(p => p.Name == d))
                && decision.Delete.Distinct().Count() == decision.Delete.Count;
        });

    [Fact]
    public void KeepsReadyPods_WhileOthersCanGo() =>
        Gen.Select(Gen.Int[0, 40], s_pods).Sample((wanted, pods) =>
        {
            var gone = ReplicaPlan.Of(wanted, pods).Delete.ToHashSet();
            var readyGone = pods.Any(p => p.Ready && p.Node.Length > 0 && gone.Contains(p.Name));
            var uselessStays = pods.Any(p => !p.Running && !gone.Contains(p.Name));
            return !(readyGone && uselessStays);
        });

    [Fact]
    public void TakesFromTheCrowdedNodeFirst()
    {
        var old = DateTimeOffset.UnixEpoch;
        var decision = ReplicaPlan.Of(2, [new("a", "node1", true, true, old), new("b", "node2", true, true, old.AddSeconds(9)), new("c", "node1", true, true, old.AddSeconds(1))]);
        Assert.Equal(["c"], decision.Delete);
    }
}
