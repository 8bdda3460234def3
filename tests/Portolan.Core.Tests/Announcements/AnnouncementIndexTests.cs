using CsCheck;
using Portolan.Core.Addresses;
using Portolan.Core.Announcements;
using Portolan.Core.Cluster;

namespace Portolan.Core.Tests.Announcements;

public sealed class AnnouncementIndexTests
{
    private sealed record Step(string Name, Func<AnnouncementIndex, IReadOnlyList<ObjectKey>> Apply, ServiceFacts? Service = null, EndpointSliceFacts? Slice = null);

    private static readonly PoolSet[] Pools =
    [
        Given.Context.Pools,
        Given.Pools(("lan", "192.168.100.240-192.168.100.241"), ("other", "192.168.100.242-192.168.100.249")),
        PoolSet.Empty,
    ];

    private static readonly IReadOnlyList<Layer2Advertisement>[] Advertisements =
    [
        Given.Context.Advertisements,
        [],
        [
            new Layer2Advertisement { Name = "odd", NodeSelectors = [Given.Label("rack", "odd")], Interfaces = ["eth1"] },
            new Layer2Advertisement { Name = "rest", IPAddressPools = ["lan"], Interfaces = ["eth0"], PreferredNodeSelectors = [new NodePreference(5, Given.Label("rack", "even"))] },
        ],
    ];

    private static readonly IReadOnlyList<AnnouncementPolicy>[] Policies =
    [
        [],
        [new AnnouncementPolicy { Name = "p", Placement = Placement.Bounded }],
        [new AnnouncementPolicy { Name = "p", AnnounceFrom = AnnounceFrom.All, RequireMajority = true }],
        [new AnnouncementPolicy { Name = "p", IPAddressPools = ["lan"], Placement = Placement.Bounded, OnConflict = ConflictPolicy.Yield }, new AnnouncementPolicy { Name = "q", RequireMajority = true }],
        [new AnnouncementPolicy { Name = "p", PreferredNodeSelectors = [new NodePreference(1, Given.Label("rack", "odd"))], OnConflict = ConflictPolicy.Refuse }],
    ];

    // Mostly announced ones.
    private static readonly Gen<ServiceFacts> Services = Gen.Select(Gen.Int[1, 6], Gen.Int[0, 12].Select(address => address > 4 ? 1 + (address % 4) : address), Gen.Bool, Gen.Int[0, 2], (name, address, local, age) =>
        Given.Service(address == 0 ? [] : address == 4 ? ["192.168.100.241", "192.168.100.240"] : [$"192.168.100.{239 + address}"]) with
        {
            Key = new ObjectKey("default", $"web{name}"),
            ExternalTrafficPolicy = local ? TrafficPolicy.Local : TrafficPolicy.Cluster,
            CreatedAt = age,
        });

    private static readonly Gen<EndpointSliceFacts> Slices = Gen.Select(Gen.Int[1, 7], Gen.Int[1, 6], Gen.Int[1, 5].Array[1, 3], Gen.Int[0, 9], (slice, service, nodes, ready) =>
        new EndpointSliceFacts
        {
            Key = new ObjectKey("default", $"slice{slice}"),
            Service = new ObjectKey("default", $"web{service}"),
            Endpoints = [.. nodes.Select(node => Given.Endpoint($"node{node}", ready > 0, ready > 0))],
        });

    private static readonly Gen<NodeReport> Reports = Gen.Select(
        Gen.Frequency((5, Gen.Const(NodeConditions.None)), (1, Gen.Int[1, 31].Select(bits => (NodeConditions)bits))),
        Gen.Int[1, 6].Array[0, 2],
        Gen.Int[0, 3],
        Gen.Int[0, 2],
        Gen.Long[-3, 3],
        (conditions, unprogrammed, held, yielded, standing) => new NodeReport
        {
            Conditions = conditions,
            Unprogrammed = unprogrammed.Select(name => ServiceDigest.Of(new ObjectKey("default", $"web{name}"))).ToHashSet(),
            HeldBack = held == 0 ? new HashSet<string> { "p" } : new HashSet<string>(),
            Yielded = yielded == 0 ? new HashSet<IpAddress> { IpAddress.Parse("192.168.100.240") } : new HashSet<IpAddress>(),
            Standing = standing,
        });

