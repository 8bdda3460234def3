using CsCheck;

using Portolan.Lab.Hollow;

namespace Portolan.Lab.Tests.Hollow;

public sealed class HollowPlanTests
{
    private static readonly Gen<HollowSize> s_sizes =
        Gen.Select(Gen.Int[1, 20], Gen.Int[0, 40], Gen.Int[1, 5], Gen.OneOf(Gen.Const("ClusterIP"), Gen.Const("LoadBalancer")), (nodes, services, endpoints, type) => new HollowSize(nodes, services, endpoints, type));

    /// <summary>From any size to any other: what is there afterwards is exactly what was asked for, and a second time there is nothing to do.</summary>
    [Fact]
    public void LeadsFromAnySizeToAnyOther() => Gen.Select(s_sizes, s_sizes).Sample((from, to) =>
    {
        var (nodes, services) = Carry(new(StringComparer.Ordinal), new(StringComparer.Ordinal), from);
        (nodes, services) = Carry(nodes, services, to);
        Assert.Equal(Enumerable.Range(1, to.Nodes).Select(HollowCluster.NodeName).ToHashSet(), nodes);
        Assert.Equal(Enumerable.Range(1, to.Services).ToDictionary(HollowCluster.ServiceName, _ => to.Form), services);
        var again = HollowPlan.For(to, nodes, services);
        Assert.True(again is { AddNodes.Count: 0, RemoveNodes.Count: 0, AddServices.Count: 0, RemoveServices.Count: 0 });
    });

    [Fact]
    public void TouchesNoServiceThatIsRight_WhenMoreAreAskedFor()
    {
        var size = new HollowSize(2, 3, 3, "ClusterIP");
        var services = new Dictionary<string, string> { ["service-1"] = size.Form, ["service-2"] = "something else" };
        var plan = HollowPlan.For(size, new HashSet<string> { "hollow-1", "hollow-2" }, services);
        Assert.Equal([2, 3], plan.AddServices);
        Assert.Equal(["service-2"], plan.RemoveServices);
    }

    /// <summary>At full size: no two Services share an endpoint, no Service has one twice, and each endpoint is in its node's own range.</summary>
    [Fact]
    public void GivesEveryEndpointAPlaceOfItsOwn()
    {
        const int services = 10_000, endpoints = 3, nodes = 500;
        var seen = new HashSet<(string, int)>();
        for (var service = 1; service <= services; service++)
        {
            for (var index = 0; index < endpoints; index++)
            {
                var (address, node) = HollowCluster.Endpoint(service, index, endpoints, nodes);
                Assert.True(seen.Add((address.ToString(), HollowCluster.Port(service))));
                var number = int.Parse(node["hollow-".Length..]);
                Assert.True(System.Net.IPNetwork.Parse(HollowCluster.PodRange(number)).Contains(address));
            }
        }
        Assert.Equal(services * endpoints, seen.Count);
    }

    [Fact]
    public void KeepsAServicesEndpointsApart_WhereNodesAreFew()
    {
        var places = Enumerable.Range(0, HollowCluster.MaximumEndpoints).Select(i => HollowCluster.Endpoint(7, i, HollowCluster.MaximumEndpoints, 1).Address).ToList();
        Assert.Equal(places.Count, places.Distinct().Count());
    }

    private static (HashSet<string> Nodes, Dictionary<string, string> Services) Carry(HashSet<string> nodes, Dictionary<string, string> services, HollowSize size)
    {
        var plan = HollowPlan.For(size, nodes, services);
        nodes = [.. nodes.Except(plan.RemoveNodes), .. plan.AddNodes.Select(HollowCluster.NodeName)];
        services = services.Where(s => !plan.RemoveServices.Contains(s.Key)).Concat(plan.AddServices.Select(n => KeyValuePair.Create(HollowCluster.ServiceName(n), size.Form))).ToDictionary();
        return (nodes, services);
    }
}
