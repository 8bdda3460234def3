using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;
using Portolan.Linux.Nftables;
using Portolan.Proxy.Nftables;
using static Portolan.Tests.Proxy.ForwardingLab;

namespace Portolan.Tests.Proxy;

public sealed class NftablesTableTests
{
    private static string[] AskMany(NetworkNamespace from, IpAddress address, int port, int times = 30) =>
        from.AskMany(To(address, port), times);

    private static string[] Pods(IEnumerable<string> answers) => [.. answers.Select(answer => answer.Split(' ')[0]).Distinct().Order()];

    private static string[] Sources(IEnumerable<string> answers) => [.. answers.Select(answer => answer.Split(' ').Last()).Distinct().Order()];

    private static ForwardingIndex Index(ServiceFacts service, EndpointSliceFacts? slice, ForwardingContext? context = null)
    {
        var index = new ForwardingIndex(context ?? Context);
        index.Set(service);
        if (slice is not null)
            index.Set(slice);
        index.TakeChanges();
        return index;
    }

    [Fact]
    public void ForwardsEveryFrontToEveryEndpoint()
    {
        using var lab = new ForwardingLab();
        var (connection, table) = lab.OpenTable();
        using var c = connection;
        table.Reconcile(Index(Service(), Slice([0, 1, 2])).Plans);

        string[] all = ["pod0", "pod1", "pod2"];
        var vip = AskMany(lab.Client, Vip, 80);
        Assert.Equal(all, Pods(vip));
        Assert.Equal(["192.0.2.1"], Sources(vip));

        var cluster = AskMany(lab.Client, ClusterIP, 80);
        Assert.Equal(all, Pods(cluster));
        Assert.Equal(["192.0.2.10"], Sources(cluster));

        Assert.Equal(all, Pods(AskMany(lab.Client, NodeIP, 31313)));
        Assert.Equal(all, Pods(AskMany(lab.Node, Vip, 80)));
        Assert.Equal(all, Pods(AskMany(lab.Node, ClusterIP, 80)));
        Assert.Equal(all, Pods(AskMany(lab.Node, NodeIP, 31313)));
        // A pod that is an endpoint itself reaches itself, too.
        Assert.Equal(all, Pods(AskMany(lab.Pods[0], ClusterIP, 80)));
        Assert.Equal(all, Pods(AskMany(lab.Pods[0], Vip, 80)));
        Assert.Equal("refused", lab.Client.Ask(To(NodeIP, 80)));
    }

    [Fact]
    public void RefusesWithoutEndpoints_AndDropsWhereOthersHaveThem()
    {
        using var lab = new ForwardingLab(pods: 1);
        var (connection, table) = lab.OpenTable();
        using var c = connection;
        var index = Index(Service(), null);
        table.Reconcile(index.Plans);
        foreach (var from in (NetworkNamespace[])[lab.Client, lab.Node, lab.Pods[0]])
        {
            Assert.Equal("refused", from.Ask(To(Vip, 80)));
            Assert.Equal("refused", from.Ask(To(ClusterIP, 80)));
            Assert.Equal("refused", from.Ask(To(NodeIP, 31313)));
        }

        index.Set(Service(external: TrafficPolicy.Local, @internal: TrafficPolicy.Local));
        index.Set(Slice([0], nodeName: "another"));
        table.Apply(index.TakeChanges());
        Assert.Equal("nothing", lab.Client.Ask(To(Vip, 80), 300));
        Assert.Equal("nothing", lab.Client.Ask(To(NodeIP, 31313), 300));
        Assert.Equal("nothing", lab.Client.Ask(To(ClusterIP, 80), 300));
        // The node itself is inside the cluster: an address of the Service is a way into it, not an arrival at this node.
        Assert.StartsWith("pod0 10.9.0.2 192.0.2.1", lab.Node.Ask(To(Vip, 80)));
    }

