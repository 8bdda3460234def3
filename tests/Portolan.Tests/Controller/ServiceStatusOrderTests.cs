using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using Microsoft.Extensions.Time.Testing;
using Portolan.Controller;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Kubernetes.Leases;

namespace Portolan.Tests.Controller;

/// <summary>An address is in no status before it is gone from its last holder's, whatever the requests' fate: at no moment do two Services show it.</summary>
public sealed class ServiceStatusOrderTests
{
    private readonly FakeTimeProvider _time = new();
    private readonly Channel<Action> _loop = Channel.CreateUnbounded<Action>();

    [Contract("§2 status")]
    [Theory]
    [InlineData("one=10.0.0.2 two=10.0.0.1", "one=10.0.0.1 two=")]
    [InlineData("one=10.0.0.2 two=10.0.0.1", "one=10.0.0.1 two=10.0.0.2")]
    [InlineData("one=10.0.0.2 two=10.0.0.3 six=10.0.0.1", "one=10.0.0.1 two=10.0.0.2 six=10.0.0.3")]
    [InlineData("one= two=10.0.0.1", "one=10.0.0.1 two=")]
    [InlineData("one=10.0.0.3 two=10.0.0.1 six=10.0.0.1", "one=10.0.0.1 two= six=10.0.0.2")]
    public async Task NoTwoStatusesShowOneAddress(string wanted, string shown)
    {
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        var (statuses, target) = (Read(shown), Read(wanted));
        var (failures, version) = (0, 100);
        var doubled = new List<string>();
        await using var api = await FakeApi.StartAsync(request =>
        {
            // Every other write fails, and half of those have been done all the same.
            var name = request.Split('/')[6];
            var address = request.Contains("\"ip\":\"", StringComparison.Ordinal) ? request.Split("\"ip\":\"")[1].Split('"')[0] : "";
            var fails = ++failures % 2 == 0;
            if (!fails || failures % 4 == 0)
            {
                foreach (var (other, its) in statuses)
                    if (other != name && its.Length > 0 && its == address && target[other] != address)
                        doubled.Add($"{name} and {other} show {address}");
                statuses[name] = address;
            }

            return fails ? (503, """{"kind":"Status","message":"overloaded"}""") : (200, Json(name, statuses[name], $"{++version}"));
        });
        var writer = new ServiceStatusWriter(api.Client, WriteFence.AlwaysOpen(TimeProvider.System), _loop.Writer.WriteAsync, _time, NullLogger.Instance);
        foreach (var (name, address) in statuses)
            writer.Observe(new ObjectKey("default", name), ControllerStateTests.Service(name, address.Length > 0 ? [address] : []), stop.Token);

        // Nobody is given an address before it was taken from the last one who had it.
        var before = Read(shown);
        foreach (var (name, address) in target)
        {
            foreach (var (other, its) in before)
                if (other != name && its.Length > 0 && its == address && target[other] != address)
                    writer.Desire(Decided(other, ""), stop.Token);
            writer.Desire(Decided(name, address), stop.Token);
            before[name] = "";
        }

        while (!target.All(want => statuses[want.Key] == want.Value) || writer.Pending > 0)
        {
            while (_loop.Reader.TryRead(out var action))
                action();
            _time.Advance(TimeSpan.FromMilliseconds(100));
            await Task.Delay(1, stop.Token);
        }

        Assert.Equal(target, statuses);
        Assert.Empty(doubled);
    }

    [Fact]
    public async Task WhoeverWaitsIsWritten_WhenTheLastHolderIsDeletedInstead()
    {
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await using var api = await FakeApi.StartAsync(request => request.Contains("services/one/", StringComparison.Ordinal) ? (503, "{}") : (200, Json("two", "10.0.0.1", "9")));
        var writer = new ServiceStatusWriter(api.Client, WriteFence.AlwaysOpen(TimeProvider.System), _loop.Writer.WriteAsync, _time, NullLogger.Instance);
        writer.Observe(new ObjectKey("default", "one"), ControllerStateTests.Service("one", "10.0.0.1"), stop.Token);
        writer.Observe(new ObjectKey("default", "two"), ControllerStateTests.Service("two"), stop.Token);
        writer.Desire(Decided("one", "10.0.0.2"), stop.Token);
        writer.Desire(Decided("two", "10.0.0.1"), stop.Token);
        while (api.Requests.Count < 3)
            await RunAsync(stop.Token);
        Assert.DoesNotContain(api.Requests, request => request.Contains("services/two/", StringComparison.Ordinal));
        writer.Observe(new ObjectKey("default", "one"), null, stop.Token);
        while (!api.Requests.Exists(request => request.Contains("services/two/", StringComparison.Ordinal)))
            await RunAsync(stop.Token);
    }

