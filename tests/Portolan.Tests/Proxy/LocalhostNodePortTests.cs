using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Tests.Proxy.Packets;

namespace Portolan.Tests.Proxy;

/// <summary>Node ports at 127.0.0.0/8 and ::1, asked for by the node's own processes. No test changes <c>route_localnet</c>, and it is off.</summary>
public sealed class LocalhostNodePortTests : IClassFixture<TwoNodeLab>, IDisposable
{
    private readonly LoopbackLab _lab;

    public LocalhostNodePortTests(TwoNodeLab lab)
    {
        NetworkNamespace.SkipUnlessRoot();
        _lab = new LoopbackLab(lab);
    }

    public static TheoryData<IpFamily> EitherFamily => [.. LoopbackLab.Families];

    [Theory]
    [MemberData(nameof(EitherFamily))]
    [Contract("proxy §1.6-5")]
    public void ReachesEveryEndpoint_OverEveryProtocol(IpFamily family)
    {
        _lab.Program(family);
        var wrong = new List<Answer>();
        foreach (var protocol in Enum.GetValues<Protocol>())
        {
            var answers = _lab.Process.AskMany(protocol, LoopbackLab.Loopback(family), TwoNodeLab.NodePort, 6, 200, answers => answers.DistinctBy(answer => answer.From).Count() == 3);
            Assert.Equal(["local", "local2", "remote"], answers.Select(answer => answer.From).Distinct().Order());
            wrong.AddRange(answers.Where(answer => answer.Port != TwoNodeLab.ResponderPort || IPAddress.IsLoopback(answer.Source.ToIPAddress())));
        }

        Assert.Empty(wrong);
        Assert.DoesNotContain("1", _lab.Node.RunInside("sh", "-c \"cat /proc/sys/net/ipv4/conf/*/route_localnet\""));
    }

    [Fact]
    public void AnswersFromTheAddressThatWasAsked_ToTheAddressThatAsked()
    {
        _lab.Program(IpFamily.IPv4);
        var client = new LabHost("node", _lab.Node, IpAddress.Parse("127.1.2.3"), IpAddress.Parse("::1"));
        foreach (var protocol in Enum.GetValues<Protocol>())
        {
            // The client's socket is bound and connected: it hears nothing from elsewhere.
            Assert.Equal(TwoNodeLab.ResponderPort, client.Ask(protocol, IpAddress.Parse("127.0.0.5"), TwoNodeLab.NodePort).Port);
            
        }
    }

    [Theory]
    [InlineData(IpFamily.IPv4, 1500)]
    [InlineData(IpFamily.IPv6, 1500)]
    [InlineData(IpFamily.IPv4, 1300)]
    [InlineData(IpFamily.IPv6, 1300)]
    public async Task CarriesMegabytesBothWays(IpFamily family, int mtu)
    {
        // That the way is narrower than loopback and the pod say is only found out from ICMP errors, which have to find the socket, too.
        _lab.Node.Link($"route replace {_lab.Local.Address(family)} dev veth-local mtu {mtu}");
        _lab.Program(family, slice: LoopbackLab.At(_lab.Slice(family, "local"), 9000));
        var listener = _lab.Open(_lab.Local.Namespace, SocketType.Stream, IpAddress.Of(family, 0), 9000);
        var client = _lab.Open(_lab.Node, SocketType.Stream, LoopbackLab.Loopback(family));
        var sent = RandomNumberGenerator.GetBytes(16 << 20);
        var echo = Task.Run(async () =>
        {
            using var server = new NetworkStream(await listener.AcceptAsync(), ownsSocket: true);
            await server.CopyToAsync(server, TestContext.Current.CancellationToken);
        });
        client.Connect(LoopbackLab.To(LoopbackLab.Loopback(family)));
        await using var stream = new NetworkStream(client);
        var received = new byte[sent.Length];
        var reading = stream.ReadExactlyAsync(received, TestContext.Current.CancellationToken).AsTask();
        await stream.WriteAsync(sent, TestContext.Current.CancellationToken);
        await reading.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        client.Shutdown(SocketShutdown.Send);
        await echo.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        Assert.True(sent.AsSpan().SequenceEqual(received));
        _lab.Node.Link($"route replace {_lab.Local.Address(family)} dev veth-local");
    }

    [Theory]
    [MemberData(nameof(EitherFamily))]
    public void RefusesAtOnce_WithoutEndpointsAndWhereTheEndpointRefuses(IpFamily family)
    {
        var table = _lab.Program(family, slice: _lab.Slice(family));
        AssertRefused();
        table.Reconcile(LoopbackLab.Plans(TwoNodeLab.Service(family), LoopbackLab.At(_lab.Slice(family, "local"), 9)));
        AssertRefused();

        // And nobody ever listens there.
        table.Reconcile([]);
        AssertRefused();

        void AssertRefused()
        {
            foreach (var protocol in (Protocol[])[Protocol.Tcp, Protocol.Udp])
                Assert.Equal(Answer.Refused, _lab.Process.Ask(protocol, LoopbackLab.Loopback(family), TwoNodeLab.NodePort));
        }
    }

