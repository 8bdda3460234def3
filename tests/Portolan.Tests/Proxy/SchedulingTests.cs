using System.Net;
using System.Net.Sockets;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;
using Portolan.Linux.Nftables;
using Portolan.Proxy.Nftables;
using static Portolan.Tests.Proxy.ForwardingLab;

namespace Portolan.Tests.Proxy;

public sealed class SchedulingTests
{
    private const int Clients = 60;
    private static readonly IpAddress ClusterIP6 = IpAddress.Parse("fd00:8::1");
    private static readonly IpAddress Vip6 = IpAddress.Parse("fd00:8::240");
    private static readonly IpAddress NodeIP6 = IpAddress.Parse("fd00:2::1");

    private static ServiceFacts Asking(ServiceFacts service, params (string Annotation, string Value)[] annotations) =>
        service with { Annotations = annotations.ToDictionary(annotation => annotation.Annotation, annotation => annotation.Value) };

    private static ServiceFacts Maglev(ServiceFacts service) => Asking(service, (Scheduling.SchedulerAnnotation, "maglev"));

    private static ServiceFacts Service6() => Service() with { ClusterIPs = [ClusterIP6], Ingress = [new IngressAddress(Vip6, false)] };

    private static EndpointSliceFacts Slice6(IEnumerable<int> pods) => Slice([]) with
    {
        Family = IpFamily.IPv6,
        Ports = [new EndpointPort("", Protocol.Tcp, 8081)],
        Endpoints = [.. pods.Select(pod => new EndpointFacts { Address = IpAddress.V6(IpAddress.Parse("fd00:9::2").Value + (uint)pod), NodeName = "node" })],
    };

    /// <summary>The client namespace has all of 192.0.3.0/24 and fd00:3::/64.</summary>
    private static IPAddress Client(int i, IpFamily family) => IPAddress.Parse(family is IpFamily.IPv4 ? $"192.0.3.{i + 1}" : $"fd00:3::{i + 1:x}");

    private static void AddClients(ForwardingLab lab)
    {
        lab.Client.Link("route add local 192.0.3.0/24 dev lo");
        lab.Client.Link("route add local fd00:3::/64 dev lo");
        lab.Client.Sysctl("net.ipv6.ip_nonlocal_bind", "1");
        lab.Node.Link("route add 192.0.3.0/24 via 192.0.2.10");
        lab.Node.Link("route add fd00:3::/64 via fd00:2::10");
    }

    /// <summary>Which pod answers each client.</summary>
    private static string[] Answers(ForwardingLab lab, IpAddress address, int port) => lab.Client.Inside(() => Enumerable.Range(0, Clients).Select(i =>
    {
        using var socket = new Socket(address.IsIPv4 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 5000, LingerState = new LingerOption(true, 0) };
        socket.Bind(new IPEndPoint(Client(i, address.Family), 0));
        socket.Connect(To(address, port));
        var buffer = new byte[100];
        return System.Text.Encoding.ASCII.GetString(buffer, 0, socket.Receive(buffer)).Split(' ')[0];
    }).ToArray());

    private static int Slots(NftConnection connection)
    {
        var slots = 0;
        connection.Elements(NftFamily.Ip, Shape.Table, ShapeSets.Endpoints, () => slots = 0, _ => slots++);
        return slots;
    }