    [Fact]
    public async Task WhoeverWaitsAndIsGivenAnotherAddressWaitsNoLonger()
    {
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await using var api = await FakeApi.StartAsync(request => request.Contains("services/one/", StringComparison.Ordinal) ? (403, "{}") : (200, Json("two", "10.0.0.3", "9")));
        var writer = new ServiceStatusWriter(api.Client, WriteFence.AlwaysOpen(TimeProvider.System), _loop.Writer.WriteAsync, _time, NullLogger.Instance);
        writer.Observe(new ObjectKey("default", "one"), ControllerStateTests.Service("one", "10.0.0.1"), stop.Token);
        writer.Observe(new ObjectKey("default", "two"), ControllerStateTests.Service("two"), stop.Token);
        writer.Desire(Decided("one", "10.0.0.2"), stop.Token);
        writer.Desire(Decided("two", "10.0.0.1"), stop.Token);
        writer.Desire(Decided("two", "10.0.0.3"), stop.Token);
        while (!api.Requests.Exists(request => request.Contains("services/two/", StringComparison.Ordinal) && request.Contains("10.0.0.3", StringComparison.Ordinal)))
            await RunAsync(stop.Token);
    }

    [Fact]
    public async Task AttemptWhoseOutcomeNobodyKnowsKeepsTheNextOneWaitingForAMomentOnly()
    {
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        await using var api = await FakeApi.StartAsync(request => request.Contains("services/one/", StringComparison.Ordinal) ? (503, "{}") : (200, Json("two", "10.0.0.1", "9")));
        var writer = new ServiceStatusWriter(api.Client, WriteFence.AlwaysOpen(TimeProvider.System), _loop.Writer.WriteAsync, _time, NullLogger.Instance);
        writer.Observe(new ObjectKey("default", "one"), ControllerStateTests.Service("one"), stop.Token);
        writer.Observe(new ObjectKey("default", "two"), ControllerStateTests.Service("two"), stop.Token);
        writer.Desire(Decided("one", "10.0.0.1"), stop.Token);
        while (api.Requests.Count == 0 || writer.Pending > 0)
            await RunAsync(stop.Token);
        writer.Desire(Decided("one", "") with { Outcome = Outcome.Released, Leaving = [IpAddress.Parse("10.0.0.1")] }, stop.Token);
        var before = api.Requests.Count;
        writer.Desire(Decided("two", "10.0.0.1"), stop.Token);
        Assert.Equal(0, writer.Pending);
        while (api.Requests.Count == before)
            await RunAsync(stop.Token);
        Assert.Contains("services/two/", api.Requests[before], StringComparison.Ordinal);
    }

    private async Task RunAsync(CancellationToken stop)
    {
        while (_loop.Reader.TryRead(out var action))
            action();
        _time.Advance(TimeSpan.FromMilliseconds(100));
        await Task.Delay(1, stop);
    }

    private static Dictionary<string, string> Read(string text) => text.Split(' ').Select(part => part.Split('=')).ToDictionary(part => part[0], part => part[1]);

    private static Decision Decided(string name, string address) => new()
    {
        Service = new ObjectKey("default", name),
        Outcome = address.Length > 0 ? Outcome.Assigned : Outcome.Waiting,
        Addresses = address.Length > 0 ? [IpAddress.Parse(address)] : [],
        Pool = address.Length > 0 ? "lab" : "",
        Reason = "",
    };

    private static string Json(string name, string address, string version)
    {
        var ingress = address.Length > 0 ? $$"""{"ip":"{{address}}"}""" : "";
        var annotation = address.Length > 0 ? "\"metallb.io/ip-allocated-from-pool\":\"lab\"" : "";
        return """{"metadata":{"name":"NAME","namespace":"default","uid":"NAME","resourceVersion":"VERSION","annotations":{ANNOTATION}},"spec":{"type":"LoadBalancer"},"status":{"loadBalancer":{"ingress":[INGRESS]}}}"""
            .Replace("NAME", name, StringComparison.Ordinal).Replace("VERSION", version, StringComparison.Ordinal).Replace("ANNOTATION", annotation, StringComparison.Ordinal)
            .Replace("INGRESS", ingress, StringComparison.Ordinal);
    }
}
