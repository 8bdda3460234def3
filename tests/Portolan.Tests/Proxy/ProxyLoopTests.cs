using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Hosting;
using Portolan.Linux.Nftables;
using Portolan.Proxy;
using Portolan.Proxy.Nftables;
using static Portolan.Tests.Proxy.ForwardingLab;

namespace Portolan.Tests.Proxy;

public sealed class ProxyLoopTests : IAsyncDisposable
{
    private readonly ForwardingLab _lab = new(pods: 2);
    private readonly CancellationTokenSource _stop = new();
    private readonly ProxyKernel _kernel;
    private readonly ProxyLoop _loop;
    private readonly Readiness _readiness = new();
    private readonly Task _running;

    public ProxyLoopTests()
    {
        _kernel = _lab.Node.Inside(() => new ProxyKernel(new TableSettings { NodePortAddresses = NodePortAddresses.From([]) }, NullLogger.Instance));
        _loop = new ProxyLoop(Context, _kernel, _readiness, TimeProvider.System, NullLogger.Instance);
        _running = Task.WhenAny(_loop.RunAsync(_stop.Token), WatchAsync()).Unwrap();
    }

    private async Task WatchAsync()
    {
        while (true)
            await Post(new ProxyEvent.KernelChanged(await _kernel.ForeignChanges.ReceiveAsync(_stop.Token)));
    }

    private Task Post(params ProxyEvent[] events) => Task.Run(async () =>
    {
        foreach (var what in events)
            await _loop.PostAsync(what, _stop.Token);
    });

    private Task Synced() => Post(new ProxyEvent.Synced(ProxySource.Services), new ProxyEvent.Synced(ProxySource.EndpointSlices), new ProxyEvent.Synced(ProxySource.Node));

    private async Task Until(Func<bool> condition, string what)
    {
        var deadline = DateTime.UtcNow.AddSeconds(20);
        while (!condition())
        {
            Assert.False(_running.IsFaulted, _running.Exception?.ToString());
            Assert.True(DateTime.UtcNow < deadline, "in vain: " + what);
            await Task.Delay(5, TestContext.Current.CancellationToken);
        }
    }

    private bool HasTable() => _lab.Node.Inside(() =>
    {
        using var connection = NftConnection.Open();
        return connection.HasTable(NftFamily.Ip, Shape.Table);
    });

    [Fact]
    [Contract("proxy §1.1-9")]
    public async Task TakesNothingAway_BeforeEverythingWasRead()
    {
        await Post(new ProxyEvent.ServiceSet(Service()), new ProxyEvent.SliceSet(Slice([0, 1])), new ProxyEvent.Synced(ProxySource.Services), new ProxyEvent.Synced(ProxySource.Node));
        await Task.Delay(100, TestContext.Current.CancellationToken);
        Assert.False(HasTable());
        Assert.False(_readiness.IsReady);
        await Post(new ProxyEvent.Synced(ProxySource.EndpointSlices));
        await Until(() => _readiness.IsReady, "programmed");
        Assert.StartsWith("pod", _lab.Client.Ask(To(Vip, 80)));
    }

    [Fact]
    [Contract("proxy §1.1-11")]
    public async Task PutsTheTableBack_WhenSomebodyDeletesIt()
    {
        await Post(new ProxyEvent.ServiceSet(Service()), new ProxyEvent.SliceSet(Slice([0, 1])));
        await Synced();
        await Until(() => _readiness.IsReady, "programmed");
        foreach (var harm in (string[])["delete table ip portolan", "flush ruleset", "flush chain ip portolan prerouting"])
        {
            _lab.Node.RunInside("nft", harm);
            await Until(() => _lab.Client.Ask(To(Vip, 80), 200).StartsWith("pod", StringComparison.Ordinal), "forwards again after " + harm);
        }

        // And what comes next is programmed as ever.
        await Post(new ProxyEvent.SliceGone(new ObjectKey("default", "web-1")));
        await Until(() => _lab.Client.Ask(To(Vip, 80)) == "refused", "refused without endpoints");
    }

    [Fact]
    [Contract("proxy §1.1-11")]
    public async Task LeavesAnElementTakenOutByHand_ForAWhile()
    {
        await Post(new ProxyEvent.ServiceSet(Service()), new ProxyEvent.SliceSet(Slice([0, 1])));
        await Synced();
        await Until(() => _readiness.IsReady, "programmed");
        Assert.Equal(["192.0.2.1:31313", "192.0.2.240:80", "10.8.0.1:80"], Fronts());
        _lab.Node.RunInside("nft", "delete element ip portolan fronts { 192.0.2.240 . tcp . 80 }");
        Assert.Equal(["192.0.2.1:31313", "10.8.0.1:80"], Fronts());
        var server = Read()[0].RealServers[0].Server;
        var slot = _lab.Node.RunInside("nft", "list map ip portolan endpoints").Split([',', '{', '}'], StringSplitOptions.TrimEntries).Single(element => element.EndsWith($": {server.Address} . {server.Port}", StringComparison.Ordinal));
        _lab.Node.RunInside("nft", $"delete element ip portolan endpoints {{ {slot} }}");
        Assert.All(Read().Where(row => row.Address.IsIPv4), row => Assert.Equal(server with { Address = IpAddress.Parse("10.9.0.3") }, Assert.Single(row.RealServers).Server));

        List<KernelVirtualServer> Read() => _lab.Node.Inside(() => VirtualServerTable.Read())!;

        IEnumerable<string> Fronts() => Read().Where(server => server.Address.IsIPv4 && server.Address != IpAddress.Parse("169.254.1.1")).Select(server => $"{server.Address}:{server.Port}");
    }

    [Fact]
    [Contract("proxy §1.8-1")]
    public async Task EndsUdpFlowsToEndpointsThatAreGone()
    {
        var sockets = _lab.Pods.Select(pod => pod.Inside(() => Udp(new IPEndPoint(IPAddress.Any, 5353)))).ToList();
        using var client = _lab.Client.Inside(() => Udp(new IPEndPoint(IPAddress.Any, 40000)));
        client.Connect(To(ClusterIP, 53));
        var service = Service("dns") with { Type = ServiceType.ClusterIP, Ingress = [], Ports = [new ServicePort("", Protocol.Udp, 53, 0)] };
        await Post(new ProxyEvent.ServiceSet(service), new ProxyEvent.SliceSet(Dns(0)));
        await Synced();
        await Until(() => _readiness.IsReady, "programmed");
        await Until(() => Reaches(0), "the first endpoint");
        await Post(new ProxyEvent.SliceSet(Dns(1)));
        await Until(() => Reaches(1), "the second endpoint, on the same flow");
        foreach (var socket in sockets)
            socket.Dispose();

        static EndpointSliceFacts Dns(int pod) => Slice([pod], service: "dns") with { Ports = [new EndpointPort("", Protocol.Udp, 5353)] };

        static Socket Udp(IPEndPoint at)
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Dgram, ProtocolType.Udp) { Blocking = false };
            socket.Bind(at);
            return socket;
        }

        bool Reaches(int pod)
        {
            var buffer = new byte[10];
            while (sockets[pod].Available > 0)
                sockets[pod].Receive(buffer);
            client.Send([1]);
            return sockets[pod].Poll(50_000, SelectMode.SelectRead);
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ContinueWith(_ => { }, TaskScheduler.Default);
        _kernel.Dispose();
        _lab.Dispose();
        _stop.Dispose();
    }
}
