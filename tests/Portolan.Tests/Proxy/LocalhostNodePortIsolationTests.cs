using System.Net;
using System.Net.Sockets;
using System.Text.RegularExpressions;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Proxy;
using Portolan.Tests.Proxy.Packets;

namespace Portolan.Tests.Proxy;

/// <summary>What node ports at loopback must not do: let anybody else in, touch other traffic, or be there where nobody asked for them.</summary>
public sealed partial class LocalhostNodePortIsolationTests : IClassFixture<TwoNodeLab>, IDisposable
{
    private readonly LoopbackLab _lab;

    public LocalhostNodePortIsolationTests(TwoNodeLab lab)
    {
        NetworkNamespace.SkipUnlessRoot();
        _lab = new LoopbackLab(lab);
    }

    public static TheoryData<IpFamily> EitherFamily => [.. LoopbackLab.Families];

    [Theory]
    [MemberData(nameof(EitherFamily))]
    [Contract("proxy §1.6-6")]
    public void StaysClosedToOtherHosts_ThatSendFromLoopbackOrToIt(IpFamily family)
    {
        var (ip, loopback, node) = (family is IpFamily.IPv4 ? "ip" : "ip6", LoopbackLab.Loopback(family), TwoNodeLab.NodeIP(family));
        _lab.Program(family, slice: LoopbackLab.At(_lab.Slice(family, "local"), 9002));
        var pod = _lab.Open(_lab.Local.Namespace, SocketType.Dgram, IpAddress.Of(family, 0), 9002);
        var service = _lab.Open(_lab.Node, SocketType.Dgram, loopback, 7777);
        var open = _lab.Open(_lab.Node, SocketType.Dgram, IpAddress.Of(family, 0), 7778);

        // One flow to the node port and one to the service are under way: whoever guesses their ports gets no further.
        var toNodePort = _lab.Open(_lab.Node, SocketType.Dgram, loopback, 6000);
        var toService = _lab.Open(_lab.Node, SocketType.Dgram, loopback, 6001);
        toNodePort.SendTo([1], LoopbackLab.To(loopback, TwoNodeLab.NodePort));
        Answer(pod);
        Assert.Equal(1, toNodePort.Receive(new byte[10]));
        toService.SendTo([1], LoopbackLab.To(loopback, 7777));
        Answer(service);
        Assert.Equal(1, toService.Receive(new byte[10]));

        const int attempts = 10;
        _lab.Node.RunInside("nft", $"add table netdev watch ; add chain netdev watch eth0 {{ type filter hook ingress device eth0 priority 0 ; }} ; "
            + $"add rule netdev watch eth0 {ip} saddr {loopback} counter accept ; add rule netdev watch eth0 {ip} daddr {loopback} counter accept");
        var client = _lab.Client.Address(family);
        foreach (var (from, fromPort, to, toPort) in (ReadOnlySpan<(IpAddress, int, IpAddress, int)>)
            [
                (client, 1111, loopback, 7777), (client, 1112, loopback, TwoNodeLab.NodePort), (client, TwoNodeLab.NodePort, loopback, 6000), (client, 9002, loopback, 6000),
                (loopback, 6000, loopback, TwoNodeLab.NodePort), (loopback, TwoNodeLab.NodePort, loopback, 6000), (loopback, 7777, loopback, 6001), (loopback, 6001, loopback, 7777),
                (loopback, 1113, node, 7778), (loopback, 1114, node, TwoNodeLab.NodePort),
            ])
        {
            Spoof(ip, from, fromPort, to, toPort);
        }


        Assert.Equal(attempts, Counters().Matches(_lab.Node.RunInside("nft", "list table netdev watch")).Sum(match => int.Parse(match.Groups[1].Value)));
        _lab.Node.RunInside("nft", "delete table netdev watch");
        _lab.Client.Namespace.RunInside("nft", $"delete table {ip} spoof");

        // What is sent honestly afterwards is the first to arrive.
        _lab.Open(_lab.Client.Namespace, SocketType.Dgram, client).SendTo([1, 2, 3], LoopbackLab.To(node, 7778));
        Assert.Equal(3, open.Receive(new byte[10]));
        toNodePort.SendTo([1, 2, 3], LoopbackLab.To(loopback, TwoNodeLab.NodePort));
        Assert.Equal(3, pod.Receive(new byte[10]));
        toService.SendTo([1, 2, 3], LoopbackLab.To(loopback, 7777));
        Assert.Equal(3, service.Receive(new byte[10]));
        Assert.Equal((0, 0), (toNodePort.Available, toService.Available));
    }

