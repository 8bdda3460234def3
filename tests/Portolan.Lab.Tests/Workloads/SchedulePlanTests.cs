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

    [Fact]
    public void PodsThatAvoidEachOtherStandOnNodesOfTheirOwn()
    {
        const string spec = """{"affinity":{"podAntiAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[{"topologyKey":"kubernetes.io/hostname","labelSelector":{"matchLabels":{"app":"x"}}}]}}}""";
        Assert.Equal(["node1", "node2", "node3"], PlaceAll(3, spec).Order());
        Assert.Contains("3 node(s) didn't match pod anti-affinity rules", SchedulePlan.Of(Pod("p3", spec: spec), _nodes, _placed).Reason, StringComparison.Ordinal);
        // Who says nothing is kept away by those that do.
        Assert.Contains("existing pods anti-affinity", SchedulePlan.Of(Pod("p4"), _nodes, _placed).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void PodsThatBelongTogetherStandTogether_TheFirstWhereItLikes()
    {
        const string spec = """{"affinity":{"podAffinity":{"requiredDuringSchedulingIgnoredDuringExecution":[{"topologyKey":"kubernetes.io/hostname","labelSelector":{"matchLabels":{"app":"x"}}}]}}}""";
        Assert.Single(PlaceAll(4, spec).Distinct());
    }

    [Fact]
    public void SpreadKeepsZonesEven_AndSaysWhenItCannot()
    {
        const string spec = """{"topologySpreadConstraints":[{"maxSkew":1,"topologyKey":"topology.kubernetes.io/zone","whenUnsatisfiable":"DoNotSchedule","labelSelector":{"matchLabels":{"app":"x"}}}]}""";
        foreach (var (node, zone) in _nodes.Zip(["a", "a", "b"]))
            node.Json["metadata"]!["labels"]!["topology.kubernetes.io/zone"] = zone;
        var nodes = PlaceAll(4, spec);
        Assert.Equal(2, nodes.Count(n => n == "node3"));
        _nodes[2].Json["spec"]!["unschedulable"] = true;
        PlaceAll(1, spec);
        Assert.Contains("pod topology spread constraints", SchedulePlan.Of(Pod("p", spec: spec), _nodes, _placed).Reason, StringComparison.Ordinal);
    }

    [Fact]
    public void GoesWhereItWouldRatherBe()
    {
        const string spec = """{"affinity":{"nodeAffinity":{"preferredDuringSchedulingIgnoredDuringExecution":[{"weight":10,"preference":{"matchExpressions":[{"key":"kubernetes.io/hostname","operator":"In","values":["node2"]}]}}]}}}""";
        Assert.Equal(["node2", "node2"], PlaceAll(2, spec));
        _nodes[0] = Node("node1", """{"taints":[{"key":"old","effect":"PreferNoSchedule"}]}""");
        Assert.Equal("node3", SchedulePlan.Of(Pod("other"), _nodes, [.. _placed.Where(p => p.NodeName() == "node2")]).Node);
    }

    private readonly List<UntypedObject> _placed = [];

    private List<string?> PlaceAll(int count, string spec) => [.. Enumerable.Range(_placed.Count, count).Select(i =>
    {
        var pod = Pod($"p{i}", spec: spec);
        var node = SchedulePlan.Of(pod, _nodes, _placed).Node;
        pod.Json["spec"]!["nodeName"] = node;
        _placed.Add(pod);
        return node;
    })];

    private static UntypedObject Node(string name, string spec = "{}") =>
        Object($$$"""{"metadata":{"name":"{{{name}}}","labels":{"kubernetes.io/hostname":"{{{name}}}"}},"spec":{{{spec}}}}""");

    private static UntypedObject Pod(string name, string? owner = null, string spec = "{}") =>
        Object($$$"""{"metadata":{"name":"{{{name}}}","namespace":"default","labels":{"app":"x"},"ownerReferences":{{{(owner is null ? "[]" : $$"""[{"uid":"{{owner}}","controller":true}]""")}}}},"spec":{{{spec}}}}""");

    private static UntypedObject Object(string json) => new((JsonObject)JsonNode.Parse(json)!);
}
