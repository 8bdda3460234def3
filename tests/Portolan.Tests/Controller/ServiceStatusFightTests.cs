using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Portolan.Controller;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Kubernetes.Leases;

namespace Portolan.Tests.Controller;

/// <summary>The writer against servers that say no and controllers that write the same status: it neither gives up nor runs hot.</summary>
public sealed class ServiceStatusFightTests : IAsyncDisposable
{
    private static readonly ObjectKey _web = new("default", "web");
    private static readonly Decision _assigned = Assigned("10.0.0.1");
    private readonly FakeTimeProvider _time = new();
    private readonly Channel<Action> _loop = Channel.CreateUnbounded<Action>();
    private readonly List<ServiceEvent> _told = [];
    private readonly CancellationTokenSource _stop = new(TimeSpan.FromSeconds(60));
    private int _failed;
    private FakeApi _api = null!;
    private ServiceStatusWriter _writer = null!;

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _api.DisposeAsync();
        _stop.Dispose();
    }

    [Contract("§2 status")]
    [Fact]
    public async Task RivalThatKeepsChangingTheStatusIsAnsweredEverLessOften_AndNamed()
    {
        var version = 100;
        await StartAsync(_ => (200, Shown($"{++version}", "10.0.0.1", "servicelb")));
        _writer.Observe(_web, ControllerStateTests.Service("web"), _stop.Token);
        _writer.Desire(_assigned, _stop.Token);
        await UntilAsync(1);
        await SettleAsync();

        // The rival answers each write at once, for an hour.
        for (var passed = 0; passed < 3600; passed++)
        {
            Observe($"{++version}", "203.0.113.9");
            await SettleAsync();
            if (passed == 0)
                Assert.Equal(2, _api.Requests.Count);
            _time.Advance(TimeSpan.FromSeconds(1));
            await SettleAsync();
        }

        Assert.InRange(_api.Requests.Count, 12, 24);
        Assert.Equal(
            new ServiceEvent(true, "LoadBalancerFailed", "another controller (servicelb) keeps changing status.loadBalancer, which should be 10.0.0.1: only one may serve this Service, see loadBalancerClass"),
            Assert.Single(_told));
    }

    [Contract("§2 status")]
    [Fact]
    public async Task ServerThatDoesNotKeepWhatItTookIsNotAskedInALoop()
    {
        var version = 100;
        await StartAsync(_ => (200, Shown($"{++version}", "", "")));
        _writer.Observe(_web, ControllerStateTests.Service("web"), _stop.Token);
        _writer.Desire(_assigned, _stop.Token);
        await UntilAsync(2);
        await SettleAsync();
        Assert.Equal(2, _api.Requests.Count);
    }

    [Fact]
    public async Task SomebodysSecondThoughtIsWrittenAtOnce_WhateverThePauseWasFor()
    {
        var version = 100;
        await StartAsync(_ => (200, Shown($"{++version}", "", "")));
        _writer.Observe(_web, ControllerStateTests.Service("web"), _stop.Token);
        _writer.Desire(_assigned, _stop.Token);
        await UntilAsync(2);
        await SettleAsync();
        _writer.Desire(Assigned("10.0.0.2"), _stop.Token);
        await UntilAsync(3);
        Assert.Contains("10.0.0.2", _api.Requests[2], StringComparison.Ordinal);
    }

    [Contract("§2 event InternalError")]
    [Contract("§3.5 failures")]
    [Theory]
    [InlineData(403, "services is forbidden")]
    [InlineData(422, "Service is invalid")]
    [InlineData(400, "no")]
    public async Task RefusalIsToldOnce_AndTriedEverLessOften(int status, string message)
    {
        await StartAsync(_ => (status, $$"""{"kind":"Status","code":{{status}},"message":"{{message}}"}"""));
        _writer.Observe(_web, ControllerStateTests.Service("web"), _stop.Token);
        _writer.Desire(_assigned, _stop.Token);
        await UntilAsync(1);
        for (var second = 0; second < 3600; second++)
        {
            await SettleAsync();
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        await SettleAsync();
        Assert.InRange(_api.Requests.Count, 14, 45);
        Assert.Equal(_api.Requests.Count, _failed);
        var told = Assert.Single(_told);
        Assert.Equal((true, "InternalError"), (told.IsWarning, told.Reason));
        Assert.StartsWith("the status 10.0.0.1 could not be written: ", told.Message, StringComparison.Ordinal);
        Assert.Contains(message, told.Message, StringComparison.Ordinal);
    }

    [Contract("§3.5 failures")]
    [Fact]
    public async Task OverloadedServerIsAskedAgainWithGrowingPauses_AndNobodyIsTold()
    {
        await StartAsync(_ => (503, """{"kind":"Status","message":"overloaded"}"""));
        _writer.Observe(_web, ControllerStateTests.Service("web"), _stop.Token);
        _writer.Desire(_assigned, _stop.Token);
        await UntilAsync(1);
        for (var second = 0; second < 300; second++)
        {
            await SettleAsync();
            _time.Advance(TimeSpan.FromSeconds(1));
        }

        Assert.InRange(_api.Requests.Count, 20, 60);
        Assert.Empty(_told);
    }

    [Contract("§3.5 failures")]
    [Fact]
    public async Task ConflictsInARowAreNotALoop()
    {
        var version = 7;
        await StartAsync(request => request.StartsWith("PATCH", StringComparison.Ordinal)
            ? (409, """{"kind":"Status","reason":"Conflict","message":"the object has been modified"}""")
            : (200, Shown($"{++version}", "", "")));
        _writer.Observe(_web, ControllerStateTests.Service("web"), _stop.Token);
        _writer.Desire(_assigned, _stop.Token);

        // Write, read, write, read; then a pause.
        await UntilAsync(4);
        await SettleAsync();
        Assert.Equal(4, _api.Requests.Count);
        _time.Advance(TimeSpan.FromMilliseconds(100));
        await UntilAsync(6);
        await SettleAsync();
        Assert.Equal(6, _api.Requests.Count);
        Assert.Equal(0, _failed);
    }

    [Fact]
    public async Task ServiceDeletedAndMadeAgainMidWriteIsWrittenOnce()
    {
        await StartAsync(_ => (200, Shown("9", "10.0.0.1", "")));
        for (var i = 0; i < 5; i++)
        {
            _writer.Observe(_web, ControllerStateTests.Service("web"), _stop.Token);
            _writer.Desire(_assigned, _stop.Token);
            _writer.Observe(_web, null, _stop.Token);
        }

        _writer.Observe(_web, ControllerStateTests.Service("web"), _stop.Token);
        _writer.Desire(_assigned, _stop.Token);
        await UntilAsync(6);
        await SettleAsync();
        Assert.Equal(6, _api.Requests.Count);
        Assert.Equal(0, _writer.Pending);
    }

    [Fact]
    public async Task ServiceThatIsGoneIsForgotten()
    {
        await StartAsync(_ => (404, """{"kind":"Status","reason":"NotFound","code":404,"message":"services \"web\" not found"}"""));
        _writer.Observe(_web, ControllerStateTests.Service("web"), _stop.Token);
        _writer.Desire(_assigned, _stop.Token);
        await UntilAsync(1);
        _time.Advance(TimeSpan.FromHours(1));
        await SettleAsync();
        Assert.Single(_api.Requests);
        Assert.Empty(_told);
    }

    private async Task StartAsync(Func<string, (int Status, string Body)> answer)
    {
        _api = await FakeApi.StartAsync(answer);
        _writer = new ServiceStatusWriter(_api.Client, WriteFence.AlwaysOpen(TimeProvider.System), _loop.Writer.WriteAsync, _time, NullLogger.Instance, (_, told) => _told.Add(told), () => _failed++);
    }

    private void Observe(string version, string address)
    {
        var service = ControllerStateTests.Service("web", address);
        service.Metadata.ResourceVersion = version;
        _writer.Observe(_web, service, _stop.Token);
    }

    // The loop's actions until so many requests have come.
    private async Task UntilAsync(int requests)
    {
        while (_api.Requests.Count < requests)
            if (!await RunOneAsync(TimeSpan.FromMilliseconds(50)))
                _stop.Token.ThrowIfCancellationRequested();
    }

    // The loop's actions until nothing is under way any more.
    private async Task SettleAsync()
    {
        while (_writer.Pending > 0 || _loop.Reader.Count > 0)
            await RunOneAsync(TimeSpan.FromSeconds(10));
    }

    private async Task<bool> RunOneAsync(TimeSpan patience)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        timeout.CancelAfter(patience);
        try
        {
            (await _loop.Reader.ReadAsync(timeout.Token))();
            return true;
        }
        catch (OperationCanceledException) when (!_stop.IsCancellationRequested)
        {
            return false;
        }
    }

    private static Decision Assigned(string address) => new() { Service = _web, Outcome = Outcome.Assigned, Addresses = [IpAddress.Parse(address)], Pool = "lab", Reason = "" };

    private static string Shown(string version, string address, string rival)
    {
        var ingress = address.Length > 0 ? $$"""{"ip":"{{address}}"}""" : "";
        var managers = rival.Length > 0 ? $$"""{"manager":"portolan","subresource":"status","time":"2026-01-01T00:00:09Z"},{"manager":"{{rival}}","subresource":"status","time":"2026-01-01T00:00:08Z"},{"manager":"kubectl","time":"2026-01-01T00:00:09Z"}""" : "";
        return """{"metadata":{"name":"web","namespace":"default","uid":"web","resourceVersion":"VERSION","managedFields":[MANAGERS],"annotations":{"metallb.io/ip-allocated-from-pool":"lab"}},"spec":{"type":"LoadBalancer"},"status":{"loadBalancer":{"ingress":[INGRESS]}}}"""
            .Replace("VERSION", version, StringComparison.Ordinal).Replace("MANAGERS", managers, StringComparison.Ordinal).Replace("INGRESS", ingress, StringComparison.Ordinal);
    }
}