    [Theory]
    [InlineData(IpFamily.IPv4)]
    [InlineData(IpFamily.IPv6)]
    public void SendsAClientToOneEndpoint_WhicheverWayItComes_AndLeavesItThereWhenOthersGo(IpFamily family)
    {
        using var lab = new ForwardingLab(pods: 4);
        AddClients(lab);
        var (connection, table) = lab.OpenTable(family);
        using var c = connection;
        var (service, clusterIP, vip, node) = family is IpFamily.IPv4 ? (Service(), ClusterIP, Vip, NodeIP) : (Service6(), ClusterIP6, Vip6, NodeIP6);
        EndpointSliceFacts Of(params int[] pods) => family is IpFamily.IPv4 ? Slice(pods) : Slice6(pods);
        var index = new ForwardingIndex(Context);
        index.Set(Maglev(service));
        index.Set(Of(0, 1, 2, 3));
        table.Reconcile([]);
        table.Apply(index.TakeChanges());

        var all = Answers(lab, vip, 80);
        Assert.Equal(["pod0", "pod1", "pod2", "pod3"], all.Distinct().Order());
        Assert.Equal(all, Answers(lab, clusterIP, 80));
        Assert.Equal(all, Answers(lab, node, 31313));
        Assert.Equal(all, Answers(lab, vip, 80));

        index.Set(Of(0, 1, 3));
        table.Apply(index.TakeChanges());
        var without = Answers(lab, vip, 80);
        Assert.DoesNotContain("pod2", without);
        Assert.InRange(Enumerable.Range(0, Clients).Count(i => all[i] != "pod2" && all[i] != without[i]), 0, 3);
        index.Set(Of(3, 2, 1, 0));
        table.Apply(index.TakeChanges());
        Assert.Equal(all, Answers(lab, clusterIP, 80));
        Assert.Equal(0, table.Reconcile(index.Plans));

        // Another node, another history: the same answers.
        connection.Dispose();
        lab.Node.RunInside("nft", "flush ruleset");
        var (otherConnection, other) = lab.OpenTable(family);
        using var o = otherConnection;
        var elsewhere = new ForwardingIndex(Context);
        elsewhere.Set(Of(2));
        elsewhere.Set(Maglev(service));
        elsewhere.TakeChanges();
        other.Reconcile(elsewhere.Plans);
        elsewhere.Set(Of(1, 3, 0, 2));
        other.Apply(elsewhere.TakeChanges());
        Assert.Equal(all, Answers(lab, vip, 80));
    }

    [Fact]
    public void HasATableOfThisNodesEndpoints_WhereThePolicyIsLocal()
    {
        using var lab = new ForwardingLab(pods: 4);
        AddClients(lab);
        var (connection, table) = lab.OpenTable(clusterCidrs: Prefix("10.9.0.0/16"));
        using var c = connection;
        var index = new ForwardingIndex(Context with { DetectsPodsIPv4 = true });
        index.Set(Maglev(Service(external: TrafficPolicy.Local)));
        index.Set(Slice([0, 1]) with { Endpoints = [.. Slice([0, 1]).Endpoints, .. Slice([2, 3], nodeName: "another").Endpoints] });
        index.TakeChanges();
        table.Reconcile(index.Plans);
        var outside = Answers(lab, Vip, 80);
        Assert.Equal(["pod0", "pod1"], outside.Distinct().Order());
        Assert.Equal(outside, Answers(lab, NodeIP, 31313));
        foreach (var pod in lab.Pods)
            Assert.Single(pod.AskMany(To(Vip, 80), 5).Distinct());
        Assert.Single(lab.Node.AskMany(To(Vip, 80), 5).Distinct());
    }

    [Fact]
    public void TakesTheTableWhenAffinityHasNoSayYet_AndAffinityAfterwards()
    {
        using var lab = new ForwardingLab(pods: 3);
        AddClients(lab);
        var (connection, table) = lab.OpenTable();
        using var c = connection;
        var index = new ForwardingIndex(Context);
        index.Set(Maglev(Service()));
        index.Set(Slice([0, 1, 2]));
        index.TakeChanges();
        table.Reconcile(index.Plans);
        var byTable = Answers(lab, Vip, 80);
        index.Set(Maglev(Service() with { AffinitySeconds = 600 }));
        index.Set(Slice([0, 1]));
        table.Apply(index.TakeChanges());
        var fewer = Answers(lab, Vip, 80);
        Assert.DoesNotContain("pod2", fewer);
        // The table would give some of them back to the one that returned.
        index.Set(Slice([0, 1, 2]));
        table.Apply(index.TakeChanges());
        Assert.Equal(fewer, Answers(lab, ClusterIP, 80));
        Assert.Contains("pod2", byTable);
    }