    [Fact]
    public void KeepsTheClientsAddress_WhenExternalTrafficPolicyIsLocal()
    {
        using var lab = new ForwardingLab(pods: 3);
        var pods = IpPrefix.Containing(IpAddress.Parse("10.9.0.0"), 16);
        var (connection, table) = lab.OpenTable(clusterCidrs: pods);
        using var c = connection;
        var index = Index(Service(external: TrafficPolicy.Local), null, Context with { DetectsPodsIPv4 = true });
        var (here, there) = (Slice([0]), Slice([1], nodeName: "another"));
        index.Set(here with { Endpoints = [.. here.Endpoints, .. there.Endpoints] });
        index.TakeChanges();
        table.Reconcile(index.Plans);

        Assert.Equal(["pod0 10.9.0.2 192.0.2.10"], AskMany(lab.Client, Vip, 80, 10).Distinct());
        Assert.Equal(["pod0 10.9.0.2 192.0.2.10"], AskMany(lab.Client, NodeIP, 31313, 10).Distinct());
        // Pods get the cluster's real servers and keep their address.
        var fromPod = AskMany(lab.Pods[2], Vip, 80);
        Assert.Equal(["pod0 10.9.0.2 10.9.0.4", "pod1 10.9.0.3 10.9.0.4"], fromPod.Distinct().Order());
        var fromNode = AskMany(lab.Node, Vip, 80);
        Assert.Equal(["pod0", "pod1"], Pods(fromNode));
        // From outside, ClusterIPs are masqueraded where the pods' addresses are known.
        Assert.Equal(["192.0.2.1"], Sources(AskMany(lab.Client, ClusterIP, 80, 10)));
        Assert.Equal(["10.9.0.4"], Sources(AskMany(lab.Pods[2], ClusterIP, 80, 10)));
    }

    [Fact]
    public void BalancesEvenly_WithAndWithoutAnExactModulus()
    {
        using var lab = new ForwardingLab(pods: 1);
        var (connection, table) = lab.OpenTable();
        using var c = connection;
        // 90 real servers: the modulus above is 91, the fallback's 77.
        lab.Pods[0].Link("addr add 10.9.1.0/24 dev lo");
        lab.Node.Link("route add 10.9.1.0/24 via 10.9.0.2 dev pod0 onlink");
        foreach (var count in (int[])[3, 90])
        {
            var endpoints = Enumerable.Range(1, count).Select(i => new EndpointFacts { Address = IpAddress.V4(0x0a090100 + (uint)i), NodeName = "node" });
            var index = Index(Service(), Slice([0]) with { Endpoints = [.. endpoints] });
            table.Reconcile(index.Plans);
            var draws = 40 * count;
            var hits = AskMany(lab.Client, Vip, 80, draws).GroupBy(answer => answer.Split(' ')[1]).Select(group => group.Count()).ToList();
            Assert.Equal(draws, hits.Sum());
            Assert.Equal(count, hits.Count);
            // Chi-square with count - 1 degrees of freedom: mean count - 1, deviation sqrt(2 (count - 1)); six deviations never happen by chance.
            var chi = hits.Sum(hit => Math.Pow(hit - 40, 2) / 40);
            Assert.InRange(chi, 0, count - 1 + (6 * Math.Sqrt(2 * (count - 1))) + 4);
        }
    }

    [Fact]
    public void ForwardsIPv6()
    {
        using var lab = new ForwardingLab(pods: 2);
        var (connection, table) = lab.OpenTable(IpFamily.IPv6);
        using var c = connection;
        var service = Service() with { ClusterIPs = [IpAddress.Parse("fd00:8::1")], Ingress = [new IngressAddress(IpAddress.Parse("fd00:8::240"), false)] };
        var slice = new EndpointSliceFacts
        {
            Key = new ObjectKey("default", "web-6"),
            Service = service.Key,
            Family = IpFamily.IPv6,
            Ports = [new EndpointPort("", Protocol.Tcp, 8081)],
            Endpoints = [new EndpointFacts { Address = IpAddress.Parse("fd00:9::2") }, new EndpointFacts { Address = IpAddress.Parse("fd00:9::3") }],
        };
        table.Reconcile(Index(service, slice).Plans);
        var vip = AskMany(lab.Client, IpAddress.Parse("fd00:8::240"), 80);
        Assert.Equal(["pod0", "pod1"], Pods(vip));
        Assert.Equal(["fd00:2::1"], Sources(vip));
        Assert.Equal(["fd00:2::10"], Sources(AskMany(lab.Client, IpAddress.Parse("fd00:8::1"), 80)));
        Assert.Equal(["pod0", "pod1"], Pods(AskMany(lab.Client, IpAddress.Parse("fd00:2::1"), 31313)));
        table.Reconcile(Index(service, null).Plans);
        Assert.Equal("refused", lab.Client.Ask(To(IpAddress.Parse("fd00:8::240"), 80)));
    }

