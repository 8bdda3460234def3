using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Linux.Links;
using Portolan.Linux.Sockets;
using Portolan.Protocols.Arp;
using Portolan.Speaker.Readiness;
using Portolan.Tests.Proxy;

namespace Portolan.Tests.Speaker.Readiness;

/// <summary>A node and its router, each a real kernel.</summary>
public sealed class GatewayWatchTests : IAsyncDisposable
{
    private readonly NetworkNamespace _node = Made("gw-node");
    private readonly NetworkNamespace _router = Made("gw-router");
    private readonly CancellationTokenSource _stop = new();
    private readonly ConcurrentQueue<bool> _told = new();
    private readonly GatewayWatch _watch;
    private Task _run = Task.CompletedTask;

    public GatewayWatchTests()
    {
        _node.Wire("eth0", _router, "eth0");
        _watch = new GatewayWatch(
            () => _node.Inside(GatewayMonitor.Open), (link, family) => _node.Inside(() => NeighborAnswers.Open(link, family)), NullLogger.Instance, _told.Enqueue);
    }

    private static NetworkNamespace Made(string role)
    {
        NetworkNamespace.SkipUnlessRoot();
        return new NetworkNamespace(role);
    }

    [Fact]
    public async Task FindsThatTheRouterFellSilent_AndThatItIsBack_WithAnotherHardwareAddress()
    {
        _node.Link("addr add 192.168.100.100/24 dev eth0");
        _router.Link("addr add 192.168.100.1/24 dev eth0");
        _node.Link("route add default via 192.168.100.1");
        using var station = Station(_router);
        Start();
        // Answered: the second question is for the router alone.
        Assert.Equal(MacAddress.Broadcast, Question(station).Destination);
        Assert.NotEqual(MacAddress.Broadcast, Question(station).Destination);
        Assert.Empty(_told);
        _router.Link("addr del 192.168.100.1/24 dev eth0"); // the cable stays
        Assert.True(await Told());
        _router.Link("link set eth0 address 02:00:5e:10:00:01");
        _router.Link("addr add 192.168.100.1/24 dev eth0");
        Assert.False(await Told());
    }

    [Fact]
    public void AsksNoFasterThanOnceASecond_InTheNodesOwnName()
    {
        _node.Link("addr add 10.9.9.9/24 dev eth0");
        _node.Link("addr add 192.168.100.100/24 dev eth0");
        _router.Link("addr add 192.168.100.1/24 dev eth0");
        _node.Link("route add default via 192.168.100.1");
        using var station = Station(_router);
        Start();
        var first = Question(station);
        var time = Stopwatch.StartNew();
        Assert.Equal((new IPv4(0xc0a86464), new IPv4(0xc0a86401)), (first.Packet.Sender, first.Packet.Target));
        for (var i = 0; i < 3; i++)
            Assert.Equal(first.Packet.Sender, Question(station).Packet.Sender);
        Assert.InRange(time.Elapsed, TimeSpan.FromSeconds(2.5), TimeSpan.MaxValue);
    }

    [Fact]
    public async Task FindsTheSameOfAnIPv6Router()
    {
        _router.Link("addr add fe80::1/64 dev eth0 nodad");
        _node.Link("addr add fe80::100/64 dev eth0 nodad");
        _node.Link("-6 route add default via fe80::1 dev eth0");
        Start();
        await Task.Delay(4500, TestContext.Current.CancellationToken);
        Assert.Empty(_told); // four questions, none of them unanswered for long
        _router.Link("addr del fe80::1/64 dev eth0");
        Assert.True(await Told());
        _router.Link("addr add fe80::1/64 dev eth0 nodad");
        Assert.False(await Told());
    }

    [Fact]
    public async Task AnIPv4RouteThroughAnIPv6Neighbor_IsAskedForAsThat()
    {
        _router.Link("addr add fe80::1/64 dev eth0 nodad");
        _node.Link("addr add fe80::100/64 dev eth0 nodad");
        _node.Link("addr add 192.168.100.100/32 dev eth0");
        _node.Link("route add default via inet6 fe80::1 dev eth0");
        Start();
        await Task.Delay(4500, TestContext.Current.CancellationToken);
        Assert.Empty(_told);
        _router.Link("addr del fe80::1/64 dev eth0");
        Assert.True(await Told());
        _node.Link("route del default via inet6 fe80::1 dev eth0"); // no gateway, no trouble
        Assert.False(await Told());
    }

