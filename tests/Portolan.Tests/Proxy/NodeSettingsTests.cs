using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Hosting;
using Portolan.Linux.Nftables;
using Portolan.Proxy;
using Portolan.Proxy.Configuration;
using Portolan.Proxy.Nftables;
using static Portolan.Tests.Proxy.Configuration.OptionsFixture;
using static Portolan.Tests.Proxy.ForwardingLab;

namespace Portolan.Tests.Proxy;

/// <summary>What the Node says is in force without a restart, seen by packets.</summary>
public sealed class NodeSettingsTests : IAsyncDisposable
{
    private readonly ForwardingLab _lab = new(pods: 2);
    private readonly CancellationTokenSource _stop = new();
    private readonly Readiness _readiness = new();
    private ProxyKernel? _kernel;
    private ProxyLoop? _loop;
    private Task _running = Task.CompletedTask;

    private void Start(string[] flags, TimeProvider? time = null)
    {
        var options = Valid(FromFlags(flags));
        time ??= TimeProvider.System;
        _kernel = _lab.Node.Inside(() => new ProxyKernel(new TableSettings(), NullLogger.Instance));
        _loop = new ProxyLoop(Context, _kernel, _readiness, time, NullLogger.Instance) { Options = options, Node = new NodeWatch(options, null) };
        _running = _loop.RunAsync(_stop.Token);
    }

    private Task Post(params ProxyEvent[] events) => Task.Run(async () =>
    {
        foreach (var what in events)
            await _loop!.PostAsync(what, _stop.Token);
    });

    private Task PostAll(NodeFacts node, params int[] pods) => Post(
        new ProxyEvent.ServiceSet(Service()), new ProxyEvent.SliceSet(Slice(pods)), new ProxyEvent.NodeSet(node),
        new ProxyEvent.Synced(ProxySource.Services), new ProxyEvent.Synced(ProxySource.EndpointSlices), new ProxyEvent.Synced(ProxySource.Node));

    private static NodeFacts Node(string[] addresses, params string[] podCidrs) => new()
    {
        Name = "node",
        InternalIPs = [.. addresses.Select(IpAddress.Parse)],
        PodCIDRs = [.. podCidrs.Select(text => IpPrefix.TryParse(text, out var prefix) ? prefix : throw new ArgumentException(text))],
    };

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

    private bool Answers(string address) => _lab.Client.Ask(To(IpAddress.Parse(address), 31313)).StartsWith("pod", StringComparison.Ordinal);

    // What the second pod sees as the first pod's address: its own, or that of the node's side of the wire.
    private string AddressOfPod() => _lab.Pods[0].Ask(To(ClusterIP, 80)) is { } answer && answer.StartsWith("pod1 ", StringComparison.Ordinal) ? answer.Split(' ')[^1] : "";

    [Fact]
    [Contract("proxy §1.6-1")]
    public async Task AnswersAtTheAddressesTheNodeHasNow()
    {
        _lab.Node.Link("addr add 192.0.2.2/24 dev eth0");
        Start([]);
        await PostAll(Node(["192.0.2.1"]), 0, 1);
        await Until(() => _readiness.IsReady, "programmed");
        Assert.True(Answers("192.0.2.1"));
        Assert.False(Answers("192.0.2.2"));
        await Post(new ProxyEvent.NodeSet(Node(["192.0.2.2"])));
        await Until(() => Answers("192.0.2.2"), "answers at the new address");
        Assert.False(Answers("192.0.2.1"));
    }

    [Fact]
    [Contract("proxy §1.6-1")]
    public async Task AnswersEverywhere_InTheModesThatDo()
    {
        _lab.Node.Link("addr add 192.0.2.2/24 dev eth0");
        Start(["--proxy-mode=ipvs"]);
        await PostAll(Node(["192.0.2.1"]), 0, 1);
        await Until(() => _readiness.IsReady, "programmed");
        Assert.True(Answers("192.0.2.1"));
        Assert.True(Answers("192.0.2.2"));
    }

    [Theory]
    [InlineData("--nodeport-addresses=primary,localhost", true)]
    [InlineData("--proxy-mode=iptables", true)]
    [InlineData("--proxy-mode=iptables --iptables-localhost-nodeports=false", false)]
    [InlineData("--proxy-mode=nftables", false)]
    [Contract("proxy §1.6-5")]
    public async Task AnswersAtLoopback_WhereAskedAndTheNodeHasAnAddress(string flags, bool isAsked)
    {
        Start(flags.Split(' '));
        await PostAll(Node([]), 0, 1);
        await Until(() => _readiness.IsReady, "programmed");
        Assert.Equal("refused", _lab.Node.Ask(Loopback));
        await Post(new ProxyEvent.NodeSet(Node(["192.0.2.1"])));
        await Until(() => Answers("192.0.2.1") && (!isAsked || _lab.Node.Ask(Loopback).StartsWith("pod", StringComparison.Ordinal)), "answers");
        Assert.Equal(isAsked, _lab.Node.Ask(Loopback) != "refused");
    }

