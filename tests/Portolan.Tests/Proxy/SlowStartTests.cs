using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Portolan.Core.Forwarding;
using Portolan.Hosting;
using Portolan.Linux.Nftables;
using Portolan.Proxy;
using Portolan.Proxy.Nftables;
using static Portolan.Tests.Proxy.ForwardingLab;

namespace Portolan.Tests.Proxy;

/// <summary>The proxy's loop steps a new endpoint's share by its clock, and says what is wrong with annotations.</summary>
public sealed class SlowStartTests : IAsyncDisposable
{
    private readonly ForwardingLab _lab = new(pods: 0);
    private readonly CancellationTokenSource _stop = new();
    private readonly FakeTimeProvider _time = new();
    private readonly List<string> _warnings = [];
    private readonly ProxyKernel _kernel;
    private readonly ProxyLoop _loop;
    private readonly Task _running;

    public SlowStartTests()
    {
        _kernel = _lab.Node.Inside(() => new ProxyKernel(new TableSettings(), NullLogger.Instance));
        _loop = new ProxyLoop(Context, _kernel, new Readiness(), _time, NullLogger.Instance) { WarnAbout = (service, message) => _warnings.Add($"{service.Key}: {message}") };
        _running = Task.Run(() => _loop.RunAsync(_stop.Token));
    }

    private async Task Post(params ProxyEvent[] events)
    {
        foreach (var what in events)
            await _loop.PostAsync(what, _stop.Token);
    }

    /// <summary>How many slots each real server has in the kernel, the new one last.</summary>
    private string Slots() => _lab.Node.Inside(() =>
    {
        using var connection = NftConnection.Open();
        if (!connection.HasTable(NftFamily.Ip, Shape.Table))
            return "";
        return string.Join(':', TableReader.Read(connection, NftFamily.Ip).Endpoints.Values.GroupBy(server => server).OrderBy(group => group.Key).Select(group => group.Count()));
    });

    /// <returns>What was seen on the way.</returns>
    private async Task<List<string>> Until(string slots, TimeSpan step = default)
    {
        var seen = new List<string>();
        var deadline = DateTime.UtcNow.AddSeconds(20);
        while (Slots() is var found && found != slots)
        {
            if (found != seen.LastOrDefault())
                seen.Add(found);
            Assert.False(_running.IsFaulted, _running.Exception?.ToString());
            Assert.True(DateTime.UtcNow < deadline, $"in vain: {slots}, but {found}");
            _time.Advance(step);
            await Task.Delay(10, TestContext.Current.CancellationToken);
        }

        return seen;
    }

    [Fact]
    public async Task GivesANewEndpointItsShareLittleByLittle()
    {
        var service = Service() with { Annotations = new Dictionary<string, string> { [Scheduling.SlowStartAnnotation] = "9s" } };
        await Post(
            new ProxyEvent.ServiceSet(service), new ProxyEvent.SliceSet(Slice([0, 1])),
            new ProxyEvent.Synced(ProxySource.Services), new ProxyEvent.Synced(ProxySource.EndpointSlices), new ProxyEvent.Synced(ProxySource.Node));
        await Until("1:1", TimeSpan.FromMilliseconds(1));
        await Post(new ProxyEvent.SliceSet(Slice([0, 1, 2])));
        await Until("10:10:1");
        var seen = await Until("1:1:1", TimeSpan.FromMilliseconds(100));
        Assert.Equal("10:10:1", seen[0]);
        string[] steps = ["10:10:1", "5:5:1", "10:10:3", "5:5:2", "2:2:1", "5:5:3", "10:10:7", "5:5:4", "10:10:9"];
        Assert.Equal(steps.Where(seen.Contains), seen);
        Assert.InRange(seen.Count, 2, steps.Length);
        Assert.Empty(_warnings);
    }

    [Fact]
    public async Task SaysWhatIsWrongWithAnAnnotation()
    {
        var service = Service() with { Annotations = new Dictionary<string, string> { [Scheduling.SchedulerAnnotation] = "wlc" } };
        await Post(
            new ProxyEvent.ServiceSet(service), new ProxyEvent.SliceSet(Slice([0, 1])),
            new ProxyEvent.Synced(ProxySource.Services), new ProxyEvent.Synced(ProxySource.EndpointSlices), new ProxyEvent.Synced(ProxySource.Node));
        await Until("1:1", TimeSpan.FromMilliseconds(1));
        Assert.Equal(["default/web: metadata.annotations[portolan.dev/scheduler]: wlc: is of IPVS, and this node's proxy forwards by nftables; the Service is forwarded as without it"], _warnings);
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