    [Fact]
    public async Task ASilentCableIsNoDifference_AndANewInterfaceIsLookedAt()
    {
        _node.Link("addr add 192.168.100.100/24 dev eth0");
        _router.Link("addr add 192.168.100.1/24 dev eth0");
        _node.Link("route add default via 192.168.100.1");
        Start();
        _router.Link("link set eth0 down");
        Rescan();
        Assert.True(await Told());
        // Its routes go with an interface, and the kernel says nothing of IPv4's.
        _node.Link("link delete eth0");
        Rescan();
        Assert.False(await Told());
        _node.Wire("eth0", _router, "eth0");
        _node.Link("addr add 192.168.100.100/24 dev eth0");
        _node.Link("route add default via 192.168.100.1");
        Rescan();
        Assert.True(await Told()); // nobody has the address yet
        _router.Link("addr add 192.168.100.1/24 dev eth0");
        Assert.False(await Told());
    }

    [Fact]
    public async Task TheMonitorKnowsTheRoutesOfLeastMetric_AndHearsWhatTheKernelFindsOut()
    {
        _node.Link("addr add 192.168.100.100/24 dev eth0");
        _router.Link("addr add 192.168.100.1/24 dev eth0");
        _router.Link("addr add 192.168.100.2/24 dev eth0");
        using var monitor = _node.Inside(GatewayMonitor.Open);
        Assert.Empty(monitor.Current);
        _node.Link("route add default via 192.168.100.9 metric 300");
        await Until(monitor, "192.168.100.9");
        _node.Link("route add default metric 100 nexthop via 192.168.100.1 nexthop via 192.168.100.2");
        await Until(monitor, "192.168.100.1 192.168.100.2");
        _node.Link("route add 10.0.0.0/8 via 192.168.100.9");
        _node.Link("-6 addr add fd00:100::100/64 dev eth0 nodad");
        _node.Link("-6 route add default via fd00:100::1");
        await Until(monitor, "192.168.100.1 192.168.100.2 fd00:100::1");

        _router.Serve("router", new IPEndPoint(IPAddress.Parse("192.168.100.2"), 80));
        var asked = Task.Run(() => _node.Ask(new IPEndPoint(IPAddress.Parse("192.168.100.2"), 80)), TestContext.Current.CancellationToken);
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(20));
        IReadOnlyList<DefaultGateway> answering = [];
        while (answering.Count == 0)
            answering = await monitor.WaitAsync(limit.Token);
        Assert.Equal("192.168.100.2", Assert.Single(answering).Address.ToString());
        await asked;

        _node.Link("route del default metric 100");
        await Until(monitor, "192.168.100.9 fd00:100::1");
    }

    private static async Task Until(GatewayMonitor monitor, string expected)
    {
        using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
        limit.CancelAfter(TimeSpan.FromSeconds(20));
        while (string.Join(' ', monitor.Current.Select(gateway => gateway.Address.ToString()).Order(StringComparer.Ordinal)) != expected)
            await monitor.WaitAsync(limit.Token);
    }

    private void Start()
    {
        Rescan();
        _watch.SetNeeded(true);
        _run = Task.Run(() => _watch.RunAsync(_stop.Token));
    }

    private void Rescan()
    {
        using var monitor = _node.Inside(LinkMonitor.Open);
        _watch.SetLinks(monitor.Current);
    }

    private async Task<bool> Told()
    {
        bool isUnreachable;
        for (var deadline = DateTime.UtcNow.AddSeconds(30); !_told.TryDequeue(out isUnreachable); await Task.Delay(5))
            Assert.True(DateTime.UtcNow < deadline && !_run.IsCompleted, "told in vain " + _run.Exception);
        return isUnreachable;
    }

    private static ArpStation Station(NetworkNamespace where)
    {
        using var monitor = where.Inside(LinkMonitor.Open);
        var link = monitor.Current.Find("eth0")!;
        Span<byte> mac = stackalloc byte[MacAddress.Size];
        link.Address.WriteTo(mac);
        return new ArpStation(where, link.Index, MacAddress.Read(mac));
    }

    private static ArpFrame Question(ArpStation station)
    {
        while (true)
        {
            var frame = station.Next();
            if (frame.Packet.Operation is ArpOperation.Request)
                return frame;
        }
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _run.ContinueWith(_ => { }, TaskScheduler.Default);
        _watch.Dispose();
        _node.Dispose();
        _router.Dispose();
        _stop.Dispose();
    }
}