    // Most changes of the context change one thing.
    private static readonly Gen<Step> Contexts = Gen.OneOf(
        Gen.Int[1, 5].Array[2, 8].Select(living => Context("living", context => context with { LivingSpeakers = living.Select(node => $"node{node}").ToHashSet() })),
        Gen.Const(Context("all live", context => context with { LivingSpeakers = Enumerable.Range(1, 5).Select(node => $"node{node}").ToHashSet() })),
        Gen.Select(Gen.Shuffle(new[] { 1, 2, 3, 4, 5 }), Gen.Int[0, 12].Select(count => Math.Min(count, 5)), Gen.Bool).Select((order, count, down) => Context("nodes", context => context with
        {
            Nodes = [.. order.Take(count).Select(node => Given.Node($"node{node}", ("rack", node % 2 == 1 ? "odd" : "even")) with { NetworkUnavailable = down && node == 3 })],
        })),
        Gen.Select(Gen.Int[1, 5], Reports).Select((node, report) => Context("report", context => context with
        {
            Reports = new Dictionary<string, NodeReport>(context.Reports) { [$"node{node}"] = report },
        })),
        Gen.Const(Context("well", context => context with { Reports = new Dictionary<string, NodeReport>() })),
        Gen.Int[0, Policies.Length - 1].Select(i => Context("policies", context => context with { Policies = Policies[i] })),
        Gen.Frequency((3, Gen.Const(0)), (3, Gen.Const(2)), (1, Gen.Const(1))).Select(i => Context("advertisements", context => context with { Advertisements = Advertisements[i] })),
        Gen.Frequency((3, Gen.Const(0)), (3, Gen.Const(1)), (1, Gen.Const(2))).Select(i => Context("pools", context => context with { Pools = Pools[i] })));

    private static readonly Gen<Step> Steps = Gen.Frequency(
        (4, Services.Select(service => new Step($"set {service.Key}", index => index.Set(service), Service: service))),
        (1, Gen.Int[1, 6].Select(name => new Step($"remove web{name}", index => index.RemoveService(new ObjectKey("default", $"web{name}"))))),
        (3, Slices.Select(slice => new Step($"set {slice.Key} of {slice.Service}", index => index.Set(slice), Slice: slice))),
        (1, Gen.Int[1, 7].Select(name => new Step($"remove slice{name}", index => index.RemoveSlice(new ObjectKey("default", $"slice{name}"))))),
        (2, Gen.Const(new Step("settle", index => index.Settle()))),
        (8, Contexts));

    // Five nodes that live, and six announced Services, two of which share an address.
    private static readonly Step[] Beginning =
    [
        Context("beginning", context => Given.Context with
        {
            Nodes = [.. Enumerable.Range(1, 5).Select(node => Given.Node($"node{node}", ("rack", node % 2 == 1 ? "odd" : "even")))],
            LivingSpeakers = Enumerable.Range(1, 5).Select(node => $"node{node}").ToHashSet(),
        }),
        .. Enumerable.Range(1, 6).Select(name => new EndpointSliceFacts { Key = new ObjectKey("default", $"slice{name}"), Service = new ObjectKey("default", $"web{name}"), Endpoints = [Given.Endpoint("node1"), Given.Endpoint("node4")] })
            .Select(slice => new Step("begin", index => index.Set(slice), Slice: slice)),
        .. Enumerable.Range(1, 6).Select(name => Given.Service($"192.168.100.{239 + Math.Min(name, 5)}") with { Key = new ObjectKey("default", $"web{name}"), CreatedAt = name })
            .Select(service => new Step("begin", index => index.Set(service), Service: service)),
    ];

    [Fact]
    public void HoldsThePlansOfAFreshIndex_WhateverTheHistory() =>
        Gen.Select(Gen.Int[0, Policies.Length - 1], Steps.Array[0, 60], (i, steps) => Beginning.Append(Context("policies", context => context with { Policies = Policies[i] })).Concat(steps).ToArray()).Sample(steps =>
        {
            var incremental = new AnnouncementIndex();
            foreach (var step in steps)
            {
                var before = incremental.Plans.ToDictionary(entry => entry.Key, entry => entry.Value);
                var changed = step.Apply(incremental);
                var keys = before.Keys.Union(incremental.Plans.Keys).Where(key => !Equals(before.GetValueOrDefault(key), incremental.Plans.GetValueOrDefault(key)));
                Assert.Equal(keys.Order(), changed.Order());
            }

            incremental.Settle();
            var (services, slices) = Left(steps);
            var fresh = new AnnouncementIndex();
            fresh.Set(incremental.Context with { Nodes = [.. incremental.Context.Nodes.Reverse()] });
            foreach (var slice in slices)
                fresh.Set(slice);
            foreach (var service in services)
                fresh.Set(service);
            fresh.Settle();
            Assert.Equal(fresh.Plans.Values.Select(Said).Order(), incremental.Plans.Values.Select(Said).Order());
            Assert.Equal(fresh.Plans.Values.OrderBy(plan => plan.Service), incremental.Plans.Values.OrderBy(plan => plan.Service));
            foreach (var service in services)
            {
                var plan = incremental.Plans[service.Key];
                var sharers = services.Where(other => other.Key != service.Key && service.Ingress.Count > 0 && other.Ingress.Count > 0 && other.Ingress[0].Address == service.Ingress[0].Address);
                var plain = AnnouncementPlan.For(
                    service,
                    [.. slices.Where(slice => slice.Service == service.Key)],
                    incremental.Context,
                    [.. sharers.Select(other => other.Key)],
                    plan.Policy.Placement is Placement.Bounded ? plan.Election.Winner : null);
                Assert.Equal(plain, plan);
                Assert.Equal(plain.Election.Verdicts, plan.Election.Verdicts);
                Assert.Equal(plain.Election.Verdicts, fresh.Plans[service.Key].Election.Verdicts);
                Assert.All(Enumerable.Range(1, 5), node => Assert.Equal(plain.On($"node{node}"), plan.On($"node{node}")));
                Assert.All(Enumerable.Range(1, 5), node => Assert.Equal(plain.InterfacesOn($"node{node}"), plan.InterfacesOn($"node{node}")));
            }
        }, iter: 1000, threads: 1);

