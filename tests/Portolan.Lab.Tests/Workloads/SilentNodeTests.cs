namespace Portolan.Lab.Tests.Workloads;

public sealed class SilentNodeTests
{
    [Fact]
    public async Task PodsOfASilentNodeLeaveTheirEndpointsBeforeTheNodeIsMarked_AndAreReplacedInTime()
    {
        await using var cluster = new RunningCluster(grace: TimeSpan.FromSeconds(10), eviction: TimeSpan.FromSeconds(300));
        await cluster.InitializeAsync();
        using var dies = new CancellationTokenSource();
        using var ends = new CancellationTokenSource();
        var living = cluster.BeatAsync(["node1", "node2"], ends.Token);
        var dying = cluster.BeatAsync(["node3"], dies.Token);
        var ns = await cluster.NamespaceAsync();
        await cluster.KubectlAsync(ns, "apply -f -", RunningCluster.Deployment("web").Replace("spec: {containers", "spec: {tolerations: [{key: node.kubernetes.io/unreachable, operator: Exists, effect: NoExecute, tolerationSeconds: 1}], containers", StringComparison.Ordinal));
        await cluster.KubectlAsync(ns, "expose deployment web --port=80");
        await cluster.KubectlAsync(ns, "rollout status deployment/web --timeout=50s");

        await dies.CancelAsync();
        await dying;
        await RunningCluster.UntilAsync(async () => (await cluster.KubectlAsync(ns, "get node node3 -o jsonpath={.spec.taints[*].key}")).Contains("unreachable", StringComparison.Ordinal), "a taint on node3");
        Assert.Equal("True True Unknown", await cluster.KubectlAsync(ns, "get nodes -o jsonpath={.items[*].status.conditions[?(@.type==\"Ready\")].status}"));
        await RunningCluster.UntilAsync(async () =>
        {
            var nodes = await cluster.KubectlAsync(ns, "get endpointslices -o jsonpath={range~.items[*].endpoints[?(@.conditions.ready==true)]}{.nodeName}~{end}");
            return nodes.Split(' ', StringSplitOptions.RemoveEmptyEntries) is { Length: 3 } ready && !ready.Contains("node3");
        }, "three ready endpoints on living nodes");
        await ends.CancelAsync();
        await living;
    }
}
