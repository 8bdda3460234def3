using System.Text.Json.Nodes;

using CsCheck;

using Portolan.Kubernetes.Resources;
using Portolan.Lab.Workloads.Planning;

namespace Portolan.Lab.Tests.Workloads;

public sealed class EndpointPlanTests
{
    private static readonly UntypedObject s_service = Object("""{"metadata":{"name":"web","namespace":"default"},"spec":{"ports":[{"name":"http","port":80,"protocol":"TCP","targetPort":"web"}]}}""");

    [Fact]
    public void TellsReadyServingAndTerminatingApart()
    {
        var groups = Groups(s_service, [Pod("a", ready: true), Pod("b", ready: false), Pod("c", ready: true, deleting: true), Pod("d", ready: true, ip: ""), Pod("e", ready: true, phase: "Succeeded")]);
        Assert.Equal(["a true true false", "b false false false", "c false true true"],
            groups.Single().Endpoints.Select(e => $"{e["targetRef"]!["name"]} {e["conditions"]!["ready"]} {e["conditions"]!["serving"]} {e["conditions"]!["terminating"]}"));
        Assert.Equal("""[{"name":"http","port":8080,"protocol":"TCP"}]""", groups.Single().Ports.ToJsonString());
    }

    [Fact]
    public void PodsThatGiveOneNameToDifferentPortsAreInDifferentSlices()
    {
        var groups = Groups(s_service, [Pod("a", true, port: 8080), Pod("b", true, port: 9090), Pod("c", true, port: 8080)]);
        Assert.Equal([8080, 9090], groups.Select(g => (int)g.Ports[0]!["port"]!));
        Assert.Equal([2, 1], groups.Select(g => g.Endpoints.Count));
    }

    [Fact]
    public void ServiceWithoutPodsHasOneEmptySlice()
    {
        var decision = SlicePlan.Of(Groups(s_service, []), []);
        Assert.Null(Assert.Single(decision.Write).Name);
        Assert.Empty(decision.Write[0].Endpoints);
    }

    [Fact]
    public void WritesNothing_WhenTheServerHasThemAlready() =>
        Gen.Int[0, 250].Sample(count =>
        {
            var groups = Groups(s_service, Enumerable.Range(0, count).Select(i => Pod($"p{i}", true)));
            var written = Apply([], SlicePlan.Of(groups, []));
            Assert.Equal(count, written.Sum(s => s.Endpoints.Count));
            Assert.All(written, s => Assert.True(s.Endpoints.Count <= SlicePlan.MostPerSlice));
            // As the server gives them back: parsed anew.
            var read = written.Select(s => new SliceFacts(s.Name, (JsonArray)JsonNode.Parse(s.Ports.ToJsonString())!, [.. s.Endpoints.Select(e => (JsonObject)JsonNode.Parse(e.ToJsonString())!)])).ToList();
            var again = SlicePlan.Of(groups, read);
            Assert.Empty(again.Write);
            Assert.Empty(again.Delete);
        }, iter: 20);

    [Fact]
    public void AnyHistoryEndsWithExactlyThePodsThatAre_EachOnce() =>
        Gen.Int[0, 2].Array[160].List[1, 4].Sample(history =>
        {
            IReadOnlyList<SliceFacts> slices = [];
            foreach (var states in history)
            {
                var pods = states.Select((state, i) => (state, i)).Where(p => p.state > 0).Select(p => Pod($"p{p.i}", ready: p.state == 1)).ToList();
                slices = Apply(slices, SlicePlan.Of(Groups(s_service, pods), slices));
                Assert.Equal(pods.Select(p => p.Metadata.Name).Order(), slices.SelectMany(s => s.Endpoints).Select(e => (string)e["targetRef"]!["name"]!).Order());
                Assert.NotEmpty(slices);
            }
        }, iter: 20);

    [Fact]
    public void PodOfTwoFamiliesIsAnEndpointOfEach()
    {
        var pod = Pod("a", true);
        pod.Json["status"]!["podIPs"] = JsonNode.Parse("""[{"ip":"10.233.65.7"},{"ip":"fd00:10:233::7"}]""");
        Assert.Equal("fd00:10:233::7", (string)EndpointPlan.Groups(s_service, [pod], AddressFamily.IPv6, _ => null).Single().Endpoints[0]["addresses"]![0]!);
        Assert.Equal("10.233.65.7", (string)Groups(s_service, [pod]).Single().Endpoints[0]["addresses"]![0]!);
        Assert.Empty(EndpointPlan.Groups(s_service, [Pod("b", true)], AddressFamily.IPv6, _ => null));
    }

    [Fact]
    public void SaysWhichZoneAnEndpointIsIn() =>
        Assert.Equal("z1", (string?)EndpointPlan.Groups(s_service, [Pod("a", true)], AddressFamily.IPv4, node => node == "node1" ? "z1" : null).Single().Endpoints[0]["zone"]);

    [Theory]
    [InlineData("""{"clusterIP":"fd00::1"}""", "IPv6")]
    [InlineData("""{"clusterIP":"None"}""", "IPv4")]
    [InlineData("""{"clusterIP":"10.233.0.9","ipFamilies":["IPv4","IPv6"]}""", "IPv4 IPv6")]
    [InlineData("""{"clusterIP":"fd00::1","ipFamilies":["IPv6","IPv4"]}""", "IPv6 IPv4")]
    public void FamiliesOfAService_ThePrimaryOneFirst(string spec, string expected) =>
        Assert.Equal(expected, string.Join(' ', AddressFamilies.OfService(Object($$"""{"spec":{{spec}}}"""))));

    [Fact]
    public void PodThatIsNotReadyIsPublished_WhenTheServiceSaysSo()
    {
        var service = Object("""{"metadata":{"name":"web","namespace":"default"},"spec":{"publishNotReadyAddresses":true,"ports":[{"port":80}]}}""");
        var conditions = Groups(service, [Pod("a", ready: false, deleting: true)]).Single().Endpoints[0]["conditions"]!;
        Assert.Equal("true false true", $"{conditions["ready"]} {conditions["serving"]} {conditions["terminating"]}");
    }

    private static IReadOnlyList<EndpointGroup> Groups(UntypedObject service, IEnumerable<UntypedObject> pods) => EndpointPlan.Groups(service, pods, AddressFamily.IPv4, _ => null);

    private static List<SliceFacts> Apply(IReadOnlyList<SliceFacts> slices, SliceDecision decision)
    {
        var left = slices.Where(s => !decision.Delete.Contains(s.Name)).ToDictionary(s => s.Name!);
        foreach (var slice in decision.Write)
        {
            var name = slice.Name ?? $"web-{Guid.NewGuid():N}";
            left[name] = slice with { Name = name };
        }
        return [.. left.Values];
    }

    private static UntypedObject Pod(string name, bool ready, bool deleting = false, string ip = "10.233.65.7", string phase = "Running", int port = 8080)
    {
        var pod = Object($$$"""
            {"metadata":{"name":"{{{name}}}","namespace":"default","uid":"{{{name}}}"},
             "spec":{"nodeName":"node1","containers":[{"name":"c","ports":[{"name":"web","containerPort":{{{port}}}}]}]},
             "status":{"phase":"{{{phase}}}","podIP":"{{{ip}}}","conditions":[{"type":"Ready","status":"{{{(ready ? "True" : "False")}}}"}]}}
            """);
        if (deleting)
            pod.Json["metadata"]!["deletionTimestamp"] = "2030-01-01T00:00:00Z";
        return pod;
    }

    private static UntypedObject Object(string json) => new((JsonObject)JsonNode.Parse(json)!);
}
