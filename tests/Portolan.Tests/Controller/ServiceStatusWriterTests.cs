using System.Threading.Channels;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Controller;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Kubernetes.Leases;

namespace Portolan.Tests.Controller;

public sealed class ServiceStatusWriterTests
{
    private const string Status = "/api/v1/namespaces/default/services/web/status";

    private static readonly Decision Assigned = new()
    {
        Service = new ObjectKey("default", "web"),
        Outcome = Outcome.Assigned,
        Addresses = [IpAddress.Parse("10.0.0.1")],
        Pool = "lab",
        Reason = "",
    };

    [Fact]
    public async Task TriesAgainUntilTheServerTakesIt()
    {
        var requests = await Written((503, """{"kind":"Status","message":"starting"}"""), (500, "not even JSON"), (200, Service("8", "lab", "10.0.0.1")));
        Assert.Equal(3, requests.Count);
        Assert.All(requests, request => Assert.StartsWith("PATCH " + Status, request, StringComparison.Ordinal));
    }

    [Fact]
    public async Task ReadsAgainOnConflict_AndWritesOnTopOfWhatIsThere()
    {
        var requests = await Written(
            (409, """{"kind":"Status","reason":"Conflict","message":"the object has been modified"}"""), (200, Service("9", "", "")), (200, Service("10", "lab", "10.0.0.1")));
        Assert.StartsWith("GET /api/v1/namespaces/default/services/web", requests[1], StringComparison.Ordinal);
        Assert.Contains("\"resourceVersion\":\"9\"", requests[2], StringComparison.Ordinal);
    }

    [Fact]
    public async Task WritesNothingMore_WhenTheConflictWasItsOwnWrite() =>
        Assert.Equal(2, (await Written((409, """{"kind":"Status","reason":"Conflict","message":"the object has been modified"}"""), (200, Service("9", "lab", "10.0.0.1")))).Count);

    [Fact]
    public async Task WritesThePoolsNameByItself_WhereTheStatusDoesNotTakeIt()
    {
        var requests = await Written((200, Service("8", "", "10.0.0.1")), (200, Service("9", "lab", "10.0.0.1")));
        Assert.StartsWith("PATCH /api/v1/namespaces/default/services/web {", requests[1], StringComparison.Ordinal);
        Assert.DoesNotContain("status", requests[1], StringComparison.Ordinal);
    }

    [Fact]
    public async Task GivesUp_WhenTheServiceIsGone() =>
        Assert.Single(await Written((404, """{"kind":"Status","reason":"NotFound","message":"services \"web\" not found"}""")));

    [Fact]
    public async Task KeepsWhatWasDecided_WhileTheLeaseIsInDoubt()
    {
        await using var api = await FakeApi.StartAsync((200, Service("8", "lab", "10.0.0.1")));
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var (loop, fence) = (Channel.CreateUnbounded<Action>(), new WriteFence(TimeProvider.System));
        var writer = new ServiceStatusWriter(api.Client, fence, loop.Writer.WriteAsync, TimeProvider.System, NullLogger.Instance);
        writer.Observe(Assigned.Service, ControllerStateTests.Service("web"), stop.Token);
        writer.Desire(Assigned, stop.Token);
        (await loop.Reader.ReadAsync(stop.Token))(); // was refused here
        Assert.Empty(api.Requests);
        fence.OpenUntil(TimeProvider.System.GetTimestamp() + (60 * TimeProvider.System.TimestampFrequency)); // a renewal was late: the same term goes on
        while (api.Requests.Count == 0 || writer.Pending > 0)
            (await loop.Reader.ReadAsync(stop.Token))();
        Assert.StartsWith("PATCH " + Status, Assert.Single(api.Requests), StringComparison.Ordinal);
    }

    // Runs the writer on a loop of its own until nothing is pending.
    private static async Task<List<string>> Written(params (int Status, string Body)[] answers)
    {
        await using var api = await FakeApi.StartAsync(answers);
        using var stop = new CancellationTokenSource(TimeSpan.FromSeconds(30));
        var loop = Channel.CreateUnbounded<Action>();
        var writer = new ServiceStatusWriter(api.Client, WriteFence.AlwaysOpen(TimeProvider.System), loop.Writer.WriteAsync, TimeProvider.System, NullLogger.Instance);
        writer.Observe(Assigned.Service, ControllerStateTests.Service("web"), stop.Token);
        writer.Desire(Assigned, stop.Token);
        while (writer.Pending > 0 || api.Requests.Count < answers.Length)
            (await loop.Reader.ReadAsync(stop.Token))();
        return api.Requests;
    }

    private static string Service(string version, string pool, string address)
    {
        var annotations = pool.Length > 0 ? $"\"metallb.io/ip-allocated-from-pool\":\"{pool}\"" : "";
        var ingress = address.Length > 0 ? $$"""{"ip":"{{address}}","ipMode":"VIP"}""" : "";
        return """{"metadata":{"name":"web","namespace":"default","uid":"web","resourceVersion":"VERSION","annotations":{ANNOTATIONS}},"spec":{"type":"LoadBalancer"},"status":{"loadBalancer":{"ingress":[INGRESS]}}}"""
            .Replace("VERSION", version, StringComparison.Ordinal).Replace("ANNOTATIONS", annotations, StringComparison.Ordinal).Replace("INGRESS", ingress, StringComparison.Ordinal);
    }
}
