namespace Portolan.Lab.Tests.Workloads;

/// <summary>Deployments and DaemonSets as people roll them out, through the real API server, controllers and kubectl.</summary>
public sealed class RolloutTests(RunningCluster cluster) : IClassFixture<RunningCluster>
{
    private const string Images = "get pods -o jsonpath={.items[*].spec.containers[0].image}";

    [Fact]
    public async Task DeploymentRollsOut_IsUndone_AndKeepsItsHistory()
    {
        var ns = await cluster.NamespaceAsync();
        await cluster.KubectlAsync(ns, "apply -f -", RunningCluster.Deployment("web", "v1"));
        await cluster.KubectlAsync(ns, "rollout status deployment/web --timeout=50s");
        await cluster.KubectlAsync(ns, "annotate deployment/web kubernetes.io/change-cause=first");
        await cluster.KubectlAsync(ns, "set image deployment/web c=v2");
        await cluster.KubectlAsync(ns, "annotate deployment/web --overwrite kubernetes.io/change-cause=second");
        await cluster.KubectlAsync(ns, "rollout status deployment/web --timeout=50s");
        await cluster.UntilAsync(ns, Images, "v2 v2 v2");
        var history = await cluster.KubectlAsync(ns, "rollout history deployment/web");
        Assert.Matches(@"1\s+first\s+2\s+second", history);
        Assert.Contains("v1", await cluster.KubectlAsync(ns, "rollout history deployment/web --revision=1"), StringComparison.Ordinal);
        await cluster.KubectlAsync(ns, "rollout undo deployment/web");
        await cluster.KubectlAsync(ns, "rollout status deployment/web --timeout=50s");
        await cluster.UntilAsync(ns, Images, "v1 v1 v1");
        Assert.Matches(@"2\s+second\s+3\s+first", await cluster.KubectlAsync(ns, "rollout history deployment/web"));
        await cluster.KubectlAsync(ns, "rollout restart deployment/web");
        await cluster.KubectlAsync(ns, "rollout status deployment/web --timeout=50s");
        Assert.Contains("NewReplicaSetAvailable", await cluster.KubectlAsync(ns, "describe deployment web"), StringComparison.Ordinal);
    }

    [Fact]
    public async Task RolloutOfABrokenImageKeepsTheOldPods_AndMissesItsDeadline()
    {
        var ns = await cluster.NamespaceAsync();
        await cluster.KubectlAsync(ns, "apply -f -", RunningCluster.Deployment("web", "v1", 4, "progressDeadlineSeconds: 2"));
        await cluster.KubectlAsync(ns, "rollout status deployment/web --timeout=50s");
        await cluster.KubectlAsync(ns, "set image deployment/web c=broken");
        var (code, output) = await cluster.TryKubectlAsync(ns, "rollout status deployment/web --timeout=50s");
        Assert.Equal(1, code);
        Assert.Contains("exceeded its progress deadline", output, StringComparison.Ordinal);
        // 25 % of four: one more, one fewer.
        Assert.Equal(["broken", "broken", "v1", "v1", "v1"], (await cluster.KubectlAsync(ns, Images)).Split(' ').Order());
        Assert.Equal("4/2/3", await cluster.KubectlAsync(ns, "get deployment web -o jsonpath={.spec.replicas}/{.status.updatedReplicas}/{.status.availableReplicas}"));
    }

    [Fact]
    public async Task PausedDeploymentChangesNothing_UntilItIsResumed()
    {
        var ns = await cluster.NamespaceAsync();
        await cluster.KubectlAsync(ns, "apply -f -", RunningCluster.Deployment("web", "v1"));
        await cluster.KubectlAsync(ns, "rollout status deployment/web --timeout=50s");
        await cluster.KubectlAsync(ns, "rollout pause deployment/web");
        await cluster.KubectlAsync(ns, "set image deployment/web c=v2");
        await cluster.KubectlAsync(ns, "scale deployment/web --replicas=4");
        await cluster.UntilAsync(ns, Images, "v1 v1 v1 v1");
        await cluster.UntilAsync(ns, "get deployment web -o jsonpath={.status.conditions[?(@.type==\"Progressing\")].reason}", "DeploymentPaused");
        await cluster.KubectlAsync(ns, "rollout resume deployment/web");
        await cluster.UntilAsync(ns, Images, "v2 v2 v2 v2");
    }

    [Fact]
    public async Task RecreateStartsNothingNew_WhileAnOldPodIsLeaving()
    {
        var ns = await cluster.NamespaceAsync();
        await cluster.KubectlAsync(ns, "apply -f -", RunningCluster.Deployment("web", "stays", 2, "strategy: {type: Recreate}"));
        await cluster.KubectlAsync(ns, "rollout status deployment/web --timeout=50s");
        await cluster.KubectlAsync(ns, "set image deployment/web c=v2");
        await cluster.UntilAsync(ns, "get rs -o jsonpath={.items[*].status.replicas}", "0 0");
        Assert.Equal("stays stays", await cluster.KubectlAsync(ns, Images));
        await cluster.KubectlAsync(ns, "delete pods -l app=web --force --grace-period=0");
        await cluster.UntilAsync(ns, Images, "v2 v2");
    }

