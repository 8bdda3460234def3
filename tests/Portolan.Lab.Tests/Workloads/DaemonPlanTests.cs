using CsCheck;

using Portolan.Lab.Workloads.Planning;

namespace Portolan.Lab.Tests.Workloads;

public sealed class DaemonPlanTests
{
    private static readonly string[] s_nodes = ["node1", "node2", "node3", "node4"];

    private static readonly string[] s_places = [.. s_nodes, "gone"];

    private static readonly Gen<List<DaemonPod>> s_pods = Gen.Select(Gen.Int[0, s_places.Length - 1].Select(i => s_places[i]), Gen.Bool, Gen.Bool, Gen.Bool, Gen.Bool,
            (node, updated, available, failed, deleting) => (node, updated, available, failed, deleting))
        .List[0, 8].Select(l => l.Select((p, i) => new DaemonPod($"p{i}", p.node, p.updated, p.available && !p.failed, p.failed, p.deleting, DateTimeOffset.UnixEpoch.AddSeconds(i))).ToList());

    [Fact]
    public void EveryNodeEndsWithOneUpdatedPod_WhateverWasThere() =>
        s_pods.Sample(pods =>
        {
            var nodes = s_nodes.Select(n => new DaemonNode(n, true, true)).ToList();
            for (var step = 0; step < 50; step++)
            {
                var decision = DaemonPlan.Of(nodes, pods, 1);
                if (decision.Create.Count == 0 && decision.Delete.Count == 0 && pods.TrueForAll(p => !p.Deleting && p.Available))
                    break;
                pods = [.. pods.Where(p => !p.Deleting).Select(p => decision.Delete.Contains(p.Name) ? p with { Deleting = true } : p with { Available = !p.Failed })];
                pods.AddRange(decision.Create.Select((n, i) => new DaemonPod($"c{step}-{i}", n, true, false, false, false, DateTimeOffset.UnixEpoch.AddDays(step))));
            }
            Assert.Equal(s_nodes, pods.Select(p => p.Node).Order());
            Assert.All(pods, p => Assert.True(p.Updated && !p.Failed));
        });

    [Fact]
    public void NeverStartsASecondPodBesideOneThatIsStillLeaving()
    {
        var decision = DaemonPlan.Of([new("node1", true, true)], [new("old", "node1", false, false, false, true, default)], 1);
        Assert.Empty(decision.Create);
    }

    [Fact]
    public void ReplacesNoMoreAvailablePodsThanMayBeMissing() =>
        s_pods.Sample(pods =>
        {
            var nodes = s_nodes.Select(n => new DaemonNode(n, true, true)).ToList();
            var served = pods.Where(p => p.Available && !p.Deleting && s_nodes.Contains(p.Node)).Select(p => p.Node).ToHashSet();
            var decision = DaemonPlan.Of(nodes, pods, 1);
            var left = pods.Where(p => p.Available && !p.Deleting && !decision.Delete.Contains(p.Name)).Select(p => p.Node).ToHashSet();
            return served.Count(n => !left.Contains(n)) <= 1;
        });

    [Fact]
    public void LeavesANodeThatNoLongerAdmitsIt_AndStaysWhereItMay()
    {
        DaemonPod[] pods = [new("a", "node1", true, true, false, false, default), new("b", "node2", true, true, false, false, default)];
        var decision = DaemonPlan.Of([new("node1", false, false), new("node2", false, true)], pods, 1);
        Assert.Equal(["a"], decision.Delete);
        Assert.Empty(decision.Create);
    }
}
