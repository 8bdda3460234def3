using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;
using Portolan.Proxy;
using Portolan.Proxy.Nftables;
using Portolan.Proxy.Cleanup;
using static Portolan.Tests.Proxy.ForwardingLab;

namespace Portolan.Tests.Proxy.Cleanup;

public sealed class StaleFlowCleanerTests : IDisposable
{
    private const int Port = 9090;
    private readonly ForwardingLab _lab = new(pods: 2);
    private readonly ProxyKernel _kernel;
    private readonly List<FlowSearch> _searches = [];

    public StaleFlowCleanerTests()
    {
        _kernel = _lab.Node.Inside(() => new ProxyKernel(new TableSettings { NodePortAddresses = NodePortAddresses.From([]) }, NullLogger.Instance));
        _kernel.Flows.Searched += _searches.Add;
    }

    public void Dispose()
    {
        _kernel.Dispose();
        _lab.Dispose();
    }

    private static Socket Open(NetworkNamespace at, SocketType type, IPEndPoint local) => at.Inside(() =>
    {
        var socket = new Socket(local.AddressFamily, type, type is SocketType.Stream ? ProtocolType.Tcp : ProtocolType.Udp) { ReceiveTimeout = 5000, SendTimeout = 5000 };
        if (local.AddressFamily is AddressFamily.InterNetworkV6)
            socket.DualMode = true;
        socket.Bind(local);
        return socket;
    });

    private static EndpointSliceFacts Holding(Protocol protocol, params int[] pods) => Slice(pods) with { Ports = [new EndpointPort("", protocol, Port)] };

    [Theory]
    [InlineData(true)]
    [InlineData(false)]
    [Contract("proxy §1.8-2")]
    public void EndsTcpConnectionsToEndpointsThatAreGone_OnlyWhenTold(bool told)
    {
        using var listener = Open(_lab.Pods[0], SocketType.Stream, new IPEndPoint(IPAddress.Any, Port));
        listener.Listen();
        var index = new ForwardingIndex(Context with { EndsTcpFlows = told });
        index.Set(Service());
        index.Set(Holding(Protocol.Tcp, 0));
        index.TakeChanges();
        _kernel.Reconcile([.. index.Plans]);
        using var client = Open(_lab.Client, SocketType.Stream, new IPEndPoint(IPAddress.Any, 0));
        client.Connect(To(Vip, 80));
        using var server = listener.Accept();
        server.Send("hello"u8);
        Assert.Equal(5, client.Receive(new byte[100]));
        _searches.Clear();

        // As when a node dies: no FIN and no RST comes from there.
        _lab.Pods[0].Link("link set eth0 down");
        index.Set(Holding(Protocol.Tcp, 1));
        _kernel.Apply(index.TakeChanges());
        Assert.Equal(told ? [1] : [], _searches.Select(search => search.Ended));

        // The next packet is a stranger to the endpoint that it is sent to now.
        client.ReceiveTimeout = told ? 5000 : 700;
        client.Send("anyone there?"u8);
        var failure = Assert.Throws<SocketException>(() => client.Receive(new byte[100]));
        Assert.Equal(told ? SocketError.ConnectionReset : SocketError.TimedOut, failure.SocketErrorCode);
    }

    [Fact]
    [Contract("proxy §1.8-1")]
    public void EndsUdpFlowsOfEitherFamily_AndOfNodePorts()
    {
        var service = Service() with
        {
            ClusterIPs = [ClusterIP, IpAddress.Parse("fd00:8::1")],
            Ports = [new ServicePort("", Protocol.Udp, 53, 31053)],
        };
        var index = new ForwardingIndex(Context);
        index.Set(service);
        IPEndPoint[] fronts = [To(ClusterIP, 53), To(Vip, 53), To(NodeIP, 31053), IPEndPoint.Parse("[fd00:8::1]:53")];
        var clients = fronts.Select(front => Open(_lab.Client, SocketType.Dgram, new IPEndPoint(front.AddressFamily is AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0))).ToList();
        var servers = _lab.Pods.Select(pod => Open(pod, SocketType.Dgram, new IPEndPoint(IPAddress.IPv6Any, Port))).ToList();
        Show(0);
        index.TakeChanges();
        _kernel.Reconcile([.. index.Plans]);
        ReachAll(0);
        Assert.Equal(0, _searches.Sum(search => search.Ended));
        Show(1);
        _kernel.Apply(index.TakeChanges());
        Assert.Equal([(IpFamily.IPv4, 3), (IpFamily.IPv6, 1)], _searches.TakeLast(2).Select(search => (search.Family, search.Ended)).Order());
        ReachAll(1);

        // As if never told: a restart in the meantime.
        Show(0);
        index.TakeChanges();
        _kernel.Reconcile([.. index.Plans]);
        ReachAll(0);
        foreach (var socket in clients.Concat(servers))
            socket.Dispose();

        void Show(int pod)
        {
            index.Set(Holding(Protocol.Udp, pod));
            index.Set(Holding(Protocol.Udp) with
            {
                Key = new ObjectKey("default", "web-6"),
                Family = IpFamily.IPv6,
                Endpoints = [new EndpointFacts { Address = IpAddress.Parse($"fd00:9::{pod + 2}"), NodeName = "node" }],
            });
        }

        void ReachAll(int pod)
        {
            for (var i = 0; i < fronts.Length; i++)
            {
                clients[i].SendTo([(byte)i], fronts[i]);
                var buffer = new byte[1];
                servers[pod].Receive(buffer);
                Assert.Equal(i, buffer[0]);
            }
        }
    }
}
