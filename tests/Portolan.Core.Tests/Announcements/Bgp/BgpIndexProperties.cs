using CsCheck;
using Portolan.Core.Addresses;
using Portolan.Core.Announcements;
using Portolan.Core.Announcements.Bgp;
using Portolan.Core.Cluster;
using Portolan.Core.Configuration;

namespace Portolan.Core.Tests.Announcements.Bgp;

/// <summary>Random histories: whatever came before, plans and routes are what the last state alone gives, and the changes that were told lead there.</summary>
public sealed class BgpIndexProperties
{
    private sealed record Step(string Name, Func<BgpIndex, BgpChanges> Apply, ServiceFacts? Service = null, EndpointSliceFacts? Slice = null);

    private static readonly PoolSet[] Pools =
    [
        GivenBgp.Context.Pools,
        Given.Pools(("lan", "192.168.100.0-192.168.100.3"), ("rest", "192.168.100.4-192.168.100.255")),
        PoolSet.Empty,
    ];

    private static readonly IReadOnlyList<BgpAdvertisement>[] Advertisements =
    [
        [GivenBgp.Advertisement("all")],
        [GivenBgp.Advertisement("all", spec => spec with { Communities = ["64512:9"] })],
        [GivenBgp.Advertisement("block", spec => spec with { AggregationLength = 30, LocalPref = 5 }), GivenBgp.Advertisement("hosts", spec => spec with { Peers = ["tor1", "tor3"], Communities = ["no-export"] })],
        [
            GivenBgp.Advertisement("all", spec => spec with { NodeSelectors = [Given.Label("rack", "a")] }),
            GivenBgp.Advertisement("odd", spec => spec with { ServiceSelectors = [Given.Label("odd", "true")], LocalPref = 100, Peers = ["tor2"] }),
        ],
        [GivenBgp.Advertisement("lan", spec => spec with { IPAddressPools = ["lan"], AggregationLength = 24 }), GivenBgp.Advertisement("six", spec => spec with { IPAddressPools = ["six"], AggregationLengthV6 = 126, Peers = ["spine"] })],
        [],
    ];

    private static readonly IReadOnlyList<BgpPeer>[] Peers =
    [
        [GivenBgp.Peer("tor1"), GivenBgp.Peer("tor2")],
        [GivenBgp.Peer("tor3"), GivenBgp.Peer("tor2"), GivenBgp.Peer("tor1"), GivenBgp.Peer("tor4")],
        [GivenBgp.Peer("tor1", Given.Label("rack", "a")), GivenBgp.Peer("spine", Given.Label("rack", "b")), GivenBgp.Peer("tor2")],
        [],
    ];

    private static readonly IReadOnlyList<BgpPolicy>[] Policies =
    [
        [],
        [GivenBgp.Policy("p") with { Med = 7, LinkBandwidthPerEndpoint = 100 }],
        [GivenBgp.Policy("p", "tor1") with { Prepend = 2 }, GivenBgp.Policy("q", "tor2") with { LinkBandwidthPerEndpoint = 10 }],
        [GivenBgp.Policy("p", "tor2", "tor3") with { Med = 7, NodeSelectors = [Given.Label("rack", "b")] }],
    ];

    private static readonly NodeFacts?[] Nodes =
    [
        Given.Node("node1", ("rack", "a")),
        Given.Node("node1", ("rack", "b")),
        Given.Node("node1", ("rack", "a")) with { NetworkUnavailable = true },
        Given.Node("node1", ("rack", "a"), (Election.ExcludeLabel, "")),
        Given.Node("node2", ("rack", "a")),
        null,
    ];

    private static readonly Gen<string> Address = Gen.Frequency((9, Gen.Int[0, 7].Select(i => $"192.168.100.{i}")), (2, Gen.Int[1, 3].Select(i => $"fd00::{i}")), (1, Gen.Const("10.9.0.1")));

