using System.Diagnostics.Metrics;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Core.Cluster;
using Portolan.Hosting;
using Portolan.Speaker;
using Portolan.Tests.Controller;

namespace Portolan.Tests.Speaker;

/// <summary>The speaker's report beside an API that keeps one ConfigurationState.</summary>
public sealed class ConfigurationReportTests
{
    private const string Own = "/apis/metallb.io/v1beta1/namespaces/metallb-system/configurationstates/speaker-node1";
    private static readonly ConfigurationFault _wrong = new("BGPPeer", "tor", new FieldError("spec.myASN", "0", "must be 1..4294967295"));
    private static readonly ConfigurationFault _idle = new("BFDProfile", "fast", new FieldError("spec.echoMode", "true", "has no effect"));

    private readonly Lock _gate = new();
    private readonly List<string> _written = [];

    [Fact]
    [Contract("§1.9 ConfigurationState")]
    public async Task SaysWhatIsWrong_AndWhatDoesLessThanItSays_InAnObjectOfTheNode()
    {
        await using var api = await FakeApi.StartAsync(Answer);
        using var meter = new Meter("test");
        using var host = new RoleHost("speaker", LogLevel.None, []);
        var options = new SpeakerOptions("node1", "metallb-system", "speaker-1", "memberlist", null, false);
        var report = new ConfigurationReport(api.Client, options, new SpeakerMetrics(meter, "node1"), TimeProvider.System, NullLogger.Instance);
        report.Supervise(host);
        using var stop = new CancellationTokenSource();
        var run = host.RunAsync(stop.Token);

        report.Tell([_wrong], [], isComplete: false);
        report.Tell([], [_idle], isComplete: true);
        await EventuallyAsync(() => Written().Count >= 2);
        Assert.Equal(
            """{"apiVersion":"metallb.io/v1beta1","kind":"ConfigurationState","metadata":{"name":"speaker-node1","namespace":"metallb-system","labels":{"metallb.io/component-type":"speaker","metallb.io/node-name":"node1"},"ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"speaker-1","uid":"u-1"}]}}""",
            Written()[0]);
        Assert.Equal("Valid: BFDProfile fast: spec.echoMode: true: has no effect; configReconcilerValid True Reconciled", Said(Written()[1]));

        report.Tell([_wrong], [_idle], isComplete: true);
        report.Tell([_wrong], [_idle], isComplete: true);
        await EventuallyAsync(() => Written().Count >= 4);
        Assert.Equal(
            "Invalid: BGPPeer tor: spec.myASN: 0: must be 1..4294967295|BFDProfile fast: spec.echoMode: true: has no effect; configReconcilerValid False ConfigurationError", Said(Written()[3]));

        report.Tell([], [], isComplete: true);
        await EventuallyAsync(() => Written().Count >= 6);
        Assert.Equal("Valid: ; configReconcilerValid True Reconciled", Said(Written()[5]));
        await stop.CancelAsync();
        Assert.Equal(ExitCode.Done, await run);
        Assert.Equal(6, Written().Count);
    }

    [Fact]
    public async Task ANodeWithALongName_HasAnObjectWithoutItsLabel()
    {
        await using var api = await FakeApi.StartAsync(Answer);
        using var meter = new Meter("test");
        using var host = new RoleHost("speaker", LogLevel.None, []);
        var node = new string('n', 64);
        var report = new ConfigurationReport(api.Client, new SpeakerOptions(node, "metallb-system", "", "memberlist", null, false), new SpeakerMetrics(meter, node), TimeProvider.System, NullLogger.Instance);
        report.Supervise(host);
        using var stop = new CancellationTokenSource();
        var run = host.RunAsync(stop.Token);
        report.Tell([], [], isComplete: true);
        await EventuallyAsync(() => Written().Count >= 1);
        Assert.Equal("""{"metallb.io/component-type":"speaker"}""", JsonNode.Parse(Written()[0])!["metadata"]!["labels"]!.ToJsonString());
        await stop.CancelAsync();
        await run;
    }

    private static string Said(string body)
    {
        var status = JsonNode.Parse(body)!["status"]!;
        var conditions = status["conditions"]!.AsArray().Select(condition => $"{condition!["type"]} {condition["status"]} {condition["reason"]}");
        return $"{status["result"]}: {((string?)status["errorSummary"] ?? "").Replace('\n', '|')}; {string.Join("; ", conditions)}";
    }

    private List<string> Written()
    {
        lock (_gate)
            return [.. _written];
    }

    private (int Status, string Body) Answer(string request)
    {
        if (request.Contains("/pods/speaker-1", StringComparison.Ordinal))
            return (200, """{"metadata":{"name":"speaker-1","uid":"u-1"}}""");
        if (!request.StartsWith("PATCH", StringComparison.Ordinal))
            return (200, """{"metadata":{"resourceVersion":"1"},"items":[]}""");
        if (request.Contains(Own, StringComparison.Ordinal) || request.Contains("speaker-nnn", StringComparison.Ordinal))
            lock (_gate)
                _written.Add(request[request.IndexOf('{', StringComparison.Ordinal)..]);
        return (200, """{"metadata":{"name":"x"}}""");
    }

    private static async Task EventuallyAsync(Func<bool> condition)
    {
        for (var waited = 0; !condition(); waited++)
        {
            Assert.True(waited < 500, "waited in vain");
            await Task.Delay(20, TestContext.Current.CancellationToken);
        }
    }
}
