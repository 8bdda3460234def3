using CsCheck;

using Portolan.Lab.Workloads.Planning;

namespace Portolan.Lab.Tests.Workloads;

public sealed class JobTests(RunningCluster cluster) : IClassFixture<RunningCluster>
{
    [Fact]
    public async Task JobOfKubectlCompletes_AndCanBeWaitedFor()
    {
        var ns = await cluster.NamespaceAsync();
        await cluster.KubectlAsync(ns, "create job once --image=done");
        await cluster.KubectlAsync(ns, "wait job/once --for=condition=complete --timeout=50s");
        Assert.Equal("1/1", await cluster.KubectlAsync(ns, "get job once -o jsonpath={.status.succeeded}/{.spec.completions}"));
        Assert.Contains("Complete", await cluster.KubectlAsync(ns, "get job once"), StringComparison.Ordinal);
        await cluster.KubectlAsync(ns, "delete job once");
        await cluster.UntilAsync(ns, "get pods -o name", "");
    }

    [Fact]
    public async Task JobWhosePodsFailIsFailed_BeyondItsLimit()
    {
        var ns = await cluster.NamespaceAsync();
        await cluster.KubectlAsync(ns, "apply -f -", Job("never", "fails", "backoffLimit: 0"));
        await cluster.KubectlAsync(ns, "wait job/never --for=condition=failed --timeout=50s");
        Assert.Equal("BackoffLimitExceeded", await cluster.KubectlAsync(ns, "get job never -o jsonpath={.status.conditions[?(@.type==\"Failed\")].reason}"));
    }

    [Fact]
    public async Task EachIndexIsDoneOnce_AndAFinishedJobGoesInTime()
    {
        var ns = await cluster.NamespaceAsync();
        await cluster.KubectlAsync(ns, "apply -f -", Job("parts", "done", "completions: 3, parallelism: 2, completionMode: Indexed"));
        await cluster.KubectlAsync(ns, "wait job/parts --for=condition=complete --timeout=50s");
        await cluster.KubectlAsync(ns, "get pods -o jsonpath={.items[*].spec.hostname}");
        Assert.Equal(["parts-0", "parts-1", "parts-2"], (await cluster.KubectlAsync(ns, "get pods -o jsonpath={.items[*].spec.hostname}")).Split(' ').Order());
        await cluster.KubectlAsync(ns, """patch job parts -p {"spec":{"ttlSecondsAfterFinished":1}}""");
        await cluster.UntilAsync(ns, "get jobs,pods -o name", "");
    }

    [Fact]
    public void NeverMorePodsThanAreStillToSucceed_AndItEnds() =>
        Gen.Select(Gen.Int[1, 5], Gen.Int[0, 6], Gen.Int[0, 3], Gen.Bool, Gen.Int[0, 1_000_000]).Sample((parallelism, completions, limit, indexed, seed) =>
        {
            var random = new Random(seed);
            var job = new JobSettings(parallelism, completions, limit, indexed, false, false);
            var pods = new List<JobPod>();
            var now = DateTimeOffset.UnixEpoch;
            for (var step = 0; step < 200; step++)
            {
                now += TimeSpan.FromHours(1);
                var decision = JobPlan.Of(job, pods, pods.Count(p => p.Succeeded), pods.Count(p => p.Failed), now);
                pods.RemoveAll(p => decision.Delete.Contains(p.Name));
                pods.AddRange(decision.Create.Select((index, i) => new JobPod($"p{step}-{i}", index, false, false, false, 0, null)));
                Assert.True(pods.Count(p => p.IsActive) <= Math.Min(parallelism, completions), "too many at a time");
                if (decision.Outcome is JobOutcome.Complete)
                {
                    Assert.Equal(completions, pods.Count(p => p.Succeeded));
                    if (indexed)
                        Assert.Equal(Enumerable.Range(0, completions), pods.Where(p => p.Succeeded).Select(p => p.Index!.Value).Order());
                    return;
                }
                if (decision.Outcome is JobOutcome.BackoffLimitExceeded)
                {
                    Assert.True(pods.Count(p => p.Failed) > limit);
                    return;
                }
                pods = [.. pods.Select(p => !p.IsActive || random.Next(2) == 0 ? p : random.Next(4) == 0 ? p with { Failed = true, Ended = now } : p with { Succeeded = true })];
            }
            Assert.Fail("stands still");
        });

    private static string Job(string name, string image, string spec) => $$"""
        {apiVersion: batch/v1, kind: Job, metadata: {name: {{name}} }, spec: { {{spec}}, template: {spec: {restartPolicy: Never, containers: [{name: c, image: {{image}} }]} } } }
        """;
}
