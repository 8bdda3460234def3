using System.Text.Json.Nodes;

using Portolan.Kubernetes.Resources;
using Portolan.Lab.Workloads;
using Portolan.Lab.Workloads.Planning;

namespace Portolan.Lab.Tests.Workloads;

public sealed class SchedulePlanTests
{
    private readonly List<UntypedObject> _nodes = [Node("node1"), Node("node2"), Node("node3")];

    [Fact]
    public void PodsOfOneOwnerSpreadOverTheNodes()
    {
        var pods = new List<UntypedObject>();
        for (var i = 0; i < 6; i++)
        {
            var pod = Pod($"p{i}", owner: "web");
            pod.Json["spec"]!["nodeName"] = SchedulePlan.Of(pod, _nodes, pods).Node;
            pods.Add(pod);
        }
        Assert.All(pods.GroupBy(p => p.NodeName()), g => Assert.Equal(2, g.Count()));
    }

    [Fact]
    public void SaysWhyNoNodeWillDo_InTheWordsOfKubectl()
    {
        _nodes[0] = Node("node1", """{"taints":[{"key":"node.kubernetes.io/not-ready","effect":"NoSchedule"}]}""");
        _nodes[1] = Node("node2", """{"unschedulable":true}""");
        var pod = Pod("p", spec: """{"nodeSelector":{"kubernetes.io/hostname":"node2"}}""");
        Assert.Equal(
            new Placement(null, "0/3 nodes are available: 2 node(s) didn't match Pod's node affinity/selector, 1 node(s) were unschedulable."),
            SchedulePlan.Of(pod, _nodes, []));
    }

    [Fact]
    public void PodPinnedToANodeGoesThere()
    {
        var pod = Pod("p", spec: """{"affinity":{"nodeAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":{"nodeSelectorTerms":[{"matchFields":[{"key":"metadata.name","operator":"In","values":["node3"]}]}]}}}}""");
        Assert.Equal("node3", SchedulePlan.Of(pod, _nodes, []).Node);
    }

    [Fact]
    public void TwoPodsDoNotShareAPortOfTheHost()
    {
        const string spec = """{"hostNetwork":true,"containers":[{"ports":[{"containerPort":7946}]}]}""";
        var there = Pod("a", spec: spec);
        there.Json["spec"]!["nodeName"] = "node1";
        var placement = SchedulePlan.Of(Pod("b", spec: spec), [_nodes[0]], [there]);
        Assert.Contains("free ports", placement.Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void TaintKeepsPodsOff_UnlessTolerated()
    {
        var node = Node("node1", """{"taints":[{"key":"dedicated","value":"x","effect":"NoSchedule"}]}""");
        Assert.Null(SchedulePlan.Of(Pod("p"), [node], []).Node);
        Assert.Equal("node1", SchedulePlan.Of(Pod("p", spec: """{"tolerations":[{"key":"dedicated","operator":"Equal","value":"x"}]}"""), [node], []).Node);
        Assert.Equal("node1", SchedulePlan.Of(Pod("p", spec: """{"tolerations":[{"operator":"Exists"}]}"""), [node], []).Node);
    }

    [Fact]
    public void RangesOfNodesFollowTheirNumbers_AndNeverMeet()
    {
        Assert.Equal("10.233.66.0/24", PodRanges.For("node2", new HashSet<string>()));
        Assert.Equal("10.233.127.0/24", PodRanges.For("stranger", new HashSet<string>()));
        Assert.Equal("10.233.127.0/24", PodRanges.For("node2", new HashSet<string> { "10.233.66.0/24" }));
    }

    private static UntypedObject Node(string name, string spec = "{}") =>
        Object($$$"""{"metadata":{"name":"{{{name}}}","labels":{"kubernetes.io/hostname":"{{{name}}}"}},"spec":{{{spec}}}}""");

    private static UntypedObject Pod(string name, string? owner = null, string spec = "{}") =>
        Object($$$"""{"metadata":{"name":"{{{name}}}","namespace":"default","labels":{"app":"x"},"ownerReferences":{{{(owner is null ? "[]" : $$"""[{"uid":"{{owner}}","controller":true}]""")}}}},"spec":{{{spec}}}}""");

    private static UntypedObject Object(string json) => new((JsonObject)JsonNode.Parse(json)!);
}