    [Fact]
    public void IsListedByNft()
    {
        using var lab = new ForwardingLab(pods: 0);
        foreach (var (family, service, slice, hash) in new[]
            {
                (IpFamily.IPv4, Service(), Slice([0, 1]), "jhash ip saddr mod 4093 seed 0x9e3779b9 map @endpoints"),
                (IpFamily.IPv6, Service6(), Slice6([0, 1]), "jhash ip6 saddr mod 4093 seed 0x9e3779b9 map @endpoints"),
            })
        {
            var (connection, table) = lab.OpenTable(family);
            using var c = connection;
            var index = new ForwardingIndex(Context);
            index.Set(Maglev(service));
            index.Set(slice);
            index.TakeChanges();
            table.Reconcile(index.Plans);
            Assert.Contains(hash, lab.Node.RunInside("nft", "list ruleset"));
        }
    }

    [Fact]
    public void SharesByWeight()
    {
        using var lab = new ForwardingLab(pods: 3);
        var (connection, table) = lab.OpenTable();
        using var c = connection;
        var index = new ForwardingIndex(Context);
        index.Set(Asking(Service(), (Scheduling.WeightsAnnotation, "node/node=3,node/drained=0")));
        index.Set(Slice([0]) with { Endpoints = [.. Slice([0]).Endpoints, .. Slice([1], "another").Endpoints, .. Slice([2], "drained").Endpoints] });
        index.TakeChanges();
        table.Reconcile(index.Plans);
        Assert.Equal(4, Slots(connection));
        var hits = lab.Client.AskMany(To(Vip, 80), 400).GroupBy(answer => answer.Split(' ')[0]).ToDictionary(group => group.Key, group => group.Count());
        Assert.Equal(["pod0", "pod1"], hits.Keys.Order());
        // 300 expected, deviation 8.7: six of them never happen by chance.
        Assert.InRange(hits["pod0"], 248, 352);

        index.Set(Service());
        table.Apply(index.TakeChanges());
        Assert.Equal(3, Slots(connection));
        Assert.Equal(["pod0", "pod1", "pod2"], lab.Client.AskMany(To(Vip, 80), 60).Select(answer => answer.Split(' ')[0]).Distinct().Order());
    }

    [Fact]
    public void HoldsWhatItWouldFromScratch_WhateverTheHistory()
    {
        using var lab = new ForwardingLab(pods: 0);
        var (connection, table) = lab.OpenTable();
        using var c = connection;
        var index = new ForwardingIndex(Context);
        table.Reconcile([]);
        var random = new Random(1);
        (string, string)[][] wishes =
        [
            [], [(Scheduling.SchedulerAnnotation, "maglev"), (Scheduling.TableSizeAnnotation, "251")], [(Scheduling.SchedulerAnnotation, "maglev")],
            [(Scheduling.WeightsAnnotation, "node/a=3,node/b=0")], [(Scheduling.WeightsAnnotation, "node/b=99,node/c=100")], [(Scheduling.SlowStartAnnotation, "10s")],
        ];
        for (var step = 0; step < 60; step++)
        {
            if (random.Next(3) == 0)
                index.Set(Asking(Service() with { AffinitySeconds = 100 }, wishes[random.Next(wishes.Length)]));
            index.Set(Slice([]) with
            {
                Endpoints = [.. Enumerable.Range(0, random.Next(8)).Select(_ => new EndpointFacts { Address = IpAddress.V4(0x0a090002 + (uint)random.Next(9)), NodeName = ((string[])["a", "b", "c"])[random.Next(3)] })],
            });
            index.Advance(TimeSpan.FromSeconds(step));
            table.Apply(index.TakeChanges());
            if (step % 5 == 0)
                Assert.Equal(0, table.Reconcile(index.Plans));
        }

        var (second, restarted) = lab.OpenTable();
        using var s = second;
        Assert.Equal(0, restarted.Reconcile(index.Plans));
    }
}