    [Theory]
    [MemberData(nameof(EitherFamily))]
    [Contract("proxy §1.2-15")]
    [Contract("proxy §1.6-5")]
    public void GetsTheClustersEndpointsMasqueraded_WhenExternalTrafficPolicyIsLocal(IpFamily family)
    {
        _lab.Program(family, service: TwoNodeLab.Service(family) with { ExternalTrafficPolicy = TrafficPolicy.Local }, slice: _lab.Slice(family, "remote"));
        foreach (var protocol in Enum.GetValues<Protocol>())
        {
            var answer = _lab.Process.Ask(protocol, LoopbackLab.Loopback(family), TwoNodeLab.NodePort);
            Assert.Equal("remote", answer.From);
            Assert.False(IPAddress.IsLoopback(answer.Source.ToIPAddress()));
        }
    }

    [Theory]
    [MemberData(nameof(EitherFamily))]
    [Contract("proxy §1.6-5")]
    public void ComesBackToTheSameEndpoint_WithSessionAffinity(IpFamily family)
    {
        _lab.Program(family, service: TwoNodeLab.Service(family) with { AffinitySeconds = 600 });
        var answers = _lab.Process.AskMany(Protocol.Tcp, LoopbackLab.Loopback(family), TwoNodeLab.NodePort, 20);
        Assert.Single(answers.Select(answer => answer.From).Distinct());
    }

    [Theory]
    [MemberData(nameof(EitherFamily))]
    public void ReachesAnEndpointOnTheNodeItself(IpFamily family)
    {
        using var responders = new Responders(_lab.Node, "hostnetwork", family is IpFamily.IPv4 ? IPAddress.Any : IPAddress.IPv6Any, 8090);
        var slice = LoopbackLab.At(_lab.Slice(family, "local"), 8090);
        _lab.Program(family, slice: slice with { Endpoints = [slice.Endpoints[0] with { Address = TwoNodeLab.NodeIP(family) }] });
        foreach (var protocol in Enum.GetValues<Protocol>())
            Assert.Equal("hostnetwork", _lab.Process.Ask(protocol, LoopbackLab.Loopback(family), TwoNodeLab.NodePort).From);
    }

    [Theory]
    [MemberData(nameof(EitherFamily))]
    public void KeepsConnections_WhenTheProxyRestartsAndWhenTheServiceGoes(IpFamily family)
    {
        var slice = LoopbackLab.At(_lab.Slice(family, "local"), 9001);
        _lab.Program(family, slice: slice);
        var listener = _lab.Open(_lab.Local.Namespace, SocketType.Stream, IpAddress.Of(family, 0), 9001);
        var client = _lab.Open(_lab.Node, SocketType.Stream, LoopbackLab.Loopback(family));
        client.Connect(LoopbackLab.To(LoopbackLab.Loopback(family)));
        using var server = listener.Accept();
        LoopbackLab.AssertCarries(client, server);

        var restarted = _lab.OpenTable(family);
        Assert.Equal(0, restarted.Reconcile(LoopbackLab.Plans(TwoNodeLab.Service(family), slice)));
        LoopbackLab.AssertCarries(client, server);
        restarted.Reconcile([]);
        LoopbackLab.AssertCarries(client, server);
    }

    [Theory]
    [MemberData(nameof(EitherFamily))]
    public void TellsItsAnswersFromThoseOfADirectConnection_WithTheSamePorts(IpFamily family)
    {
        _lab.Program(family, slice: _lab.Slice(family, "local"));
        var source = _lab.Process.Ask(Protocol.Udp, LoopbackLab.Loopback(family), TwoNodeLab.NodePort).Source;
        foreach (var type in (SocketType[])[SocketType.Stream, SocketType.Dgram])
        {
            var direct = _lab.Open(_lab.Node, type, source);
            direct.Connect(LoopbackLab.To(_lab.Local.Address(family), TwoNodeLab.ResponderPort));
            var port = ((IPEndPoint)direct.LocalEndPoint!).Port;
            var client = _lab.Connecting(_lab.Node, type, LoopbackLab.Loopback(family), port);
            client.Connect(LoopbackLab.To(LoopbackLab.Loopback(family)));
            foreach (var socket in (Socket[])[client, direct])
            {
                if (type is SocketType.Dgram)
                    socket.Send([1]);
                Assert.NotEqual(0, socket.Receive(new byte[100]));
            }
        }
    }

    public void Dispose() => _lab.Dispose();
}
