using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Core.Addresses;
using Portolan.Hosting;
using Portolan.Proxy;
using Portolan.Proxy.Nftables;
using static Portolan.Tests.Proxy.ForwardingLab;

namespace Portolan.Tests.Proxy;

/// <summary>The ranges of ClusterIPs, as they become known, seen by packets.</summary>
public sealed class ServiceCidrTests : IAsyncDisposable
{
    private static readonly IpAddress _unused = IpAddress.Parse("10.8.0.77");

    private readonly ForwardingLab _lab = new(pods: 1);
    private readonly CancellationTokenSource _stop = new();
    private readonly Readiness _readiness = new();
    private readonly ProxyKernel _kernel;
    private readonly ProxyLoop _loop;
    private readonly Task _running;

    public ServiceCidrTests()
    {
        // Without the rule packets to unused ClusterIPs would go back out to a host that refuses.
        _lab.Node.Link("route add 10.8.0.0/16 via 192.0.2.10");
        _lab.Client.Link($"addr add {_unused}/32 dev lo");
        _kernel = _lab.Node.Inside(() => new ProxyKernel(new TableSettings(), NullLogger.Instance));
        _loop = new ProxyLoop(Context, _kernel, _readiness, TimeProvider.System, NullLogger.Instance);
        _running = _loop.RunAsync(_stop.Token);
    }

    private Task Post(params ProxyEvent[] events) => Task.Run(async () =>
    {
        foreach (var what in events)
            await _loop.PostAsync(what, _stop.Token);
    });

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

    private string AnswerToPod(IpAddress address) => _lab.Pods[0].Ask(To(address, 80), 300);

    [Fact]
    [Contract("proxy §1.3-4")]
    public async Task DropsWhatIsForUnusedAddresses_OnceTheRangesAreKnown_AndForwardsBefore()
    {
        await Post(
            new ProxyEvent.ServiceSet(Service()), new ProxyEvent.SliceSet(Slice([0])),
            new ProxyEvent.Synced(ProxySource.Services), new ProxyEvent.Synced(ProxySource.EndpointSlices), new ProxyEvent.Synced(ProxySource.Node));
        await Until(() => _readiness.IsReady, "programmed without the ranges");
        Assert.StartsWith("pod0", AnswerToPod(ClusterIP));
        Assert.Equal("refused", AnswerToPod(_unused));

        await Post(new ProxyEvent.ServiceCidrsSet([Prefix("10.8.0.0/17"), Prefix("10.8.0.0/16"), Prefix("fd00:8::/112")]));
        await Until(() => AnswerToPod(_unused) == "nothing", "dropped");
        Assert.Equal("nothing", _lab.Node.Ask(To(_unused, 80), 300));
        Assert.StartsWith("pod0", AnswerToPod(ClusterIP));

        await Post(new ProxyEvent.ServiceCidrsSet([Prefix("10.7.0.0/16")]));
        await Until(() => AnswerToPod(_unused) == "refused", "another range");
    }

    [Fact]
    [Contract("proxy §1.3-4")]
    public async Task KnowsTheRangesFromTheStart_WhereTheyAreReadFirst()
    {
        await Post(
            new ProxyEvent.ServiceCidrsSet([Prefix("10.8.0.0/16")]), new ProxyEvent.ServiceSet(Service()), new ProxyEvent.SliceSet(Slice([0])),
            new ProxyEvent.Synced(ProxySource.Services), new ProxyEvent.Synced(ProxySource.EndpointSlices), new ProxyEvent.Synced(ProxySource.Node));
        await Until(() => _readiness.IsReady, "programmed");
        Assert.Equal("nothing", AnswerToPod(_unused));
        Assert.StartsWith("pod0", AnswerToPod(ClusterIP));
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
