using System.Net;
using System.Text.Json;

using Microsoft.Extensions.Time.Testing;

using Portolan.Kubernetes.Resources;
using Portolan.Lab.Nodes.Containers;
using Portolan.Lab.Nodes.Images;
using Portolan.Lab.Nodes.Networking;
using Portolan.Lab.Nodes.Pods;

namespace Portolan.Lab.Tests.Nodes;

public sealed class PodRulesTests
{
    private static readonly NodeFigures _node = new("node1", IPAddress.Parse("192.168.100.100"), 2, 8L << 30);
    private static readonly DateTimeOffset _now = new(2026, 1, 2, 3, 4, 5, TimeSpan.Zero);

    [Theory]
    [InlineData("plain", "plain")]
    [InlineData("$(A)-$(B)", "one-$(B)")]
    [InlineData("$$(A) $$$(A)", "$(A) $one")]
    [InlineData("cost: 5$ $( $(A", "cost: 5$ $( $(A")]
    public void ExpandsReferences_AsKubernetesDoes(string text, string expected) =>
        Assert.Equal(expected, Expansion.Expand(text, name => name == "A" ? "one" : null));

    [Theory]
    [InlineData("ghcr.io/c1t1d0s7/go-myweb", "ghcr.io/c1t1d0s7/go-myweb", true)]
    [InlineData("ghcr.io/c1t1d0s7/go-myweb:latest", "ghcr.io/c1t1d0s7/go-myweb", true)]
    [InlineData("ghcr.io/c1t1d0s7/go-myweb@sha256:00", "ghcr.io/c1t1d0s7/go-myweb", true)]
    [InlineData("localhost:5000/team/portolan:0.1.0", "portolan", true)]
    [InlineData("portolan:0.1.0", "portolan:0.2.0", false)]
    [InlineData("docker.io/library/nginx", "nginx", true)]
    [InlineData("example.com/other/go-myweb", "ghcr.io/c1t1d0s7/go-myweb", false)]
    public void TellsImagesApart(string asked, string entry, bool same) => Assert.Equal(same, ImageName.Parse(asked).IsMeantBy(ImageName.Parse(entry)));

    [Fact]
    public void ImagesAreAddedAndTakenAwayByAFile()
    {
        var path = Path.GetTempFileName();
        try
        {
            File.WriteAllText(path, """{ "images": { "example.com/echo": ["/home/me/echo", "-v"] }, "absent": { "node1": ["ghcr.io/portolan/portolan"] } }""");
            var node1 = new ImageCatalogue("node1", path, "/bin/portolan-lab", "/bin/portolan");
            var node2 = new ImageCatalogue("node2", path, "/bin/portolan-lab", "/bin/portolan");
            Assert.Equal(["/home/me/echo", "-v"], node1.Pull("example.com/echo:1").Arguments(null, null));
            Assert.Contains(new ContainerMount("/home/me/echo", "/home/me/echo", true), node1.Pull("example.com/echo").Mounts);
            Assert.Contains("absent on node1", Assert.Throws<ImageNotFoundException>(() => node1.Pull("ghcr.io/portolan/portolan:0.1.0")).Message);
            Assert.Equal(["/usr/local/bin/portolan", "speaker"], node2.Pull("ghcr.io/portolan/portolan:0.1.0").Arguments(null, ["speaker"]));
            Assert.Contains("network-multitool", Assert.Throws<ImageNotFoundException>(() => node2.Pull("busybox")).Message);

            File.WriteAllText(path, """{ "images": { "x": 5 } }""");
            Assert.Contains("images[\"x\"]", Assert.Throws<ImageNotFoundException>(() => node2.Pull("busybox")).Message);
        }
        finally
        {
            File.Delete(path);
        }
    }

    [Fact]
    public void CommandReplacesEntrypoint_ArgsReplaceCommand()
    {
        var image = new Image("i", ["entry"], ["cmd"]);
        Assert.Equal(["entry", "cmd"], image.Arguments(null, []));
        Assert.Equal(["entry", "a"], image.Arguments([], ["a"]));
        Assert.Equal(["c"], image.Arguments(["c"], null));
        Assert.Equal(["c", "a"], image.Arguments(["c"], ["a"]));
    }

