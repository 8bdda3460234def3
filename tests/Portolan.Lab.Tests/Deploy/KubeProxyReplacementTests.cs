using System.Text.Json.Nodes;
using Portolan.Commands;
using Portolan.Commands.Install;
using Portolan.Hosting;
using Portolan.Lab.Tests.Workloads;

namespace Portolan.Lab.Tests.Deploy;

/// <summary>The installer beside a DaemonSet of kube-proxy, as kubeadm makes it, on three nodes; and all the way back.</summary>
public sealed class KubeProxyReplacementTests(RunningCluster cluster) : IClassFixture<RunningCluster>, IDisposable
{
    private const string KubeProxy = """
        apiVersion: apps/v1
        kind: DaemonSet
        metadata: {name: kube-proxy, labels: {k8s-app: kube-proxy}}
        spec:
          selector: {matchLabels: {k8s-app: kube-proxy}}
          template:
            metadata: {labels: {k8s-app: kube-proxy}}
            spec:
              hostNetwork: true
              nodeSelector: {kubernetes.io/os: linux}
              tolerations: [{operator: Exists}]
              containers: [{name: kube-proxy, image: good}]
        """;

    private static readonly TimeSpan _patience = TimeSpan.FromSeconds(60);
    private readonly StringWriter _output = new();

    public void Dispose() => _output.Dispose();

    private static InstallPlan Plan(bool replace, string image = "good") => new()
    {
        Namespace = "metallb-system", Pool = [], WithSystem = false, WithProxy = true, ReplaceKubeProxy = replace, Master = "https://192.168.100.10:6443", Image = image, Timeout = _patience,
    };

    private Progress Quiet { get; } = new(TextWriter.Null, false);

    private Task<int> InstallAsync(bool replace) => new Installer(cluster.Client, Plan(replace), _output, Quiet).RunAsync(TestContext.Current.CancellationToken);

    private Task<int> RestoreAsync() => new KubeProxyRestorer(cluster.Client, Plan(false, "done"), _output, Quiet, TimeProvider.System).RunAsync(TestContext.Current.CancellationToken);

    private async Task<JsonNode> SpecAsync() => JsonNode.Parse(await cluster.KubectlAsync("kube-system", "get ds kube-proxy -o json"))!["spec"]!["template"]!;

    [Fact]
    [Contract("proxy §1.9-5")]
    public async Task RefusesBesideIt_ReplacesItWhenTold_AndPutsItBack()
    {
        Assert.Equal(ExitCode.NotWell, await RestoreAsync()); // nothing was replaced

        // As a real cluster has them; kubectl and the lab's nodes know no other way to tell their system.
        await cluster.KubectlAsync("kube-system", "label node --all --overwrite kubernetes.io/os=linux");
        await cluster.KubectlAsync("kube-system", "apply -f -", KubeProxy);
        await cluster.UntilAsync("kube-system", "get ds kube-proxy -o jsonpath={.status.numberReady}", "3");
        var before = await SpecAsync();

        Assert.Equal(ExitCode.NotWell, await InstallAsync(replace: false));
        Assert.Equal((0, ""), await cluster.TryKubectlAsync("kube-system", "get ds portolan-proxy --ignore-not-found -o name"));
        Assert.True(JsonNode.DeepEquals(before, await SpecAsync()));

        Assert.Equal(ExitCode.Done, await InstallAsync(replace: true));
        await cluster.UntilAsync("kube-system", "get pods -l k8s-app=kube-proxy -o name", "");
        await cluster.UntilAsync("kube-system", "get ds portolan-proxy -o jsonpath={.status.numberReady}", "3");
        Assert.Equal(ExitCode.Done, await InstallAsync(replace: false)); // an upgrade: nobody is beside it any more

        Assert.Equal(ExitCode.Done, await RestoreAsync());
        Assert.True(JsonNode.DeepEquals(before, await SpecAsync()), (await SpecAsync()).ToJsonString());
        await cluster.UntilAsync("kube-system", "get ds kube-proxy -o jsonpath={.status.numberReady}", "3");
        await cluster.UntilAsync("kube-system", "get ds,pods,sa -l app=portolan-proxy -o name", "");
        await cluster.UntilAsync("kube-system", "get pods -l app=portolan-proxy-cleanup -o name", "");
        Assert.Equal(3, _output.ToString().Split("cleaned").Length - 1);
        Assert.Equal(ExitCode.NotWell, await RestoreAsync()); // there is nothing left to go back from
    }
}
