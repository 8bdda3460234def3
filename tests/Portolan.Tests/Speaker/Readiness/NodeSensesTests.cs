using System.Diagnostics.Metrics;
using System.Text;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Controller;
using Portolan.Core.Announcements;
using Portolan.Core.Cluster;
using Portolan.Hosting;
using Portolan.Kubernetes.Resources;
using Portolan.Kubernetes.Watching;
using Portolan.Linux.Links;
using Portolan.Speaker;
using Portolan.Speaker.Readiness;
using Portolan.Tests.Controller;

namespace Portolan.Tests.Speaker.Readiness;

/// <summary>What people and plans are told of the node.</summary>
public sealed class NodeSensesTests : IAsyncDisposable
{
    private static readonly SpeakerOptions Options = new("node1", "metallb-system", "", "memberlist", null, false);
    private readonly Meter _meter = new("test");
    private readonly MetricsExposition _metrics;
    private readonly MemoryStream _logged = new();
    private readonly JsonLineLogs _logs;
    private readonly CancellationTokenSource _stop = new();
    private readonly SpeakerState _state = new(Options);
    private FakeApi _api = null!;
    private NodeSenses _senses = null!;
    private Task _events = Task.CompletedTask;

    public NodeSensesTests()
    {
        _metrics = new MetricsExposition(_meter);
        _logs = new JsonLineLogs(_logged, LogLevel.Information, TimeProvider.System);
    }

    [Fact]
    public async Task SaysWhatIsWrongInLogEventsAndMetrics_OnceEach()
    {
        await StartAsync();
        _senses.SetLinks(new LinkSnapshot(new Dictionary<int, Link>(), []));
        Assert.True(_senses.Advance(1));
        Assert.False(_senses.Advance(2));
        Assert.Contains("portolan_speaker_node_condition{condition=\"noCarrier\"} 1", _metrics.Render(), StringComparison.Ordinal);
        Assert.Contains("portolan_speaker_node_condition{condition=\"gatewayUnreachable\"} 0", _metrics.Render(), StringComparison.Ordinal);
        _senses.SetLinks(new LinkSnapshot(new Dictionary<int, Link>
        {
            [2] = new(2, "eth0", LinkFlags.Up | LinkFlags.Running | LinkFlags.LowerUp, Link.Ethernet, LinkAddress.Read([2, 0, 0, 0, 0, 1]), 0, 1500, ""),
        }, []));
        Assert.True(_senses.Advance(3));
        Assert.Contains("portolan_speaker_node_condition{condition=\"noCarrier\"} 0", _metrics.Render(), StringComparison.Ordinal);

        var events = await EventsAsync(2);
        Assert.Contains("\"reason\":\"PortolanNotReady\"", events[0], StringComparison.Ordinal);
        Assert.Contains("\"type\":\"Warning\"", events[0], StringComparison.Ordinal);
        Assert.Contains("other nodes announce before this one: noCarrier", events[0], StringComparison.Ordinal);
        Assert.Contains("\"kind\":\"Node\",\"namespace\":\"\",\"name\":\"node1\",\"uid\":\"uid-1\"", events[0], StringComparison.Ordinal);
        Assert.Contains("\"reason\":\"PortolanReady\"", events[1], StringComparison.Ordinal);
        Assert.Single(Logged(), line => line.Contains("noCarrier", StringComparison.Ordinal));
    }

    [Fact]
    public async Task ACordonIsSaidToo_ThoughEverySpeakerReadsItOfTheNode()
    {
        await StartAsync();
        _state.On(new Change<Node>(ChangeKind.Added, new ObjectKey("", "node1"), null, new Node { Metadata = new() { Name = "node1" }, Spec = new() { Unschedulable = true } }));
        Assert.True(_senses.Advance(1));
        Assert.Contains("portolan_speaker_node_condition{condition=\"draining\"} 1", _metrics.Render(), StringComparison.Ordinal);
        Assert.Contains("draining", Assert.Single(await EventsAsync(1)), StringComparison.Ordinal);

        // Not for the condition, but for its time: the node that was well until last keeps its addresses.
        Assert.Equal(NodeConditions.Draining, _senses.Report.Conditions);
        Assert.True(_senses.Report.Standing > 0);
    }

    [Fact]
    public async Task SaysOnceThatNoProxyTellsAnything_AndGoesOn()
    {
        await StartAsync();
        _senses.Advance(1);
        _senses.Advance(2);
        Assert.Single(Logged(), line => line.Contains("no service proxy tells", StringComparison.Ordinal));
        Assert.Contains("portolan_speaker_proxy_source{source=\"none\"} 1", _metrics.Render(), StringComparison.Ordinal);
    }

    [Fact]
    public async Task KeepsQuietWhileEverythingComesUp()
    {
        await StartAsync(isReady: false);
        Assert.Contains("portolan_speaker_node_condition{condition=\"starting\"} 1", _metrics.Render(), StringComparison.Ordinal);
        Assert.Empty(Logged());
        Assert.Equal(NodeConditions.Starting, _senses.Report.Conditions);
    }

    // Five seconds after the start, when it is known that there is no proxy.
    private async Task StartAsync(bool isReady = true)
    {
        _api = await FakeApi.StartAsync(_ => (201, "{}"));
        var recorder = new EventRecorder(_api.Client, "metallb-speaker", TimeProvider.System, NullLogger.Instance);
        _events = recorder.RunAsync(_stop.Token);
        _senses = new NodeSenses(_state, Options, recorder, _meter, TimeProvider.System, _logs.CreateLogger("Speaker"), () => { }, -ProxyHealth.FirstLook);
        _senses.SetNode(new InvolvedObject("v1", "Node", "", "node1", "uid-1"));
        if (isReady)
            _senses.SetReady(true, 0);
        _senses.Advance(0);
    }

    private async Task<List<string>> EventsAsync(int count)
    {
        for (var deadline = DateTime.UtcNow.AddSeconds(20); _api.Requests.Count < count; await Task.Delay(5))
            Assert.True(DateTime.UtcNow < deadline, "events awaited in vain");
        return _api.Requests;
    }

    private string[] Logged() => Encoding.UTF8.GetString(_logged.ToArray()).Split('\n', StringSplitOptions.RemoveEmptyEntries);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _events.ContinueWith(_ => { }, TaskScheduler.Default);
        _senses.Dispose();
        await _api.DisposeAsync();
        _metrics.Dispose();
        _meter.Dispose();
        _stop.Dispose();
        _logs.Dispose();
        await _logged.DisposeAsync();
    }
}