    private static readonly Gen<ServiceFacts> Services = Gen.Select(Gen.Int[1, 6], Address.Array[0, 2], Gen.Bool, Gen.Bool, Gen.Int[0, 9], (name, addresses, local, odd, asked) =>
        Given.Service([.. addresses.Distinct()]) with
        {
            Key = new ObjectKey("default", $"web{name}"),
            ExternalTrafficPolicy = local ? TrafficPolicy.Local : TrafficPolicy.Cluster,
            Labels = new Dictionary<string, string> { ["odd"] = odd ? "true" : "false" },
            Annotations = asked > 3 ? new Dictionary<string, string>() : new Dictionary<string, string> { ["portolan.dev/bgp-communities"] = $"64512:{asked},named" },
        });

    private static readonly Gen<EndpointSliceFacts> Slices = Gen.Select(Gen.Int[1, 7], Gen.Int[1, 6], Gen.Select(Gen.Int[1, 2], Gen.Int[0, 3], Gen.Int[0, 4]).Array[0, 4], (slice, service, endpoints) =>
        new EndpointSliceFacts
        {
            Key = new ObjectKey("default", $"slice{slice}"),
            Service = new ObjectKey("default", $"web{service}"),
            Endpoints = [.. endpoints.Select(end => Given.Endpoint($"node{end.Item1}", end.Item3 > 0, end.Item3 > 0) with { Address = IpAddress.Parse($"10.233.64.{end.Item2}") })],
        });

    private static readonly Gen<Step> Contexts = Gen.OneOf(
        Often(Pools.Length).Select(i => Context("pools", context => context with { Pools = Pools[i] })),
        Gen.Int[0, Advertisements.Length - 1].Select(i => Context("advertisements", context => context with { Advertisements = Advertisements[i] })),
        Often(Peers.Length).Select(i => Context("peers", context => context with { Peers = Peers[i] })),
        Gen.Int[0, Policies.Length - 1].Select(i => Context("policies", context => context with { Policies = Policies[i] })),
        Often(Nodes.Length).Select(i => Context("node", context => context with { Node = Nodes[i] })),
        Gen.Bool.Select(ignored => Context("label", context => context with { IgnoreExcludeLabel = ignored })),
        Gen.UInt[1, 2].Select(value => Context("aliases", context => context with { Aliases = new Dictionary<string, BgpCommunity> { ["named"] = new(false, 1, value, 0) } })));

    private static readonly Gen<Step> Steps = Gen.Frequency(
        (6, Services.Select(service => new Step($"set {service.Key}", index => index.Set(service), Service: service))),
        (1, Gen.Int[1, 6].Select(name => new Step($"remove web{name}", index => index.RemoveService(new ObjectKey("default", $"web{name}"))))),
        (4, Slices.Select(slice => new Step($"set {slice.Key} of {slice.Service}", index => index.Set(slice), Slice: slice))),
        (1, Gen.Int[1, 7].Select(name => new Step($"remove slice{name}", index => index.RemoveSlice(new ObjectKey("default", $"slice{name}"))))),
        (4, Contexts));

    private static readonly Step[] Beginning =
    [
        Context("beginning", _ => GivenBgp.Context),
        .. Enumerable.Range(1, 6).Select(name => new EndpointSliceFacts { Key = new ObjectKey("default", $"slice{name}"), Service = new ObjectKey("default", $"web{name}"), Endpoints = [Given.Endpoint("node1")] })
            .Select(slice => new Step("begin", index => index.Set(slice), Slice: slice)),
        .. Enumerable.Range(1, 6).Select(name => Given.Service($"192.168.100.{name / 2}") with { Key = new ObjectKey("default", $"web{name}") })
            .Select(service => new Step("begin", index => index.Set(service), Service: service)),
    ];

