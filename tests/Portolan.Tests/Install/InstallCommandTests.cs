using System.Text.Json.Nodes;
using Portolan.Commands;
using Portolan.Commands.Install;
using Portolan.Hosting;
using Portolan.Kubernetes.Resources;

namespace Portolan.Tests.Install;

public sealed class InstallCommandTests
{
    [Theory]
    [InlineData("--protocol ospf", "must be layer2 or bgp")]
    [InlineData("--peer 192.168.100.1 --peer-asn 64512 --my-asn 64513", "--peer needs --protocol bgp")]
    [InlineData("--protocol bgp --peer 192.168.100.1 --my-asn 64513", "--peer needs --peer-asn")]
    [InlineData("--protocol bgp --peer router --peer-asn 64512 --my-asn 64513", "--peer router: is not an IP address")]
    [InlineData("--protocol bgp --peer 192.168.100.1 --peer-asn 0 --my-asn 64513", "--peer-asn 0: must be 1..4294967295")]
    [InlineData("--protocol bgp --peer-asn 64512", "add --peer ADDRESS")]
    [InlineData("--protocol bgp --peer 192.168.100.1 --peer-asn 64512 --my-asn 64513 --bfd 5", "--bfd: must be 10..60000, or 0")]
    [InlineData("--pool 192.168.100.250-192.168.100.240", "--pool 192.168.100.250-192.168.100.240: range ends before it starts")]
    [InlineData("--pool 10.0.0.0/24 --pool 10.0.0.9/32", "overlaps 10.0.0.0-10.0.0.255 of the same pool")]
    [InlineData("--pool office", "must be a CIDR block or a range start-end")]
    [InlineData("--only-proxy --pool 10.0.0.0/24", "installs no pool")]
    [InlineData("--replace-kube-proxy", "add --with-proxy or --only-proxy")]
    [InlineData("--restore-kube-proxy --with-proxy", "installs nothing")]
    [InlineData("--timeout 0", "at least 1 second")]
    [InlineData("--controller-replicas 0", "at least 1")]
    public void RefusesWrongUsage(string arguments, string words) =>
        Assert.Contains(CommandTree.Create().Parse("install " + arguments).Errors, error => error.Message.Contains(words, StringComparison.Ordinal));