    [Fact]
    public void ChangesNothing_WhenTheProxyRestarts()
    {
        using var lab = new ForwardingLab(pods: 0);
        var (connection, table) = lab.OpenTable();
        using var c = connection;
        var index = Index(Service(), Slice([0, 1, 2]));
        table.Reconcile(index.Plans);
        // A history that leaves the slots out of order.
        index.Set(Slice([1, 2, 3, 4]));
        table.Apply(index.TakeChanges());
        index.Set(Slice([4, 5, 1]));
        table.Apply(index.TakeChanges());
        var before = lab.Node.RunInside("nft", "-a list ruleset");
        var generation = connection.Generation();

        var (second, restarted) = lab.OpenTable();
        using var s = second;
        Assert.Equal(0, restarted.Reconcile(Index(Service(), Slice([4, 5, 1])).Plans));
        Assert.Equal(generation, second.Generation());
        Assert.Equal(before, lab.Node.RunInside("nft", "-a list ruleset"));

        // And goes on from there.
        index = Index(Service(), Slice([4, 5, 1]));
        index.Set(Slice([4]));
        Assert.InRange(restarted.Apply(index.TakeChanges()), 1, 16);
        Assert.Equal(0, restarted.Reconcile(index.Plans));
    }

    [Fact]
    public void HoldsTheSameRules_WithOneServiceAndWithAThousand()
    {
        using var lab = new ForwardingLab(pods: 0);
        var (connection, table) = lab.OpenTable();
        using var c = connection;
        var index = Index(Service(), Slice([0, 1, 2]));
        table.Reconcile(index.Plans);
        var one = Counts();
        for (var i = 1; i <= 1000; i++)
        {
            index.Set(Service($"web{i}") with { ClusterIPs = [IpAddress.V4(0x0a080100 + (uint)i)], Ingress = [], Ports = [new ServicePort("", Protocol.Tcp, 80, (ushort)(20000 + i))] });
            index.Set(Slice([i % 3, (i + 1) % 3, 3 + (i % 70)], service: $"web{i}"));
        }

        table.Apply(index.TakeChanges());

        // Services of three and of four real servers need three chains each: for cluster IPs, for other addresses, for node ports.
        var thousand = Counts();
        Assert.Equal(one.Sets, thousand.Sets);
        Assert.InRange(thousand.Chains - one.Chains, 0, 3);
        Assert.InRange(thousand.Rules - one.Rules, 0, 6);
        Assert.Equal(0, table.Reconcile(index.Plans));

        // An endpoint is stored once, whatever leads to it: 3 each.
        var endpoints = 0;
        connection.Elements(NftFamily.Ip, Shape.Table, ShapeSets.Endpoints, () => endpoints = 0, _ => endpoints++);
        Assert.Equal(3 * 1001, endpoints);

        (int Chains, int Rules, int Sets) Counts() => (
            connection.Chains(NftFamily.Ip, Shape.Table).Count, connection.Rules(NftFamily.Ip, Shape.Table).Count, connection.Sets(NftFamily.Ip, Shape.Table).Count);
    }

    [Fact]
    [Contract("proxy §1.9-2")]
    [Contract("proxy §1.1-11")]
    public void RepairsWhatSomebodyElseChanged_AndLeavesOtherTablesAlone()
    {
        using var lab = new ForwardingLab(pods: 0);
        var (connection, table) = lab.OpenTable();
        using var c = connection;
        lab.Node.RunInside("nft", "add table ip other");
        var index = Index(Service(), Slice([0, 1, 2]));
        table.Reconcile(index.Plans);
        var before = lab.Node.RunInside("nft", "list table ip portolan");

        foreach (var harm in (string[])
            [
                "delete element ip portolan fronts { 192.0.2.240 . tcp . 80 }", "flush chain ip portolan pick-3", "add rule ip portolan prerouting drop",
                "flush ruleset", "delete table ip portolan", "add element ip portolan endpoints { 0x77 . 0x0 : 1.2.3.4 . 80 }",
            ])
        {
            lab.Node.RunInside("nft", harm);
            Assert.NotEqual(0, table.Reconcile(index.Plans));
            Assert.Equal(Sorted(before), Sorted(lab.Node.RunInside("nft", "list table ip portolan")));
            if (harm == "flush ruleset")
                lab.Node.RunInside("nft", "add table ip other");
        }

        Assert.Contains("table ip other", lab.Node.RunInside("nft", "list tables"));

        // The kernel lists elements in the order of its hash, not of their arrival.
        static string[] Sorted(string listing) => [.. listing.Replace("elements = {", "").Split([',', '\n', '}', '{'], StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries).Order()];
    }