    [Fact]
    public void ReportsOnlyWhatChanged()
    {
        var index = new AnnouncementIndex();
        Assert.Empty(index.Set(Given.Context));
        Assert.Equal([Given.Web], index.Set(Given.Service("192.168.100.240")));
        Assert.Equal([Given.Web], index.Set(Given.Slice(Given.Endpoint("node1"))));
        Assert.Empty(index.Set(Given.Slice(Given.Endpoint("node2")))); // the endpoint moved, the announcement did not
        Assert.Empty(index.Set(Given.Service("192.168.100.240") with { Labels = new Dictionary<string, string> { ["new"] = "label" } }));
        Assert.Equal([Given.Web], index.RemoveService(Given.Web));
        Assert.Empty(index.Plans);
    }

    [Fact]
    public void AllocatesNothingForServicesThatAChangeOfTheContextLeavesAlone()
    {
        var few = Allocated(services: 10);
        var many = Allocated(services: 1000);
        Assert.InRange(many - few, 0, 1000); // less than a byte for each of 990 Services
    }

    private static long Allocated(int services)
    {
        var index = new AnnouncementIndex();
        index.Set(Given.Context with { Pools = Given.Pools(("lan", "10.0.0.0/16")) });
        for (var i = 0; i < services; i++)
        {
            var service = Given.Service($"10.0.{i / 256}.{i % 256}") with { Key = new ObjectKey("default", $"web{i}") };
            index.Set(service);
            index.Set(Given.Slice(Given.Endpoint("node1")) with { Key = service.Key, Service = service.Key });
        }

        var drained = index.Context with { Reports = new Dictionary<string, NodeReport> { ["gone"] = new() { Conditions = NodeConditions.Draining } } };
        var dead = index.Context with { LivingSpeakers = new HashSet<string> { "node1", "node2", "node3", "gone" } };
        Assert.Empty(index.Set(drained));
        Assert.Empty(index.Set(dead));
        var before = GC.GetAllocatedBytesForCurrentThread();
        Assert.Empty(index.Set(drained));
        Assert.Empty(index.Set(dead));
        return GC.GetAllocatedBytesForCurrentThread() - before;
    }

    private static string Said(AnnouncementPlan plan) =>
        $"{plan.Service} {string.Join(',', plan.Addresses)} {plan.Reason} {plan.Election.Winner} of {string.Join(',', plan.Answering.Select(node => node.Node))} on {string.Join(',', plan.Interfaces)} by {plan.Policy.Name} {plan.Policy.Placement}";

    private static Step Context(string name, Func<AnnouncementContext, AnnouncementContext> change) => new(name, index => index.Set(change(index.Context)));

    // What the steps left, told from the steps alone.
    private static (List<ServiceFacts> Services, List<EndpointSliceFacts> Slices) Left(Step[] steps)
    {
        var services = new Dictionary<string, ServiceFacts>();
        var slices = new Dictionary<string, EndpointSliceFacts>();
        foreach (var step in steps)
        {
            if (step.Service is { } service)
                services[service.Key.Name] = service;
            else if (step.Slice is { } slice)
                slices[slice.Key.Name] = slice;
            else if (step.Name.StartsWith("remove ", StringComparison.Ordinal))
                _ = services.Remove(step.Name["remove ".Length..]) || slices.Remove(step.Name["remove ".Length..]);
        }

        return ([.. services.Values.OrderByDescending(service => service.Key)], [.. slices.Values.OrderBy(slice => slice.Key)]);
    }
}
