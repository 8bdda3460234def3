using System.Net;
using System.Net.Sockets;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;
using Portolan.Proxy;
using static Portolan.Tests.Proxy.ForwardingLab;

namespace Portolan.Tests.Proxy;

/// <summary>What <c>portolan get virtual-servers</c> reads back, after real connections.</summary>
public sealed class VirtualServerTableTests
{
    private static Dictionary<string, KernelVirtualServer> Read(ForwardingLab lab, bool countOpen = false) =>
        lab.Node.Inside(() => VirtualServerTable.Read(countOpen))!.Where(server => server.Address.IsIPv4).ToDictionary(server => $"{server.Address}:{server.Port}");

    private static ServiceFacts Asking(ServiceFacts service, string annotation, string value) => service with { Annotations = new Dictionary<string, string> { [annotation] = value } };

    [Fact]
    public void CountsConnections_ByWhicheverAddressTheyCame_AndOpenOnesOnlyWhenAsked()
    {
        using var lab = new ForwardingLab(pods: 2);
        var (connection, table) = lab.OpenTable();
        using var c = connection;
        var index = new ForwardingIndex(Context);
        index.Set(Service());
        index.Set(Slice([0, 1]));
        index.TakeChanges();
        table.Reconcile(index.Plans);
        var answers = lab.Client.AskMany(To(Vip, 80), 12).Concat(lab.Client.AskMany(To(NodeIP, 31313), 8)).ToList();
        foreach (var front in (string[])["192.0.2.240:80", "10.8.0.1:80", "192.0.2.1:31313"])
        {
            var server = Read(lab)[front];
            Assert.Equal(["10.9.0.2", "10.9.0.3"], server.RealServers.Select(real => real.Server.Address.ToString()));
            Assert.All(server.RealServers, real => Assert.Equal((1, (ulong)answers.Count(answer => answer.Split(' ')[1] == real.Server.Address.ToString())), (real.Weight, real.Connections)));
            Assert.All(server.RealServers, real => Assert.Null(real.Open));
        }

        // A server that does not hang up.
        using var listener = lab.Pods[0].Inside(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        listener.Bind(new IPEndPoint(IPAddress.Any, 9090));
        listener.Listen();
        index.Set(Slice([0]) with { Ports = [new EndpointPort("", Protocol.Tcp, 9090)] });
        table.Apply(index.TakeChanges());
        using var held = lab.Client.Inside(() => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp));
        held.Connect(To(Vip, 80));
        var open = Read(lab, countOpen: true);
        Assert.Equal(new OpenConnections(1, 0), Assert.Single(open["192.0.2.240:80"].RealServers).Open);
        Assert.Equal(new OpenConnections(0, 0), Assert.Single(open["10.8.0.1:80"].RealServers).Open);
    }

    [Fact]
    public void ShowsTheSchedulerWeightsAndPersistence()
    {
        using var lab = new ForwardingLab(pods: 3);
        var (connection, table) = lab.OpenTable();
        using var c = connection;
        var index = new ForwardingIndex(Context);
        index.Set(Asking(Service() with { AffinitySeconds = 300, LoadBalancerSourceRanges = [Prefix("192.0.2.0/24")] }, Scheduling.SchedulerAnnotation, "maglev"));
        index.Set(Slice([0, 1, 2]));
        table.Reconcile([]);
        table.Apply(index.TakeChanges());
        lab.Client.AskMany(To(Vip, 80), 9);
        foreach (var front in (string[])["192.0.2.240:80", "10.8.0.1:80", "192.0.2.1:31313"])
        {
            var server = Read(lab)[front];
            Assert.Equal(("maglev", 300, 4093), (server.Scheduler, server.PersistentSeconds, server.RealServers.Sum(real => real.Weight)));
            // One by the table, eight by affinity, all to the same.
            Assert.Equal([0UL, 0UL, 9UL], server.RealServers.Select(real => real.Connections).Order());
        }

        index.Set(Asking(Service(external: TrafficPolicy.Local), Scheduling.WeightsAnnotation, "node/another=6,node/node=4"));
        index.Set(Slice([0]) with { Endpoints = [.. Slice([0]).Endpoints, .. Slice([1], "another").Endpoints] });
        table.Apply(index.TakeChanges());
        var weighted = Read(lab);
        Assert.Equal("10.9.0.2:8080 2, 10.9.0.3:8080 3", Text(weighted["10.8.0.1:80"]));
        Assert.Equal("10.9.0.2:8080 1", Text(weighted["192.0.2.240:80"]));

        static string Text(KernelVirtualServer server) => string.Join(", ", server.RealServers.Select(real => $"{real.Server} {real.Weight}"));
    }
}