    private static void Answer(Socket socket)
    {
        EndPoint from = new IPEndPoint(socket.AddressFamily is AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
        socket.ReceiveFrom(new byte[10], ref from);
        socket.SendTo([2], from);
    }

    // The VIP is routed to the node. The client's own rules change the addresses when its kernel has already chosen that way.
    private void Spoof(string ip, IpAddress from, int fromPort, IpAddress to, int toPort)
    {
        _lab.Client.Namespace.RunInside("nft", $"add table {ip} spoof ; add chain {ip} spoof last {{ type filter hook postrouting priority 300 ; }} ; flush chain {ip} spoof last ; "
            + $"add rule {ip} spoof last udp dport {toPort} {ip} saddr set {from} {ip} daddr set {to}");
        using var socket = _lab.Open(_lab.Client.Namespace, SocketType.Dgram, _lab.Client.Address(from.Family), fromPort);
        socket.SendTo([6, 6, 6, 6, 6], LoopbackLab.To(TwoNodeLab.Vip(from.Family), toPort));
    }

    [GeneratedRegex("counter packets ([0-9]+)")]
    private static partial Regex Counters();

    [Theory]
    [MemberData(nameof(EitherFamily))]
    public void LeavesConnectionsAlone_ThatBeganBeforeTheNodePortDid(IpFamily family)
    {
        var loopback = LoopbackLab.Loopback(family);
        var table = _lab.OpenTable(family);
        table.Reconcile([]);
        var datagrams = _lab.Open(_lab.Node, SocketType.Dgram, loopback, TwoNodeLab.NodePort);
        var listener = _lab.Open(_lab.Node, SocketType.Stream, loopback, TwoNodeLab.NodePort);
        var (flow, connection) = (_lab.Open(_lab.Node, SocketType.Dgram, loopback), _lab.Open(_lab.Node, SocketType.Stream, loopback));
        flow.Connect(LoopbackLab.To(loopback, TwoNodeLab.NodePort));
        connection.Connect(LoopbackLab.To(loopback, TwoNodeLab.NodePort));
        using var server = listener.Accept();
        flow.Send([1]);
        Answer(datagrams);
        Assert.Equal(1, flow.Receive(new byte[10]));

        table.Reconcile(LoopbackLab.Plans(TwoNodeLab.Service(family), _lab.Slice(family, "local")));
        LoopbackLab.AssertCarries(connection, server);
        flow.Send([1]);
        Answer(datagrams);
        Assert.Equal(1, flow.Receive(new byte[10]));
        foreach (var protocol in (Protocol[])[Protocol.Tcp, Protocol.Udp])
            Assert.Equal("local", _lab.Process.Ask(protocol, loopback, TwoNodeLab.NodePort).From);
    }

    [Theory]
    [MemberData(nameof(EitherFamily))]
    public void GoesAndComes_WithTheSetting(IpFamily family)
    {
        var ip = family is IpFamily.IPv4 ? "ip" : "ip6";
        var plans = LoopbackLab.Plans(TwoNodeLab.Service(family), _lab.Slice(family, "local"));
        _lab.Program(family, slice: _lab.Slice(family, "local"));
        Assert.Contains("localhost", _lab.Node.RunInside("nft", $"list table {ip} portolan"));
        Assert.Equal("local", _lab.Process.Ask(Protocol.Tcp, LoopbackLab.Loopback(family), TwoNodeLab.NodePort).From);

        var restarted = _lab.OpenTable(family, LoopbackLab.Settings with { LoopbackSources = [] });
        Assert.NotEqual(0, restarted.Reconcile(plans));
        Assert.Equal(0, restarted.Reconcile(plans));
        Assert.DoesNotContain("localhost", _lab.Node.RunInside("nft", $"list table {ip} portolan"));
        Assert.Equal(Packets.Answer.Refused, _lab.Process.Ask(Protocol.Tcp, LoopbackLab.Loopback(family), TwoNodeLab.NodePort));
        Assert.Equal("local", _lab.Client.Ask(Protocol.Tcp, TwoNodeLab.NodeIP(family), TwoNodeLab.NodePort).From);

        // And on again, while the proxy runs.
        restarted.Settings = LoopbackLab.Settings;
        restarted.Reconcile(plans);
        Assert.Equal("local", _lab.Process.Ask(Protocol.Tcp, LoopbackLab.Loopback(family), TwoNodeLab.NodePort).From);
    }

    [Fact]
    public void IsListedByNft()
    {
        foreach (var family in LoopbackLab.Families)
            _lab.Program(family);
        var listing = _lab.Node.RunInside("nft", "list ruleset");
        foreach (var rule in (string[])
            [
                "ip saddr 127.0.0.0/8 ct status snat,dnat / snat,dnat ct direction original ip saddr set 192.0.2.1 accept",
                "ip daddr 127.0.0.0/8 iif != \"lo\" ct status snat,dnat / snat,dnat ct direction reply goto localhost-answer",
                "ip6 daddr set ct reply ip6 daddr",
                "ip6 saddr ::1 iif != \"lo\" ct status snat,dnat / snat,dnat ct direction reply ip6 daddr set ct original ip6 saddr",
            ])
        {
            Assert.Contains(rule, listing);
        }
    }

    [Fact]
    public void IsShownAmongTheVirtualServers()
    {
        foreach (var family in LoopbackLab.Families)
            _lab.Program(family, slice: _lab.Slice(family, "local"));
        var servers = _lab.Node.Inside(() => VirtualServerTable.Read())!;
        foreach (var address in LoopbackLab.Families.Select(LoopbackLab.Loopback))
        foreach (var protocol in Enum.GetValues<Protocol>())
        {
            var server = Assert.Single(servers, server => server.IsNodePort && server.Address == address && server.Protocol == protocol);
            Assert.Equal((TwoNodeLab.NodePort, 1), (server.Port, server.RealServers.Count));
        }
    }

    public void Dispose() => _lab.Dispose();
}