    [Fact]
    public async Task PodWhoseLabelIsTakenAwayIsLetGo_AndOneWithoutAnOwnerIsAdopted()
    {
        var ns = await cluster.NamespaceAsync();
        await cluster.KubectlAsync(ns, "apply -f -", RunningCluster.Deployment("web", "v1", 2));
        await cluster.KubectlAsync(ns, "rollout status deployment/web --timeout=50s");
        var pod = (await cluster.KubectlAsync(ns, "get pods -o jsonpath={.items[0].metadata.name}")).Trim();
        await cluster.KubectlAsync(ns, $"label pod {pod} app=other --overwrite");
        await cluster.UntilAsync(ns, $"get pod {pod} -o jsonpath={{.metadata.ownerReferences}}", "");
        await cluster.UntilAsync(ns, "get pods -l app=web --no-headers -o custom-columns=:.status.phase", "Running\nRunning");
        // Orphaned by its owner's deletion, a set is adopted by an equal Deployment.
        await cluster.KubectlAsync(ns, "delete deployment web --cascade=orphan");
        await cluster.UntilAsync(ns, "get rs -o jsonpath={.items[*].metadata.ownerReferences}", "");
        var set = await cluster.KubectlAsync(ns, "get rs -o name");
        await cluster.KubectlAsync(ns, "apply -f -", RunningCluster.Deployment("web", "v1", 2));
        await cluster.UntilAsync(ns, "get rs -o jsonpath={.items[*].metadata.ownerReferences[*].name}", "web");
        Assert.Equal(set, await cluster.KubectlAsync(ns, "get rs -o name"));
    }

    [Theory]
    [InlineData("{maxUnavailable: 1, maxSurge: 0}")]
    [InlineData("{maxUnavailable: 0, maxSurge: 1}")]
    public async Task DaemonSetRollsOut_AndIsUndone(string rolling)
    {
        var ns = await cluster.NamespaceAsync();
        await cluster.KubectlAsync(ns, "apply -f -", DaemonSet("v1", $"{{type: RollingUpdate, rollingUpdate: {rolling}}}"));
        await cluster.KubectlAsync(ns, "rollout status ds/agent --timeout=50s");
        await cluster.KubectlAsync(ns, "set image ds/agent c=v2");
        await cluster.KubectlAsync(ns, "rollout status ds/agent --timeout=50s");
        await cluster.UntilAsync(ns, Images, "v2 v2 v2");
        Assert.Matches(@"1\s+<none>\s+2\s+<none>", await cluster.KubectlAsync(ns, "rollout history ds/agent"));
        await cluster.KubectlAsync(ns, "rollout undo ds/agent");
        await cluster.KubectlAsync(ns, "rollout status ds/agent --timeout=50s");
        await cluster.UntilAsync(ns, Images, "v1 v1 v1");
        await cluster.KubectlAsync(ns, "rollout restart ds/agent");
        await cluster.KubectlAsync(ns, "rollout status ds/agent --timeout=50s");
        Assert.Equal("3", await cluster.KubectlAsync(ns, "get ds agent -o jsonpath={.status.numberAvailable}"));
    }

    [Fact]
    public async Task DaemonSetThatWaitsForDeletionChangesAPodOnlyThen()
    {
        var ns = await cluster.NamespaceAsync();
        await cluster.KubectlAsync(ns, "apply -f -", DaemonSet("v1", "{type: OnDelete}"));
        await cluster.UntilAsync(ns, "get ds agent -o jsonpath={.status.numberReady}", "3");
        await cluster.KubectlAsync(ns, "set image ds/agent c=v2");
        await cluster.UntilAsync(ns, "get ds agent -o jsonpath={.status.observedGeneration}/{.status.updatedNumberScheduled}", "2/");    // none, and a zero is not written
        var pod = (await cluster.KubectlAsync(ns, "get pods -o jsonpath={.items[0].metadata.name}")).Trim();
        await cluster.KubectlAsync(ns, $"delete pod {pod}");
        await RunningCluster.UntilAsync(async () => (await cluster.KubectlAsync(ns, Images)).Split(' ').Order().SequenceEqual(["v1", "v1", "v2"]), "one new pod");
    }

    private static string DaemonSet(string image, string strategy) => $$$"""
        apiVersion: apps/v1
        kind: DaemonSet
        metadata: {name: agent}
        spec:
          selector: {matchLabels: {app: agent}}
          updateStrategy: {{{strategy}}}
          template:
            metadata: {labels: {app: agent}}
            spec: {containers: [{name: c, image: {{{image}}}}]}
        """;
}
