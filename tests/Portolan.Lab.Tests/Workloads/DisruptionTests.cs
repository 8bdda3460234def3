using System.Text.Json.Nodes;

using Portolan.Lab.Workloads.Planning;

namespace Portolan.Lab.Tests.Workloads;

/// <summary>Drains and disruption budgets.</summary>
public sealed class DisruptionTests(RunningCluster cluster) : IClassFixture<RunningCluster>
{
    [Theory]
    [InlineData("""{"minAvailable":2}""", 3, null, 3, 1)]
    [InlineData("""{"minAvailable":2}""", 3, null, 2, 0)]
    [InlineData("""{"minAvailable":"50%"}""", 3, 3, 3, 1)]
    [InlineData("""{"maxUnavailable":1}""", 3, 4, 3, 0)]
    [InlineData("""{"maxUnavailable":"50%"}""", 3, 3, 3, 2)]
    [InlineData("""{"maxUnavailable":1}""", 3, null, 3, 0)]
    [InlineData("""{"minAvailable":0}""", 0, 0, 0, 0)]
    public void AllowsWhatTheBudgetLeaves(string spec, int pods, int? scale, int healthy, int allowed) =>
        Assert.Equal(allowed, DisruptionPlan.Of(JsonNode.Parse(spec), pods, scale, healthy).Allowed);

    [Fact]
    public async Task DrainWaitsForTheBudget_AndMovesEveryPod()
    {
        var ns = await cluster.NamespaceAsync();
        await cluster.KubectlAsync(ns, "apply -f -", RunningCluster.Deployment("moved"));
        await cluster.KubectlAsync(ns, "rollout status deployment/moved --timeout=50s");
        await cluster.KubectlAsync(ns, "create pdb web --selector=app=moved --min-available=2");
        await cluster.UntilAsync(ns, "get pdb web -o jsonpath={.status.disruptionsAllowed}/{.status.currentHealthy}/{.status.desiredHealthy}/{.status.expectedPods}", "1/3/2/3");
        await cluster.KubectlAsync(ns, $"drain node2 --pod-selector=app=moved --timeout=50s");
        try
        {
            await cluster.KubectlAsync(ns, "rollout status deployment/moved --timeout=50s");
            Assert.DoesNotContain("node2", await cluster.KubectlAsync(ns, "get pods -l app=moved -o jsonpath={.items[*].spec.nodeName}"), StringComparison.Ordinal);
            Assert.Contains("SchedulingDisabled", await cluster.KubectlAsync(ns, "get node node2"), StringComparison.Ordinal);
        }
        finally
        {
            await cluster.KubectlAsync(ns, "uncordon node2");
        }
    }

    [Fact]
    public async Task EvictionThatTheBudgetDoesNotAllowIsRefused_AndNothingIsLost()
    {
        var ns = await cluster.NamespaceAsync();
        await cluster.KubectlAsync(ns, "apply -f -", RunningCluster.Deployment("web", replicas: 2));
        await cluster.KubectlAsync(ns, "rollout status deployment/web --timeout=50s");
        await cluster.KubectlAsync(ns, "create pdb web --selector=app=web --min-available=2");
        await cluster.UntilAsync(ns, "get pdb web -o jsonpath={.status.expectedPods}", "2");
        var pod = (await cluster.KubectlAsync(ns, "get pods -o jsonpath={.items[0].metadata.name}")).Trim();
        var (code, output) = await cluster.TryKubectlAsync(ns, $"create --raw /api/v1/namespaces/{ns}/pods/{pod}/eviction -f -",
            $$$"""{"apiVersion":"policy/v1","kind":"Eviction","metadata":{"name":"{{{pod}}}","namespace":"{{{ns}}}"} }""");
        Assert.NotEqual(0, code);
        Assert.Contains("Cannot evict pod as it would violate the pod's disruption budget.", output, StringComparison.Ordinal);
        Assert.Equal("Running Running", await cluster.KubectlAsync(ns, "get pods -o jsonpath={.items[*].status.phase}"));
    }
}
