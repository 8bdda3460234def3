using System.Text.Json.Nodes;

using CsCheck;

using Portolan.Kubernetes.Resources;
using Portolan.Lab.Workloads.Planning;

namespace Portolan.Lab.Tests.Workloads;

public sealed class HintPlanTests
{
    [Fact]
    public void AutoGivesEachZoneItsShareOfTheEndpoints()
    {
        // All six in one zone, three zones of equal size: two are given to each.
        var group = Group(("a", 6, true));
        HintPlan.Apply([group], TrafficPreference.Auto, Cpus(("a", 2), ("b", 2), ("c", 2)));
        Assert.Equal(["a 2", "b 2", "c 2"], group.Endpoints.GroupBy(Zone).OrderBy(g => g.Key).Select(g => $"{g.Key} {g.Count()}"));
    }

    [Fact]
    public void AutoLeavesEndpointsInTheirOwnZone_WhereThatIsFair()
    {
        var group = Group(("a", 2, true), ("b", 2, true));
        HintPlan.Apply([group], TrafficPreference.Auto, Cpus(("a", 4), ("b", 4)));
        Assert.All(group.Endpoints, e => Assert.Equal((string?)e["zone"], Zone(e)));
    }

    [Theory]
    [InlineData("one zone", "a:2", "a:3")]
    [InlineData("fewer endpoints than zones", "a:2 b:2 c:2", "a:1 b:1")]
    [InlineData("an overload of more than a fifth", "a:2 b:2 c:2", "a:2 b:1 c:1")]
    [InlineData("an endpoint in a zone without a Ready node", "a:2 b:2", "a:2 c:2")]
    public void AutoGivesNoHintsAtAll_For(string why, string zones, string endpoints)
    {
        var group = Group([.. Parse(endpoints).Select(z => (z.Zone, z.Count, true))]);
        HintPlan.Apply([group], TrafficPreference.Auto, Cpus([.. Parse(zones).Select(z => (z.Zone, (double)z.Count))]));
        Assert.All(group.Endpoints, e => Assert.False(e.ContainsKey("hints"), why));
    }

    [Fact]
    public void AutoGivesNoHints_WhenANodeHasNoZone()
    {
        var group = Group(("a", 2, true), ("b", 2, true));
        HintPlan.Apply([group], TrafficPreference.Auto, cpusByZone: null);
        Assert.All(group.Endpoints, e => Assert.False(e.ContainsKey("hints")));
    }

    [Fact]
    public void AutoNeverOverloadsAZoneNorLeavesOneEmpty() =>
        Gen.Select(Gen.Int[0, 12], Gen.Int[0, 12], Gen.Int[0, 12], Gen.Int[1, 4], Gen.Int[1, 4], Gen.Int[1, 4]).Sample((a, b, c, cpuA, cpuB, cpuC) =>
        {
            var group = Group(("a", a, true), ("b", b, true), ("c", c, true));
            var cpus = Cpus(("a", cpuA), ("b", cpuB), ("c", cpuC));
            HintPlan.Apply([group], TrafficPreference.Auto, cpus);
            if (!group.Endpoints.Any(e => e.ContainsKey("hints")))
                return;
            var share = group.Endpoints.GroupBy(Zone).ToDictionary(g => g.Key!, g => g.Count());
            foreach (var (zone, cpu) in cpus)
            {
                var desired = cpu / cpus.Values.Sum() * group.Endpoints.Count;
                Assert.True(share.GetValueOrDefault(zone) >= 1, $"{zone} has none of {group.Endpoints.Count}");
                Assert.True(Math.Abs(share[zone] - desired) < 2, $"{zone} has {share[zone]} for {desired}");
            }
        });

    [Fact]
    public void SameZoneHintsReadyEndpointsAtTheirOwnZone()
    {
        var group = Group(("a", 1, true), ("b", 1, false), (null, 1, true));
        HintPlan.Apply([group], TrafficPreference.SameZone, null);
        Assert.Equal(["a", null, null], group.Endpoints.Select(Zone));
    }

    [Fact]
    public void SameNodeHintsTheNode_AndTheZoneBehindIt()
    {
        var group = Group(("a", 1, true));
        HintPlan.Apply([group], TrafficPreference.SameNode, null);
        Assert.Equal("""{"forZones":[{"name":"a"}],"forNodes":[{"name":"node-a"}]}""", group.Endpoints[0]["hints"]!.ToJsonString());
    }

    [Theory]
    [InlineData("{}", "{}", TrafficPreference.None)]
    [InlineData("""{"service.kubernetes.io/topology-mode":"Auto"}""", """{"trafficDistribution":"PreferClose"}""", TrafficPreference.Auto)]
    [InlineData("""{"service.kubernetes.io/topology-mode":"Disabled"}""", """{"trafficDistribution":"PreferClose"}""", TrafficPreference.SameZone)]
    [InlineData("{}", """{"trafficDistribution":"PreferSameNode"}""", TrafficPreference.SameNode)]
    internal void ReadsWhatAServiceAsksFor(string annotations, string spec, TrafficPreference expected) =>
        Assert.Equal(expected, TrafficPreferences.Of(new UntypedObject((JsonObject)JsonNode.Parse($$$"""{"metadata":{"annotations":{{{annotations}}}},"spec":{{{spec}}}}""")!)));

    private static IEnumerable<(string Zone, int Count)> Parse(string text) => text.Split(' ').Select(z => (z[..1], int.Parse(z[2..])));

    private static string? Zone(JsonObject endpoint) => (string?)endpoint["hints"]?["forZones"]?[0]?["name"];

    private static Dictionary<string, double> Cpus(params (string Zone, double Cpus)[] zones) => zones.ToDictionary(z => z.Zone, z => z.Cpus);

    private static EndpointGroup Group(params (string? Zone, int Count, bool Ready)[] zones) => new([], [.. zones.SelectMany(z => Enumerable.Range(0, z.Count).Select(i =>
    {
        var endpoint = new JsonObject { ["addresses"] = new JsonArray($"10.0.0.{i}"), ["conditions"] = new JsonObject { ["ready"] = z.Ready }, ["nodeName"] = $"node-{z.Zone}" };
        if (z.Zone is not null)
            endpoint["zone"] = z.Zone;
        return endpoint;
    }))]);
}