    [Fact]
    public void NamesServicesInTheEnvironment()
    {
        var links = ServiceLinks.Of([Service("myweb-svc-lb", "10.233.19.105", ("http", 80)), Service("headless", "None", ("x", 1))]).ToDictionary(l => l.Name, l => l.Value);
        Assert.Equal("10.233.19.105", links["MYWEB_SVC_LB_SERVICE_HOST"]);
        Assert.Equal("80", links["MYWEB_SVC_LB_SERVICE_PORT_HTTP"]);
        Assert.Equal("tcp://10.233.19.105:80", links["MYWEB_SVC_LB_PORT_80_TCP"]);
        Assert.DoesNotContain(links, l => l.Key.StartsWith("HEADLESS", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData("metadata.name", "web-0")]
    [InlineData("metadata.labels['app.kubernetes.io/name']", "web")]
    [InlineData("metadata.annotations['none']", "")]
    [InlineData("spec.nodeName", "node1")]
    [InlineData("spec.serviceAccountName", "default")]
    [InlineData("status.podIP", "10.233.65.2")]
    [InlineData("status.hostIP", "192.168.100.100")]
    public void AnswersFieldReferences(string path, string expected) => Assert.Equal(expected, Fields().Field(path));

    [Fact]
    public void RefusesAFieldThatIsNone() => Assert.Throws<FormatException>(() => Fields().Field("spec.containers"));

    [Theory]
    [InlineData("limits.memory", "67108864")]
    [InlineData("requests.cpu", "1")]
    [InlineData("limits.cpu", "2")]
    public void AnswersResourceReferences_WithTheNodesFiguresForWhatIsNotSet(string resource, string expected)
    {
        var container = JsonSerializer.Deserialize("""{"spec":{"containers":[{"name":"c","resources":{"limits":{"memory":"64Mi"},"requests":{"cpu":"250m"}}}]}}""", PodJson.Default.Pod)!.Spec.Containers[0];
        Assert.Equal(expected, Fields().Resource(new ResourceFieldRef { Resource = resource }, container));
    }

    [Fact]
    public void PodsResolveThroughTheCluster_UnlessTheyAskOtherwise()
    {
        var pod = Pod();
        Assert.Equal("search shop.svc.cluster.local svc.cluster.local cluster.local\nnameserver 10.233.0.3\noptions ndots:5\n", Resolver(pod));
        pod.Spec.HostNetwork = true;
        Assert.Equal("nameserver 1.2.3.4\n", Resolver(pod));
        pod.Spec.DnsPolicy = "ClusterFirstWithHostNet";
        Assert.StartsWith("search shop.svc", Resolver(pod));
        pod.Spec.DnsPolicy = "None";
        pod.Spec.DnsConfig = new PodDnsConfig { Nameservers = ["9.9.9.9"], Options = [new DnsOption { Name = "ndots", Value = "2" }] };
        Assert.Equal("nameserver 9.9.9.9\noptions ndots:2\n", Resolver(pod));

        static string Resolver(Pod pod) => PodFiles.Of(pod, IPAddress.Parse("10.233.65.2"), _node, "nameserver 1.2.3.4\n").Single(f => f.Path == "/etc/resolv.conf").Content;
    }

    [Fact]
    public void WaitsLongerAfterEachFailure_ButNotAfterALongGoodTime()
    {
        var clock = new FakeTimeProvider(_now);
        var backoff = new RestartBackoff(clock, firstIsImmediate: true);
        Assert.Equal([0, 10, 20, 40, 80, 160, 300, 300], Enumerable.Range(0, 8).Select(_ => (int)backoff.Next(clock.GetUtcNow()).TotalSeconds));
        clock.Advance(TimeSpan.FromMinutes(11));
        Assert.Equal(TimeSpan.Zero, backoff.Next(_now));
    }

    [Fact]
    public void AddressesRest_BeforeTheyAreGivenOutAgain()
    {
        var pool = new PodAddresses(IPNetwork.Parse("10.233.65.0/29"));
        Assert.Equal("10.233.65.2", pool.Take("a").ToString());
        Assert.Equal("10.233.65.2", pool.Take("a").ToString());
        Assert.Equal("10.233.65.3", pool.Take("b").ToString());
        pool.Release("a");
        Assert.Equal(["10.233.65.4", "10.233.65.5", "10.233.65.6", "10.233.65.2"], ((string[])["c", "d", "e", "f"]).Select(h => pool.Take(h).ToString()));
        Assert.Throws<PodAddressesExhaustedException>(() => pool.Take("g"));
    }

    [Fact]
    public void PhaseFollowsTheContainers()
    {
        var waiting = new ContainerSnapshot("c", "i").Waiting("ContainerCreating");
        var running = waiting.Running(_now, "id", "image");
        var failed = running.Ended(new Termination(1, "Error", null, _now, _now, "id"));
        var done = running.Ended(new Termination(0, "Completed", null, _now, _now, "id"));
        var crashing = failed.Waiting("CrashLoopBackOff");
        Assert.Equal("Pending", PodStatusComposer.Phase("Always", [], [waiting, running]));
        Assert.Equal("Running", PodStatusComposer.Phase("Always", [], [running, crashing]));
        Assert.Equal("Running", PodStatusComposer.Phase("Always", [], [crashing]));
        Assert.Equal("Running", PodStatusComposer.Phase("OnFailure", [], [crashing, done]));
        Assert.Equal("Succeeded", PodStatusComposer.Phase("Never", [], [done, done]));
        Assert.Equal("Failed", PodStatusComposer.Phase("Never", [], [done, failed]));
        Assert.Equal("Pending", PodStatusComposer.Phase("Always", [crashing], [waiting]));
        Assert.Equal("Failed", PodStatusComposer.Phase("Never", [failed], [waiting]));
        Assert.Equal("Running", PodStatusComposer.Phase("Always", [done], [running]));
    }

    [Fact]
    public void ConditionsKeepTheTimeOfTheirLastChange()
    {
        var composer = new PodStatusComposer(_now, _node);
        var pod = Pod();
        pod.Status = JsonSerializer.Deserialize("""{"status":{"conditions":[{"type":"PodScheduled","status":"True"}]}}""", PodJson.Default.Pod)!.Status;
        var running = new ContainerSnapshot("c", "i").Running(_now, "id", "image");
        var before = composer.Compose(pod, IPAddress.Parse("10.233.65.2"), [], [running], _now);
        var later = composer.Compose(pod, IPAddress.Parse("10.233.65.2"), [], [running], _now.AddMinutes(1));
        Assert.Equal(before.ToJsonString(), later.ToJsonString());
        var ready = composer.Compose(pod, IPAddress.Parse("10.233.65.2"), [], [running with { Ready = true }], _now.AddMinutes(2));
        var conditions = ready["conditions"]!.AsArray().ToDictionary(c => (string)c!["type"]!, c => $"{c!["status"]} {c["lastTransitionTime"]}");
        Assert.Equal("True 2026-01-02T03:06:05Z", conditions["Ready"]);
        Assert.Equal("True 2026-01-02T03:04:05Z", conditions["Initialized"]);
        Assert.True(conditions.ContainsKey("PodScheduled"));
        Assert.Equal("Running", (string?)ready["phase"]);
        Assert.Equal("containers with unready status: [c]", (string?)before["conditions"]!.AsArray().Single(c => (string?)c!["type"] == "Ready")!["message"]);
    }

    [Fact]
    public void NoContainerGetsMoreThanItsNamespacesHold()
    {
        Assert.Equal(Capabilities.Usual, Capabilities.Resolve(false, [], []));
        Assert.Equal(Capabilities.Of("NET_RAW", "NET_ADMIN"), Capabilities.Resolve(false, ["NET_RAW", "CAP_NET_ADMIN", "SYS_ADMIN"], ["ALL"]));
        var all = Capabilities.Resolve(privileged: true, ["ALL"], []);
        Assert.Equal(0UL, all & Capabilities.Of("SYS_ADMIN", "SYS_MODULE", "MKNOD", "DAC_READ_SEARCH", "SYS_PTRACE", "SYS_RAWIO", "SYS_BOOT", "SYS_TIME", "BPF"));
    }

    private static PodFields Fields() => new(Pod(), IPAddress.Parse("10.233.65.2"), _node);

    private static Pod Pod() => new()
    {
        Metadata = new ObjectMeta { Name = "web-0", Namespace = "shop", Uid = "u", Labels = new() { ["app.kubernetes.io/name"] = "web" } },
        Spec = new PodSpec { Containers = [new Container { Name = "c" }] },
    };

    private static Service Service(string name, string address, params (string Name, int Port)[] ports) => new()
    {
        Metadata = new ObjectMeta { Name = name, Namespace = "default" },
        Spec = new ServiceSpec { ClusterIP = address, Ports = [.. ports.Select(p => new ServicePortSpec { Name = p.Name, Port = p.Port, Protocol = "TCP" })] },
    };
}
