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
        Gen.Select(s_pods, Gen.Int[0, 2]).Sample((pods, surge) =>
        {
            var update = new DaemonUpdate(surge == 0 ? 1 : 0, surge);
            var nodes = s_nodes.Select(n => new DaemonNode(n, true, true)).ToList();
            for (var step = 0; step < 50; step++)
            {
                var decision = DaemonPlan.Of(nodes, pods, update);
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
        var decision = DaemonPlan.Of([new("node1", true, true)], [new("old", "node1", false, false, false, true, default)], new DaemonUpdate(1, 0));
        Assert.Empty(decision.Create);
    }

    [Fact]
    public void ReplacesNoMoreAvailablePodsThanMayBeMissing() =>
        s_pods.Sample(pods =>
        {
            var nodes = s_nodes.Select(n => new DaemonNode(n, true, true)).ToList();
            var served = pods.Where(p => p.Available && !p.Deleting && s_nodes.Contains(p.Node)).Select(p => p.Node).ToHashSet();
            var decision = DaemonPlan.Of(nodes, pods, new DaemonUpdate(1, 0));
            var left = pods.Where(p => p.Available && !p.Deleting && !decision.Delete.Contains(p.Name)).Select(p => p.Node).ToHashSet();
            return served.Count(n => !left.Contains(n)) <= 1;
        });

    [Fact]
    public void WithASurgeEveryNodeKeepsAPodThatServes_AndNoMoreThanSoManyHaveTwo() =>
        Gen.Select(Gen.Int[1, 4], Gen.Int[0, 1_000_000]).Sample((surge, seed) =>
        {
            var random = new Random(seed);
            var nodes = s_nodes.Select(n => new DaemonNode(n, true, true)).ToList();
            List<DaemonPod> pods = [.. s_nodes.Select(n => new DaemonPod($"old-{n}", n, false, true, false, false, default))];
            for (var step = 0; step < 200; step++)
            {
                var decision = DaemonPlan.Of(nodes, pods, new DaemonUpdate(0, surge));
                pods = [.. pods.Where(p => !p.Deleting).Select(p => p with { Deleting = decision.Delete.Contains(p.Name), Available = p.Available || random.Next(2) == 0 })];
                pods.AddRange(decision.Create.Select(n => new DaemonPod($"new-{n}", n, true, false, false, false, default)));
                var left = pods.Where(p => !p.Deleting).ToList();
                Assert.Equal(s_nodes, left.Where(p => p.Available).Select(p => p.Node).Distinct().Order());
                Assert.True(left.Count(p => !p.Available) <= surge, "too many surge");
                if (pods.TrueForAll(p => p.Updated && p.Available))
                    return;
            }
            Assert.Fail("stands still");
        });

    [Fact]
    public void OnDeleteReplacesNothingByItself() =>
        Assert.Equal(new DaemonDecision([], []).Delete, DaemonPlan.Of([new("node1", true, true)], [new("old", "node1", false, true, false, false, default)], null).Delete);

    [Fact]
    public void LeavesANodeThatNoLongerAdmitsIt_AndStaysWhereItMay()
    {
        DaemonPod[] pods = [new("a", "node1", true, true, false, false, default), new("b", "node2", true, true, false, false, default)];
        var decision = DaemonPlan.Of([new("node1", false, false), new("node2", false, true)], pods, new DaemonUpdate(1, 0));
        Assert.Equal(["a"], decision.Delete);
        Assert.Empty(decision.Create);
    }
}