    [Fact]
    public void HoldsWhatAFreshIndexHolds_AndTellsHowToGetThere_WhateverTheHistory() =>
        Steps.Array[0, 60].Sample(
            steps =>
            {
                var index = new BgpIndex();
                var mirror = new Mirror();
                foreach (var step in Beginning.Concat(steps))
                    mirror.Follow(index, step);

                var (services, slices) = Left([.. Beginning, .. steps]);
                var fresh = new BgpIndex();
                foreach (var service in services)
                    fresh.Set(service);
                fresh.Set(index.Context with { Peers = [.. index.Context.Peers.Reverse()], Advertisements = [.. index.Context.Advertisements.Reverse()] });
                foreach (var slice in slices)
                    fresh.Set(slice);
                Assert.Equal(fresh.Plans.Values.OrderBy(plan => plan.Service), index.Plans.Values.OrderBy(plan => plan.Service));
                Assert.Equal(fresh.Classes.Select(Text), index.Classes.Select(Text));

                var plain = services.Select(service => BgpPlan.For(service, [.. slices.Where(slice => slice.Service == service.Key)], index.Context)).ToList();
                Assert.Equal(plain.OrderBy(plan => plan.Service), index.Plans.Values.OrderBy(plan => plan.Service));
                foreach (var known in index.Classes)
                    foreach (var peer in known.Peers)
                        Assert.Equal(Wanted(plain, peer), known.Routes.ToDictionary(route => route.Prefix, route => route.Attributes));
            },
            iter: 1000,
            threads: 1);

    // The union over all Services, worked out afresh for one peer.
    private static Dictionary<IpPrefix, RouteAttributes> Wanted(List<BgpPlan> plans, string peer) =>
        plans.SelectMany(plan => plan.Routes).Where(route => route.Peers.Contains(peer)).GroupBy(route => route.Prefix)
            .ToDictionary(routes => routes.Key, routes => routes.Select(route => route.Attributes).Aggregate((one, other) => one.Union(other)));

    private static string Text(PeerClass known) =>
        string.Join(' ', known.Peers) + ": " + string.Join("; ", known.Routes.OrderBy(route => route.Prefix.Address).ThenBy(route => route.Prefix.Length).Select(route => $"{route.Prefix} {route.Attributes}"));

    /// <summary>What somebody has who does what the changes say.</summary>
    private sealed class Mirror
    {
        private readonly Dictionary<PeerClass, Dictionary<IpPrefix, RouteAttributes>> _tables = [];

        public void Follow(BgpIndex index, Step step)
        {
            var plans = index.Plans.ToDictionary(entry => entry.Key, entry => entry.Value);
            var classes = index.Classes.SelectMany(known => known.Peers.Select(peer => (peer, known))).ToDictionary(pair => pair.peer, pair => pair.known);
            var changes = step.Apply(index);
            foreach (var gone in _tables.Keys.Except(index.Classes).ToList())
                _tables.Remove(gone);
            foreach (var (known, prefix, attributes) in changes.Routes)
            {
                Assert.Contains(known, index.Classes);
                if (!_tables.TryGetValue(known, out var table))
                    _tables[known] = table = [];
                Assert.NotEqual(attributes, table.GetValueOrDefault(prefix));
                if (attributes is null)
                    table.Remove(prefix);
                else
                    table[prefix] = attributes;
            }

            foreach (var known in index.Classes)
            {
                Assert.NotEmpty(known.Peers);
                Assert.Equal(known.Count, known.Routes.Count());
                Assert.Equal(_tables.GetValueOrDefault(known) ?? [], known.Routes.ToDictionary(route => route.Prefix, route => route.Attributes));
            }

            Assert.Equal(index.Classes.Count, index.Classes.Select(known => known.Number).Distinct().Count());
            var keys = plans.Keys.Union(index.Plans.Keys).Where(key => !Equals(plans.GetValueOrDefault(key), index.Plans.GetValueOrDefault(key)));
            Assert.Equal(keys.Order(), changes.Services.Order());
            var peers = classes.Keys.Union(index.Classes.SelectMany(known => known.Peers)).Where(peer => classes.GetValueOrDefault(peer) != index.ClassOf(peer));
            Assert.Equal(peers.Order(StringComparer.Ordinal), changes.Moved);
        }
    }

    private static Gen<int> Often(int count) => Gen.Frequency((2, Gen.Const(0)), (3, Gen.Int[0, count - 1]));

    private static Step Context(string name, Func<BgpContext, BgpContext> change) => new(name, index => index.Set(change(index.Context)));

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