    [Fact]
    public void EqualsAFreshProgram_WhateverTheHistory()
    {
        using var lab = new ForwardingLab(pods: 0);
        var (connection, table) = lab.OpenTable();
        using var c = connection;
        var random = new Random(5);
        var index = new ForwardingIndex(Context);
        table.Reconcile(index.Plans);
        for (var step = 0; step < 300; step++)
        {
            var name = $"web{random.Next(6)}";
            if (random.Next(8) == 0)
                index.RemoveService(new ObjectKey("default", name));
            else if (random.Next(2) == 0)
                index.Set(Service(name, (TrafficPolicy)random.Next(2), (TrafficPolicy)random.Next(2)) with { ClusterIPs = [IpAddress.V4(0x0a080000 + (uint)random.Next(8))] });
            else
                index.Set(Slice(Enumerable.Range(0, 100).Where(_ => random.Next(random.Next(1, 40)) == 0), random.Next(2) == 0 ? "node" : "another", name));
            table.Apply(index.TakeChanges());
        }

        Assert.NotEmpty(index.Plans);
        var incremental = TableView.Of(connection, NftFamily.Ip);
        lab.Node.RunInside("nft", "flush ruleset");
        var (second, fresh) = lab.OpenTable();
        using var s = second;
        fresh.Reconcile(index.Plans);
        Assert.Equal(TableView.Of(second, NftFamily.Ip), incremental);
    }

    [Fact]
    public void DropsChainsNothingNeeds_WhenTheyAreMany_AndMakesThemAgain()
    {
        using var lab = new ForwardingLab(pods: 1);
        var (connection, table) = lab.OpenTable();
        using var c = connection;
        var index = Index(Service(), Slice([0]));
        table.Reconcile(index.Plans);
        Grow(5);
        Assert.Contains("hide-5", Chains());
        Assert.Equal(0, table.Reconcile(index.Plans)); // a few are kept
        for (var count = 6; count < 30; count++)
            Grow(count);
        Assert.Contains("hide-29", Chains());

        // A rule of somebody else's that leads to one of them keeps that one, and holds up nothing else.
        lab.Node.RunInside("nft", "add chain ip portolan foreign");
        lab.Node.RunInside("nft", "add rule ip portolan foreign jump hide-7");
        Assert.NotEqual(0, table.Reconcile(index.Plans)); // the elements that lead to them
        table.Reconcile(index.Plans); // the chains themselves
        Assert.DoesNotContain("hide-5", Chains());
        Assert.Contains("hide-7", Chains());
        Assert.Equal(0, table.Reconcile(index.Plans));

        // One that is still there is not filled twice.
        Grow(7);
        Assert.Equal(2, connection.Rules(NftFamily.Ip, Shape.Table).Count(rule => rule.Chain == "hide-7"));
        Grow(5);
        Assert.Contains("hide-5", Chains());
        Assert.Equal(0, table.Reconcile(index.Plans));

        void Grow(int count)
        {
            foreach (var now in (int[])[count, 1])
            {
                index.Set(Slice(Enumerable.Range(0, now)));
                table.Apply(index.TakeChanges());
            }
        }

        string[] Chains() => [.. connection.Chains(NftFamily.Ip, Shape.Table).Select(chain => chain.Name)];
    }

    [Fact]
    public void IsListedByNft()
    {
        using var lab = new ForwardingLab(pods: 0);
        var (connection, table) = lab.OpenTable();
        using var c = connection;
        table.Reconcile(Index(Service(), Slice([0, 1, 2])).Plans);
        var listing = lab.Node.RunInside("nft", "list ruleset");
        Assert.Contains("192.0.2.240 . tcp . 80 : 0x00000000 . 0x0000007b . 0x00000000 . 0x00000002 . 0x00000000", listing);
        Assert.Contains("comment \"addresses of Services\"", listing);
        Assert.Contains("dnat ip to meta mark . numgen random mod 3 map @endpoints", listing);
    }
}
