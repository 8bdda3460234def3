using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Time.Testing;
using Portolan.Controller;
using Portolan.Hosting;

namespace Portolan.Tests.Controller;

/// <summary>Events: told once, counted, paced, and never lost without a word.</summary>
public sealed class EventRecorderTests : IAsyncDisposable
{
    private readonly FakeTimeProvider _time = new(new DateTimeOffset(2026, 1, 2, 3, 4, 5, TimeSpan.Zero));
    private readonly MemoryStream _logged = new();
    private readonly JsonLineLogs _logs;
    private readonly CancellationTokenSource _stop = new(TimeSpan.FromSeconds(60));
    private readonly List<Task> _running = [];
    private FakeApi _api = null!;

    public EventRecorderTests() => _logs = new JsonLineLogs(_logged, LogLevel.Trace, _time);

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        foreach (var run in _running)
            await run.ContinueWith(_ => { }, TaskScheduler.Default);
        await _api.DisposeAsync();
        _stop.Dispose();
        _logs.Dispose();
        await _logged.DisposeAsync();
    }

    [Contract("§2 event IPAllocated")]
    [Fact]
    public async Task WritesWhatKubectlDescribeShows()
    {
        var recorder = await StartAsync(_ => (201, "{}"));
        recorder.Record(Service("web"), false, "IPAllocated", "Assigned IP [\"10.0.0.1\"]");
        await RequestsAsync(1);
        Assert.StartsWith("POST /api/v1/namespaces/default/events ", _api.Requests[0], StringComparison.Ordinal);
        var written = Body(0);
        Assert.Equal("metallb-controller", (string?)written["source"]?["component"]);
        Assert.Equal(("IPAllocated", "Assigned IP [\"10.0.0.1\"]", "Normal", 1), ((string?)written["reason"], (string?)written["message"], (string?)written["type"], (int?)written["count"]));
        Assert.Equal(("v1", "Service", "default", "web", "uid-web"), (
            (string?)written["involvedObject"]?["apiVersion"], (string?)written["involvedObject"]?["kind"], (string?)written["involvedObject"]?["namespace"],
            (string?)written["involvedObject"]?["name"], (string?)written["involvedObject"]?["uid"]));
        Assert.Equal(("2026-01-02T03:04:05Z", "2026-01-02T03:04:05Z"), ((string?)written["firstTimestamp"], (string?)written["lastTimestamp"]));
        Assert.Matches("^web\\.[0-9a-f]{16}$", (string?)written["metadata"]?["name"]);
    }

    [Fact]
    public async Task RepetitionRaisesTheCount_OfTheSameEvent()
    {
        var recorder = await StartAsync(_ => (200, "{}"));
        for (var i = 0; i < 3; i++)
        {
            recorder.Record(Service("web"), true, "AllocationFailed", "no");
            await RequestsAsync(i + 1);
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        var name = (string?)Body(0)["metadata"]?["name"];
        Assert.Equal($$"""PATCH /api/v1/namespaces/default/events/{{name}} {"lastTimestamp":"2026-01-02T03:04:06Z","count":2}""", _api.Requests[1]);
        Assert.Equal($$"""PATCH /api/v1/namespaces/default/events/{{name}} {"lastTimestamp":"2026-01-02T03:04:07Z","count":3}""", _api.Requests[2]);
    }

    [Contract("§2 kept: restart")]
    [Fact]
    public async Task RepetitionByTheNextProcessRaisesTheCountToo_WithoutReading()
    {
        var recorder = await StartAsync(request => request.StartsWith("POST", StringComparison.Ordinal) ? (409, """{"kind":"Status","reason":"AlreadyExists","code":409}""") : (200, """{"metadata":{},"count":4}"""));
        recorder.Record(Service("web"), true, "AllocationFailed", "no");
        await RequestsAsync(3);
        Assert.All(_api.Requests, request => Assert.DoesNotContain("GET ", request, StringComparison.Ordinal));
        Assert.Contains("\"count\":5", _api.Requests[2], StringComparison.Ordinal);
    }

    [Fact]
    public async Task EventThatExpiredIsWrittenAnew()
    {
        var recorder = await StartAsync(request => request.StartsWith("PATCH", StringComparison.Ordinal) ? (404, """{"kind":"Status","reason":"NotFound","code":404}""") : (201, "{}"));
        recorder.Record(Service("web"), true, "AllocationFailed", "no");
        recorder.Record(Service("web"), true, "AllocationFailed", "no");
        await RequestsAsync(3);
        Assert.Equal(_api.Requests[0], _api.Requests[2]);
    }

    [Fact]
    public async Task BurstIsPaced_WarningsFirst_AndNothingIsLost()
    {
        var recorder = await StartAsync(_ => (201, "{}"), start: false);
        for (var i = 0; i < 700; i++)
            recorder.Record(Service("s" + i), false, "IPAllocated", "Assigned IP");
        for (var i = 0; i < 100; i++)
            recorder.Record(Service("w" + i), true, "AllocationFailed", "no");
        Run(recorder);
        await RequestsAsync(200);
        Assert.All(_api.Requests.Take(100), request => Assert.Contains("AllocationFailed", request, StringComparison.Ordinal));

        var seconds = 0;
        for (; _api.Requests.Count < 800; seconds++)
        {
            var before = _api.Requests.Count;
            Assert.InRange(before, 0, 201 + (50 * seconds));
            for (var part = 0; part < 50; part++)
            {
                _time.Advance(TimeSpan.FromMilliseconds(20));

                // One may be short of its time by a tick, and go with the next.
                await RequestsAsync(Math.Min(800, before + part - 2));
            }
        }

        Assert.InRange(seconds, 11, 15);
        Assert.Equal(800, _api.Requests.Distinct().Count());
        Assert.Equal(0, recorder.Lost);
    }

    [Fact]
    public async Task ObjectThatIsTalkedAboutAllTheTimeDoesNotCrowdOutTheOthers()
    {
        var recorder = await StartAsync(_ => (201, "{}"));
        for (var i = 0; i < 100; i++)
            recorder.Record(Service("chatty"), true, "AllocationFailed", "reason " + i);
        recorder.Record(Service("quiet"), true, "AllocationFailed", "no");
        await RequestsAsync(26);
        Assert.Contains("quiet", _api.Requests[25], StringComparison.Ordinal);
        Assert.Equal(75, recorder.Lost);
        _time.Advance(TimeSpan.FromMinutes(6));
        recorder.Record(Service("chatty"), true, "AllocationFailed", "later");
        await RequestsAsync(27);
        await LoggedAsync("events were lost");
    }

    [Fact]
    public async Task FullQueueIsCountedAndLogged()
    {
        var recorder = await StartAsync(_ => (201, "{}"), start: false);
        for (var i = 0; i < 16384 + 7; i++)
            recorder.Record(Service("s" + i), false, "IPAllocated", "Assigned IP");
        Assert.Equal(7, recorder.Lost);
    }

    [Fact]
    public async Task NamespaceOnItsWayOutIsNotAskedAgain()
    {
        var recorder = await StartAsync(_ => (403, """{"kind":"Status","reason":"Forbidden","code":403,"message":"unable to create new content in namespace default because it is being terminated"}"""));
        recorder.Record(Service("web"), false, "IPAllocated", "Assigned IP");
        await LoggedAsync("event is lost");
        Assert.Single(_api.Requests);
        Assert.DoesNotContain("\"warn\"", Encoding.UTF8.GetString(_logged.ToArray()), StringComparison.Ordinal);
    }

    [Fact]
    public async Task ServerThatIsAwayIsAskedAgain()
    {
        var answers = 0;
        var recorder = await StartAsync(_ => ++answers < 4 ? (503, """{"kind":"Status","message":"starting"}""") : (201, "{}"));
        recorder.Record(Service("web"), false, "IPAllocated", "Assigned IP");
        await UntilAsync(() =>
        {
            _time.Advance(TimeSpan.FromSeconds(1));
            return _api.Requests.Count >= 4;
        });
        Assert.Equal(0, recorder.Lost);
    }

    private static InvolvedObject Service(string name) => new("v1", "Service", "default", name, "uid-" + name);

    private JsonNode Body(int request) => JsonNode.Parse(_api.Requests[request][_api.Requests[request].IndexOf('{', StringComparison.Ordinal)..])!;

    private async Task<EventRecorder> StartAsync(Func<string, (int Status, string Body)> answer, bool start = true)
    {
        _api = await FakeApi.StartAsync(answer);
        var recorder = new EventRecorder(_api.Client, "metallb-controller", _time, _logs.CreateLogger("Events"));
        if (start)
            Run(recorder);
        return recorder;
    }

    private void Run(EventRecorder recorder) => _running.Add(Task.Run(() => recorder.RunAsync(_stop.Token)));

    private Task RequestsAsync(int atLeast) => UntilAsync(() => _api.Requests.Count >= atLeast);

    private Task LoggedAsync(string text) => UntilAsync(() => Encoding.UTF8.GetString(_logged.ToArray()).Contains(text, StringComparison.Ordinal));

    private async Task UntilAsync(Func<bool> condition)
    {
        for (var i = 0; !condition(); i++)
        {
            if (i < 20)
                await Task.Yield();
            else
                await Task.Delay(1, _stop.Token);
        }
    }
}