    [Fact]
    public async Task HandsFlagsOnToTheProxy()
    {
        var output = new StringWriter();
        await CommandTree.Create().Parse("install --only-proxy --master https://192.168.100.10:6443 --proxy-arg=--nodeport-addresses=all --proxy-arg=--v=4 --print").InvokeAsync(new() { Output = output }, TestContext.Current.CancellationToken);
        Assert.Contains("\"--master=https://192.168.100.10:6443\"\n        - \"--nodeport-addresses=all\"\n        - \"--v=4\"\n", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public void RefusesFlagsThatTheProxyDoesNotHave()
    {
        Assert.Contains("--proxy-arg: --v: \"x\" is not a number", CommandTree.Create().Parse("install --proxy-arg=--v=x").Errors.Select(error => error.Message));
        Assert.NotEmpty(CommandTree.Create().Parse("install --proxy-arg=--no-such-flag").Errors);
    }

    [Fact]
    public async Task PrintsWithoutACluster()
    {
        var output = new StringWriter();
        var exitCode = await CommandTree.Create().Parse("install --only-proxy --master https://192.168.100.10:6443 --print").InvokeAsync(new() { Output = output }, TestContext.Current.CancellationToken);
        Assert.Equal(ExitCode.Done, exitCode);
        Assert.Contains("kind: DaemonSet", output.ToString(), StringComparison.Ordinal);
        Assert.DoesNotContain("speaker", output.ToString(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task PrintsPeersAndTheAdvertisementOfBgp()
    {
        var output = new StringWriter();
        await CommandTree.Create().Parse("install --protocol bgp --pool 198.51.100.0/28 --peer 192.168.100.1 --peer fd00::1 --peer-asn 4200000000 --my-asn 64513 --bfd 50 --print").InvokeAsync(new() { Output = output }, TestContext.Current.CancellationToken);
        var printed = output.ToString();
        Assert.Contains("kind: BGPPeer\nmetadata:\n  name: peer-192-168-100-1\n", printed, StringComparison.Ordinal);
        Assert.Contains("  name: peer-fd00--1\n", printed, StringComparison.Ordinal);
        Assert.Contains("peerASN: 4200000000\n", printed, StringComparison.Ordinal);
        Assert.Contains("kind: BFDProfile\n", printed, StringComparison.Ordinal);
        Assert.Contains("kind: BGPAdvertisement\n", printed, StringComparison.Ordinal);
        Assert.DoesNotContain("kind: L2Advertisement\nmetadata:\n", printed, StringComparison.Ordinal);
    }

    [Fact]
    public async Task PrintsTheReplicasAndTheClassAskedFor()
    {
        var output = new StringWriter();
        await CommandTree.Create().Parse("install --controller-replicas 3 --lb-class example.com/edge --image registry.example/portolan:1 --print").InvokeAsync(new() { Output = output }, TestContext.Current.CancellationToken);
        Assert.Contains("replicas: 3", output.ToString(), StringComparison.Ordinal);
        Assert.Equal(3, output.ToString().Split("--lb-class=example.com/edge").Length);
        Assert.Equal(4, output.ToString().Split("image: registry.example/portolan:1").Length); // controller, speaker, and the bfd process beside it
    }

    [Fact]
    public void SaysWhichPodStandsInTheWay()
    {
        var pod = new UntypedObject(JsonNode.Parse(
            """{"metadata":{"name":"speaker-x"},"spec":{"nodeName":"node2"},"status":{"containerStatuses":[{"state":{"waiting":{"reason":"ImagePullBackOff","message":"no such image"}}}]}}""")!.AsObject());
        Assert.Equal("speaker-x on node2: ImagePullBackOff (no such image)", Assert.Single(PodTrouble.Of([pod])));
    }

    [Theory]
    [InlineData("""{"kind":"DaemonSet","metadata":{"name":"speaker","generation":2},"spec":{},"status":{"observedGeneration":2,"desiredNumberScheduled":3,"numberReady":3,"updatedNumberScheduled":3}}""", true)]
    [InlineData("""{"kind":"DaemonSet","metadata":{"name":"speaker","generation":2},"spec":{},"status":{"observedGeneration":1,"desiredNumberScheduled":3,"numberReady":3,"updatedNumberScheduled":3}}""", false)]
    [InlineData("""{"kind":"DaemonSet","metadata":{"name":"speaker","generation":1},"spec":{},"status":{"observedGeneration":1,"desiredNumberScheduled":0}}""", false)]
    [InlineData("""{"kind":"Deployment","metadata":{"name":"controller","generation":1},"spec":{"replicas":1},"status":{"observedGeneration":1,"updatedReplicas":1,"availableReplicas":1}}""", true)]
    [InlineData("""{"kind":"Deployment","metadata":{"name":"controller","generation":1},"spec":{"replicas":1},"status":{"observedGeneration":1,"updatedReplicas":1}}""", false)]
    public void KnowsWhenAWorkloadIsThere(string json, bool complete) => Assert.Equal(complete, WorkloadState.Of(JsonNode.Parse(json)!.AsObject()).IsComplete);

    [Fact]
    public void SeesThatAnotherPoolHasTheAddresses() => Assert.Equal(
        "--pool 10.0.0.0-10.0.0.255: overlaps 10.0.0.9-10.0.0.9 of IPAddressPool office",
        InstallPool.Conflict(["10.0.0.0/24"], [new() { Name = "office", Addresses = ["10.0.0.9/32"] }, new() { Name = "default", Addresses = ["10.0.0.0/25"] }]));
}
