using System.Text.Json.Nodes;
using Portolan.Commands.Install;
using Portolan.Kubernetes.Resources;

namespace Portolan.Tests.Install;

public sealed class OtherProxiesTests
{
    private static UntypedObject Object(string json) => new(JsonNode.Parse(json)!.AsObject());

    private static UntypedObject DaemonSet(string name, string labels, string status, string selector = "{}") => Object(
        $$"""{"metadata":{"name":"{{name}}","namespace":"kube-system","generation":2},"spec":{"template":{"metadata":{"labels":{{labels}} },"spec":{"nodeSelector":{{selector}} } } },"status":{{status}} }""");

    private const string Running = """{"observedGeneration":2,"desiredNumberScheduled":3,"currentNumberScheduled":3}""";
    private const string Idle = """{"observedGeneration":2,"desiredNumberScheduled":0,"currentNumberScheduled":0}""";

    [Theory]
    [InlineData("kube-proxy", "{}", Running, "{}", true)]
    [InlineData("kube-proxy-ds", """{"k8s-app":"kube-proxy"}""", Running, "{}", true)]
    [InlineData("proxy", """{"component":"kube-proxy"}""", Running, "{}", true)]
    [InlineData("kube-proxy", "{}", Idle, "{}", false)] // somebody took it off the nodes by another label
    [InlineData("kube-proxy", "{}", "{}", "{}", true)] // nobody has started it yet
    [InlineData("kube-proxy", "{}", Idle, """{"portolan.dev/replaced":"true"}""", false)]
    [InlineData("kube-proxy", "{}", Running, """{"portolan.dev/replaced":"true"}""", true)] // still on its way out
    [InlineData("kube-proxy-windows", """{"k8s-app":"kube-proxy"}""", Running, """{"kubernetes.io/os":"windows"}""", false)]
    [InlineData("cilium", """{"k8s-app":"cilium"}""", Running, "{}", false)]
    public void KnowsARunningDaemonSet(string name, string labels, string status, string selector, bool runs)
    {
        var found = OtherProxies.Among([DaemonSet(name, labels, status, selector)], [], []);
        Assert.Equal(runs ? [name] : [], found.Select(proxy => proxy.DaemonSet!.Metadata.Name));
        Assert.All(found, proxy => Assert.StartsWith($"DaemonSet kube-system/{name} runs kube-proxy on", proxy.What, StringComparison.Ordinal));
    }

    [Fact]
    public void TellsStaticPodsFromThoseOfADaemonSet()
    {
        var owned = Object("""{"metadata":{"name":"kube-proxy-x7","namespace":"kube-system","ownerReferences":[{"kind":"DaemonSet"}]}}""");
        var over = Object("""{"metadata":{"name":"kube-proxy-old","namespace":"kube-system"},"status":{"phase":"Succeeded"}}""");
        Assert.Empty(OtherProxies.Among([], [owned, over], []));
        var alone = Object("""{"metadata":{"name":"kube-proxy-node1","namespace":"kube-system","annotations":{"kubernetes.io/config.mirror":"x"},"ownerReferences":[{"kind":"Node"}]}}""");
        var found = Assert.Single(OtherProxies.Among([], [owned, alone, alone], []));
        Assert.Equal("pod kube-system/kube-proxy-node1 runs kube-proxy, and 1 more like it, without a DaemonSet", found.What);
        Assert.Null(found.DaemonSet);
    }

    [Theory]
    [InlineData("""["server"]""", true)]
    [InlineData("""["server","--flannel-backend","none"]""", true)]
    [InlineData("""["server","--disable-kube-proxy"]""", false)]
    [InlineData("""["server","--disable-kube-proxy=true"]""", false)]
    public void KnowsTheOneInsideK3s(string arguments, bool runs)
    {
        var server = Node("server-1", arguments);
        var agent = Node("agent-1", """["agent"]""");
        var found = OtherProxies.Among([], [], [agent, server]);
        Assert.Equal(runs, found.Count == 1);
        Assert.All(found, proxy => Assert.Contains("--disable-kube-proxy", proxy.Advice, StringComparison.Ordinal));
        Assert.Empty(OtherProxies.Among([], [], [Object("""{"metadata":{"name":"node1"}}""")]));

        static UntypedObject Node(string name, string arguments) => new(new JsonObject
        {
            ["metadata"] = new JsonObject { ["name"] = name, ["annotations"] = new JsonObject { ["k3s.io/node-args"] = arguments } },
        });
    }
}
