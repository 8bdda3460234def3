using CsCheck;

using Portolan.Lab.Workloads.Planning;

namespace Portolan.Lab.Tests.Workloads;

public sealed class RolloutPlanTests
{
    /// <summary>Pods that start and become available in any order: the rollout ends, and on the way never leaves the bounds it was given.</summary>
    [Fact]
    public void EndsWithAllPodsNew_AndStaysWithinItsBoundsOnTheWay() =>
        Gen.Select(Gen.Int[0, 8], Gen.Int[0, 3], Gen.Int[0, 3], Gen.Int[0, 8], Gen.Int[0, 1_000_000]).Sample((replicas, surge, unavailable, oldReplicas, seed) =>
        {
            var random = new Random(seed);
            var current = new ReplicaSetFacts("new", 0, 0, 0, DateTimeOffset.UnixEpoch.AddHours(1));
            var old = new ReplicaSetFacts("old", oldReplicas, oldReplicas, oldReplicas, DateTimeOffset.UnixEpoch);
            var mostUnavailable = surge == 0 && unavailable == 0 ? 1 : unavailable;
            for (var step = 0; step < 500; step++)
            {
                var before = current.Available + old.Available;
                var change = RolloutPlan.RollingUpdate(replicas, surge, unavailable, current, [old]);
                current = current with { Wanted = change.GetValueOrDefault("new", current.Wanted) };
                old = old with { Wanted = change.GetValueOrDefault("old", old.Wanted) };
                Assert.True(current.Wanted + old.Wanted <= Math.Max(replicas + surge, oldReplicas), "too many pods");

                // The sets follow: surplus goes at once, new pods become available when they like.
                old = old with { Pods = old.Wanted, Available = Math.Min(old.Available, old.Wanted) };
                current = current with { Pods = current.Wanted, Available = Math.Min(current.Wanted, current.Available + random.Next(2)) };
                var available = current.Available + old.Available;
                Assert.True(available >= before || available >= replicas - mostUnavailable, "too few pods serve");
                if (change.Count == 0 && current.Available == replicas && current.Wanted == replicas && old.Wanted == 0)
                    return;
            }
            Assert.Fail($"stands still: new {current}, old {old}");
        });

    [Fact]
    public void RemovesOldPodsThatServeNobody_BeforeThoseThatDo()
    {
        var change = RolloutPlan.RollingUpdate(3, 0, 1, new("new", 0, 0, 0, default), [new("broken", 2, 2, 0, default), new("good", 1, 1, 1, default)]);
        Assert.Equal(1, change["broken"]);
        Assert.DoesNotContain("good", change.Keys);
    }

    [Fact]
    public void RecreateStartsNothingNew_WhileAnOldPodIsLeft()
    {
        Assert.Equal(0, RolloutPlan.Recreate(2, new("new", 0, 0, 0, default), [new("old", 2, 2, 2, default)])["old"]);
        Assert.Empty(RolloutPlan.Recreate(2, new("new", 0, 0, 0, default), [new("old", 0, 1, 0, default)]));
        Assert.Equal(2, RolloutPlan.Recreate(2, new("new", 0, 0, 0, default), [new("old", 0, 0, 0, default)])["new"]);
    }
}
