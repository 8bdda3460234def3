namespace Portolan.Lab.Tests.Workloads;

/// <summary>Services, their slices and zones, through the real API server and controllers.</summary>
public sealed class EndpointControllerTests(RunningCluster cluster) : IClassFixture<RunningCluster>
{
    private const string Conditions = "get endpointslices -o jsonpath={range~.items[*].endpoints[*]}{.conditions.ready}~{.conditions.serving}~{.conditions.terminating}{end}";

    [Fact]
    public async Task DeletedPodIsTerminatingAtOnce_AndLeavesTheSliceWhenItIsGone()
    {
        var ns = await cluster.NamespaceAsync();
        await cluster.KubectlAsync(ns, "run one --image=stays --labels=app=x --port=80");
        await cluster.KubectlAsync(ns, "expose pod one");
        await cluster.UntilAsync(ns, Conditions, "true true false");
        await cluster.KubectlAsync(ns, "delete pod one --wait=false");
        await cluster.UntilAsync(ns, Conditions, "false true true");
        await cluster.KubectlAsync(ns, "delete pod one --force --grace-period=0");
        await cluster.UntilAsync(ns, Conditions, "");
    }

    [Fact]
    public async Task EndpointsCarryTheirZones_AndHintsFollowTheService()
    {
        var ns = await cluster.NamespaceAsync();
        await cluster.KubectlAsync(ns, "apply -f -", RunningCluster.Deployment("web"));
        await cluster.KubectlAsync(ns, "expose deployment web --port=80");
        const string zones = "get endpointslices -o jsonpath={range~.items[*].endpoints[*]}{.zone}={.hints.forZones[*].name}/{.hints.forNodes[*].name};{end}";
        await cluster.KubectlAsync(ns, "rollout status deployment/web --timeout=50s");
        async Task<bool> AreAsync(params string[] expected) =>
            (await cluster.KubectlAsync(ns, zones)).Split(';', StringSplitOptions.RemoveEmptyEntries).Order().SequenceEqual(expected);
        await RunningCluster.UntilAsync(() => AreAsync("a=/", "b=/", "c=/"), "zones");
        await cluster.KubectlAsync(ns, """patch service web -p {"spec":{"trafficDistribution":"PreferSameNode"}}""");
        await RunningCluster.UntilAsync(() => AreAsync("a=a/node1", "b=b/node2", "c=c/node3"), "hints of PreferSameNode");
        await cluster.KubectlAsync(ns, "annotate service web service.kubernetes.io/topology-mode=Auto");
        await RunningCluster.UntilAsync(() => AreAsync("a=a/", "b=b/", "c=c/"), "hints of topology-mode Auto");
        await cluster.KubectlAsync(ns, "scale deployment web --replicas=2");
        await RunningCluster.UntilAsync(async () => (await cluster.KubectlAsync(ns, zones)).Split(';', StringSplitOptions.RemoveEmptyEntries) is { Length: 2 } two && two.All(e => e.EndsWith("=/", StringComparison.Ordinal)), "no hints for two pods in three zones");
    }

    [Fact]
    public async Task HandWrittenEndpointsAreMirrored_AndNobodyElseWritesThem()
    {
        var ns = await cluster.NamespaceAsync();
        await cluster.KubectlAsync(ns, "apply -f -", """
            {"apiVersion":"v1","kind":"Endpoints","metadata":{"name":"db"},"subsets":[{"addresses":[{"ip":"192.0.2.7"}],"ports":[{"port":5432}]}]}
            """);
        await cluster.KubectlAsync(ns, "apply -f -", """
            {"apiVersion":"v1","kind":"Service","metadata":{"name":"db"},"spec":{"ports":[{"port":5432}]}}
            """);
        const string mirrored = "get endpointslices -l endpointslice.kubernetes.io/managed-by=endpointslicemirroring-controller.k8s.io,kubernetes.io/service-name=db -o jsonpath={.items[*].endpoints[*].addresses[*]}";
        await cluster.UntilAsync(ns, mirrored, "192.0.2.7");
        await cluster.KubectlAsync(ns, """patch endpoints db --type=merge -p {"subsets":[{"addresses":[{"ip":"192.0.2.8"}],"ports":[{"port":5432}]}]}""");
        await cluster.UntilAsync(ns, mirrored, "192.0.2.8");
        await cluster.KubectlAsync(ns, "delete service db");
        await cluster.UntilAsync(ns, mirrored, "");
    }
}
