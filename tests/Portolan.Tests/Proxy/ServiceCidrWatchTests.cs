using System.Collections.Concurrent;
using Microsoft.Extensions.Time.Testing;
using Portolan.Proxy;
using Portolan.Tests.Controller;
using Portolan.Tests.Proxy.Cleanup;

namespace Portolan.Tests.Proxy;

/// <summary>What the proxy learns of the ranges of ClusterIPs from API servers of all ages.</summary>
public sealed class ServiceCidrWatchTests : IAsyncDisposable
{
    private const string Missing = """{"kind":"Status","status":"Failure","reason":"NotFound","code":404,"message":"the server could not find the requested resource"}""";
    private const string Forbidden = """{"kind":"Status","status":"Failure","reason":"Forbidden","code":403,"message":"servicecidrs is forbidden"}""";

    private readonly CancellationTokenSource _stop = new();
    private readonly FakeTimeProvider _time = new();
    private readonly RecordedLog _log = new();
    private readonly ConcurrentQueue<string> _told = new();
    private Task _running = Task.CompletedTask;

    private static string List(params string[] items) => $$"""{"kind":"ServiceCIDRList","metadata":{"resourceVersion":"5"},"items":[{{string.Join(',', items)}}]}""";

    private static string Range(string name, string version, params string[] cidrs) =>
        $$$"""{"metadata":{"name":"{{{name}}}","uid":"{{{name}}}","resourceVersion":"{{{version}}}"},"spec":{"cidrs":[{{{string.Join(',', cidrs.Select(cidr => $"\"{cidr}\""))}}}]}}""";

    private static string Said(string type, string range) => $$"""{"type":"{{type}}","object":{{range}}}""";

    private void Run(FakeApi api)
    {
        var watch = new ServiceCidrWatch(api.Client, _time, _log, (what, _) =>
        {
            _told.Enqueue(string.Join(' ', Assert.IsType<ProxyEvent.ServiceCidrsSet>(what).Cidrs));
            return ValueTask.CompletedTask;
        });
        _running = watch.RunAsync(_stop.Token);
    }

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

    [Fact]
    [Contract("proxy §1.3-4")]
    public async Task TellsAllRangesAtOnce_AndWhateverChanges()
    {
        var items = List(Range("kubernetes", "1", "10.233.0.0/18", "fd00:233::/112"), Range("more", "2", "10.8.0.0/16", "no range"));
        var changes = string.Join('\n', Said("ADDED", Range("again", "6", "10.8.0.0/16")), Said("MODIFIED", Range("kubernetes", "7", "10.233.0.0/17")), Said("DELETED", Range("more", "8")), "");
        await using var api = await FakeApi.StartAsync((200, items), (200, items), (200, changes));
        Run(api);
        await Until(() => _told.Count >= 4, "all that was said");
        await StopAsync();
        Assert.Equal(["10.233.0.0/18 fd00:233::/112 10.8.0.0/16", "10.8.0.0/16 10.233.0.0/18 fd00:233::/112", "10.8.0.0/16 10.233.0.0/17", "10.8.0.0/16 10.233.0.0/17"], _told);
        Assert.Contains(_log.Lines, line => line.Contains("ServiceCIDR more: spec.cidrs[1]: no range: must be a range of addresses", StringComparison.Ordinal));
    }

    [Theory]
    [InlineData(404, Missing, "does not serve ServiceCIDR")]
    [InlineData(403, Forbidden, "servicecidrs is forbidden")]
    public async Task AsksAgainRarely_WhereTheKindCannotBeRead(int status, string answer, string said)
    {
        await using var api = await FakeApi.StartAsync((status, answer), (status, answer), (200, List()), (200, List(Range("kubernetes", "1", "10.233.0.0/18"))));
        Run(api);
        await Until(() => _log.Lines.Count == 1, "said so");
        Assert.Contains(said, _log.Lines.Single(), StringComparison.Ordinal);
        _time.Advance(ServiceCidrWatch.AskAgain - TimeSpan.FromSeconds(1));
        await Task.Delay(100, TestContext.Current.CancellationToken);
        Assert.Single(api.Requests);
        await Until(() => Later(api.Requests.Count >= 2), "asked again");
        Assert.Empty(_told);
        await Until(() => Later(!_told.IsEmpty), "has it after an upgrade");
        await StopAsync();
        Assert.Equal("10.233.0.0/18", _told.First());
        Assert.Single(_log.Lines, line => line.Contains(said, StringComparison.Ordinal));
    }

    // The pause may not yet have begun when the answer has come.
    private bool Later(bool isDone)
    {
        if (!isDone)
            _time.Advance(TimeSpan.FromSeconds(10));
        return isDone;
    }

    private async Task StopAsync()
    {
        await _stop.CancelAsync();
        await _running.ContinueWith(_ => { }, TaskScheduler.Default);
    }

    public async ValueTask DisposeAsync()
    {
        await StopAsync();
        _stop.Dispose();
    }
}