    private static System.Net.IPEndPoint Loopback => new(System.Net.IPAddress.Loopback, 31313);

    [Fact]
    [Contract("proxy §1.5-8")]
    public async Task WaitsForPodCidrs_AndFollowsThem()
    {
        Start(["--detect-local-mode=NodeCIDR"]);
        await PostAll(Node(["192.0.2.1"]), 1);
        await Until(() => _readiness.ToString().Contains("podCIDRs", StringComparison.Ordinal), "says what it waits for");
        Assert.False(HasTable());
        await Post(new ProxyEvent.NodeSet(Node(["192.0.2.1"], "10.9.0.0/24")));
        await Until(() => _readiness.IsReady, "programmed");
        Assert.Equal("10.9.0.2", AddressOfPod());
        await Post(new ProxyEvent.NodeSet(Node(["192.0.2.1"], "10.7.0.0/24")));
        await Until(() => AddressOfPod() is { Length: > 0 } seen && seen != "10.9.0.2", "masquerades what is no pod's any more");
        await Post(new ProxyEvent.NodeSet(Node(["192.0.2.1"])), new ProxyEvent.NodeSet(Node(["192.0.2.1"], "10.9.0.0/16")));
        await Until(() => AddressOfPod() == "10.9.0.2", "pods are told again");
    }

    [Theory]
    [InlineData("--detect-local-mode=InterfaceNamePrefix", "--pod-interface-name-prefix=po", true)]
    [InlineData("--detect-local-mode=InterfaceNamePrefix", "--pod-interface-name-prefix=eth", false)]
    [InlineData("--detect-local-mode=BridgeInterface", "--pod-bridge-interface=pod0", true)]
    [InlineData("--detect-local-mode=BridgeInterface", "--pod-bridge-interface=pod1", false)]
    [InlineData("--detect-local-mode=BridgeInterface", "--pod-bridge-interface=po", false)]
    [InlineData("--detect-local-mode=ClusterCIDR", "--cluster-cidr=10.9.0.0/16", true)]
    [InlineData("--detect-local-mode=ClusterCIDR", "--cluster-cidr=10.7.0.0/16", false)]
    [Contract("proxy §1.5-7")]
    [Contract("proxy §1.5-9")]
    [Contract("proxy §1.5-10")]
    public async Task KeepsTheAddressesOfPodsAsTheyAreTold(string mode, string by, bool isPod)
    {
        Start([mode, by]);
        await PostAll(Node(["192.0.2.1"]), 1);
        await Until(() => _readiness.IsReady, "programmed");
        var seen = AddressOfPod();
        Assert.NotEmpty(seen);
        Assert.Equal(isPod, seen == "10.9.0.2");
    }

    [Fact]
    [Contract("proxy §1.1-10")]
    public async Task CollectsChangesForTheMinimumPeriod()
    {
        var time = new FakeTimeProvider();
        Start(["--iptables-min-sync-period=10s"], time);
        await PostAll(Node(["192.0.2.1"]), 0, 1);
        await Until(() => _readiness.IsReady, "programmed at once");
        await Post(new ProxyEvent.SliceSet(Slice([])));
        time.Advance(TimeSpan.FromSeconds(9));
        await Task.Delay(300, TestContext.Current.CancellationToken);
        Assert.True(Answers("192.0.2.1"));
        await Post(new ProxyEvent.SliceSet(Slice([1])));
        time.Advance(TimeSpan.FromSeconds(1.5));
        await Until(() => _lab.Client.AskMany(To(Vip, 80), 20).All(answer => answer.StartsWith("pod1", StringComparison.Ordinal)), "the last of the changes");
    }

    [Fact]
    [Contract("proxy §1.1-10")]
    public async Task PutsRightWhatNobodyToldOf_WhenItComparesEverything()
    {
        Start([]);
        await PostAll(Node(["192.0.2.1"]), 0, 1);
        await Until(() => _readiness.IsReady, "programmed");
        _lab.Node.RunInside("nft", "delete table ip portolan");
        await Post(new ProxyEvent.ComparisonDue());
        await Until(() => Answers("192.0.2.1"), "answers again");
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running.ContinueWith(_ => { }, TaskScheduler.Default);
        _kernel?.Dispose();
        _lab.Dispose();
        _stop.Dispose();
    }
}
