using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;
using Portolan.Linux.Nftables;
using Portolan.Proxy;
using Portolan.Proxy.Accounting;
using static Portolan.Tests.Proxy.ForwardingLab;

namespace Portolan.Tests.Proxy.Accounting;

public sealed class TrafficAccountsTests : IDisposable
{
    private readonly ForwardingLab _lab = new(pods: 2);
    private readonly TrafficAccounts _accounts;

    public TrafficAccountsTests() => _accounts = Accounts(isOn: true);

    private TrafficAccounts Accounts(bool isOn) => _lab.Node.Inside(() => new TrafficAccounts(isOn, NullLogger.Instance));

    private static Socket Udp(NetworkNamespace from, IPEndPoint at) => from.Inside(() =>
    {
        var socket = new Socket(at.AddressFamily, SocketType.Dgram, ProtocolType.Udp) { ReceiveTimeout = 5000 };
        socket.Bind(at);
        return socket;
    });

    private ForwardingIndex Dns(IpFamily family)
    {
        var index = new ForwardingIndex(Context);
        var service = Service("dns") with { Type = ServiceType.ClusterIP, Ingress = [], Ports = [new ServicePort("", Protocol.Udp, 53, 0)], ClusterIPs = [family is IpFamily.IPv4 ? ClusterIP : IpAddress.Parse("fd00:8::1")] };
        index.Set(service);
        index.Set(DnsSlice(family, 0));
        return index;
    }

    private static EndpointSliceFacts DnsSlice(IpFamily family, params int[] pods) => Slice([], service: "dns") with
    {
        Family = family,
        Ports = [new EndpointPort("", Protocol.Udp, 5353)],
        Endpoints = [.. pods.Select(pod => new EndpointFacts { Address = family is IpFamily.IPv4 ? IpAddress.V4(0x0a090002 + (uint)pod) : IpAddress.V6(IpAddress.Parse("fd00:9::2").Value + (uint)pod), NodeName = "node" })],
    };

    private Traffic? Read(IpAddress clusterIP) =>
        _lab.Node.Inside(() => VirtualServerTable.Read())!.Single(server => server.Address == clusterIP).RealServers.Select(real => real.Traffic).Aggregate((sum, traffic) => sum + traffic);

    [Theory]
    [InlineData(IpFamily.IPv4, 28)]
    [InlineData(IpFamily.IPv6, 48)]
    public void CountsEveryPacketOnce_BothWays_ForClientsAndForTheNode(IpFamily family, int headers)
    {
        var (connection, table) = _lab.OpenTable(family);
        using var c = connection;
        _lab.Node.Link("route add fd00:8::/64 via fd00:2::10"); // or the node has no way to a ClusterIP
        var index = Dns(family);
        table.Reconcile([]);
        _accounts.Reconcile([]);
        var changes = index.TakeChanges();
        table.Apply(changes);
        _accounts.Apply(changes);
        var clusterIP = family is IpFamily.IPv4 ? ClusterIP : IpAddress.Parse("fd00:8::1");
        var any = family is IpFamily.IPv4 ? IPAddress.Any : IPAddress.IPv6Any;
        using var server = Udp(_lab.Pods[0], new IPEndPoint(any, 5353));
        var buffer = new byte[2000];
        foreach (var from in (NetworkNamespace[])[_lab.Client, _lab.Node])
        {
            using var client = Udp(from, new IPEndPoint(any, 0));
            client.Connect(To(clusterIP, 53));
            EndPoint sender = new IPEndPoint(any, 0);
            for (var i = 0; i < 10; i++)
            {
                client.Send(new byte[100]);
                server.ReceiveFrom(buffer, ref sender);
            }

            for (var i = 0; i < 3; i++)
            {
                server.SendTo(new byte[500], sender);
                Assert.Equal(500, client.Receive(buffer));
            }
        }

        Assert.Equal(new Traffic(20, 6, (ulong)(20 * (100 + headers)), (ulong)(6 * (500 + headers))), Read(clusterIP));

        // What others do is not counted, and another start goes on where this one stopped.
        using var direct = Udp(_lab.Node, new IPEndPoint(any, 0));
        direct.SendTo(new byte[100], new IPEndPoint(IPAddress.Parse(family is IpFamily.IPv4 ? "10.9.0.2" : "fd00:9::2"), 5353));
        server.Receive(buffer);
        using var again = Accounts(isOn: true);
        again.Reconcile([.. index.Plans]);
        Assert.Equal(20UL, Read(clusterIP)!.Value.InPackets);
    }

    [Fact]
    public void OpensAndClosesAccountsWithTheirRealServers_AndLeavesNothingWhenTurnedOff()
    {
        var (connection, table) = _lab.OpenTable();
        using var c = connection;
        var index = Dns(IpFamily.IPv4);
        index.TakeChanges();
        table.Reconcile(index.Plans);
        _accounts.Reconcile([.. index.Plans]);
        Assert.Contains("udp . 10.9.0.2 . 5353 counter packets 0 bytes 0", _lab.Node.RunInside("nft", "list set ip portolan-accounts in"));
        index.Set(DnsSlice(IpFamily.IPv4, 1));
        _accounts.Apply(index.TakeChanges());
        foreach (var set in (string[])["in", "out"])
        {
            var listing = _lab.Node.RunInside("nft", $"list set ip portolan-accounts {set}");
            Assert.Contains("10.9.0.3", listing);
            Assert.DoesNotContain("10.9.0.2", listing);
        }

        _lab.Node.RunInside("nft", "delete table ip portolan-accounts");
        _accounts.Reconcile([.. index.Plans]);
        Assert.Contains("ct direction original meta l4proto . ip daddr . th dport @in accept", _lab.Node.RunInside("nft", "list table ip portolan-accounts"));

        using var off = Accounts(isOn: false);
        off.Reconcile([.. index.Plans]);
        Assert.False(connection.HasTable(NftFamily.Ip, AccountShape.Table));
        Assert.False(connection.HasTable(NftFamily.Ip6, AccountShape.Table));
        Assert.True(connection.HasTable(NftFamily.Ip, Portolan.Proxy.Nftables.Shape.Table));
        Assert.Null(Read(ClusterIP));
    }

    [Fact]
    public void GoesWithTheProxysOtherTable_AtCleanup()
    {
        _accounts.Reconcile([]);
        var output = new StringWriter { NewLine = "\n" };
        Assert.Equal(0, _lab.Node.Inside(() => Portolan.Proxy.Cleanup.OwnTables.Remove(output, [])));
        Assert.Equal("table ip portolan-accounts deleted\ntable ip6 portolan-accounts deleted\n", output.ToString());
        Assert.Equal("", _lab.Node.RunInside("nft", "list ruleset"));
    }

    public void Dispose()
    {
        _accounts.Dispose();
        _lab.Dispose();
    }
}
