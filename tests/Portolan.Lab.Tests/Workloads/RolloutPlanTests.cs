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

    [Theory]
    [InlineData(15, "new=7 old=11")]
    [InlineData(10, "new=5 old=8")]
    [InlineData(5, "new=3 old=5")]
    public void NewNumberIsSharedOutInProportion_InTheMiddleOfARollout(int replicas, string expected)
    {
        // The example of the Kubernetes documentation: 10 replicas, maxSurge 3, 5 new ones that don't start, 8 old ones.
        var current = new ReplicaSetFacts("new", 5, 5, 0, DateTimeOffset.UnixEpoch.AddHours(1), 10, 13);
        var old = new ReplicaSetFacts("old", 8, 8, 8, DateTimeOffset.UnixEpoch, 10, 13);
        var change = RolloutPlan.Resize(new RolloutSettings(replicas, 3, 2, false), current, [old]);
        Assert.Equal(expected, $"new={change.GetValueOrDefault("new", 5)} old={change.GetValueOrDefault("old", 8)}");
    }

    [Fact]
    public void ResizedSetsAddUpToWhatIsAllowed() =>
        Gen.Select(Gen.Int[0, 30], Gen.Int[0, 5], Gen.Int[1, 20], Gen.Int[1, 20], Gen.Int[1, 20]).Sample((replicas, surge, a, b, c) =>
        {
            ReplicaSetFacts Set(string name, int wanted, int hour) => new(name, wanted, wanted, 0, DateTimeOffset.UnixEpoch.AddHours(hour), replicas + 1, a + b + c);
            List<ReplicaSetFacts> old = [Set("a", a, 1), Set("b", b, 2)];
            var current = Set("c", c, 3);
            var change = RolloutPlan.Resize(new RolloutSettings(replicas, surge, 1, false), current, old);
            Assert.Equal(replicas == 0 ? 0 : replicas + surge, old.Append(current).Sum(s => change.GetValueOrDefault(s.Name, s.Wanted)));
            Assert.All(change.Values, v => Assert.True(v >= 0));
        });
}
