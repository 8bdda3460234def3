using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Controller;
using Portolan.Core.Cluster;
using Portolan.Core.Configuration;

namespace Portolan.Tests.Controller;

public sealed class ConfigurationReporterTests
{
    private static readonly InvolvedObject _pool = new("metallb.io/v1beta1", "IPAddressPool", "metallb-system", "lab", "1");
    private static readonly InvolvedObject _peer = new("metallb.io/v1beta2", "BGPPeer", "metallb-system", "tor", "2");

    [Fact]
    [Contract("§1.9 ConfigurationState")]
    public async Task AppliesTheOutcome_OwnedByItsPod()
    {
        await using var api = await FakeApi.StartAsync(
            (200, """{"metadata":{"name":"controller-1","uid":"u-1"}}"""),
            (201, """{"metadata":{"name":"controller"}}"""),
            (200, """{"metadata":{"name":"controller"}}"""));
        await WrittenAsync(api, 3, reporter => reporter.Tell([new(_peer, new FieldError("spec.myASN", "0", "must be 1..4294967295"), Standing.PreviousInForce)], [], Unread()));
        Assert.Equal(
            """PATCH /apis/metallb.io/v1beta1/namespaces/metallb-system/configurationstates/controller {"apiVersion":"metallb.io/v1beta1","kind":"ConfigurationState","metadata":{"name":"controller","namespace":"metallb-system","labels":{"metallb.io/component-type":"controller"},"ownerReferences":[{"apiVersion":"v1","kind":"Pod","name":"controller-1","uid":"u-1"}]}}""",
            api.Requests[1]);
        var status = Status(api.Requests[2]);
        Assert.Equal(("Invalid", "BGPPeer tor: spec.myASN: 0: must be 1..4294967295"), ((string?)status["result"], (string?)status["errorSummary"]));
        Assert.Equal("poolReconcilerValid True Reconciled; configReconcilerValid False ConfigurationError", Conditions(status));
    }

    [Fact]
    public async Task WhatDoesLessThanItSays_IsNamed_AndMakesNothingInvalid()
    {
        await using var api = await FakeApi.StartAsync((404, "{}"), (201, """{"metadata":{}}"""), (200, """{"metadata":{}}"""));
        await WrittenAsync(api, 3, reporter => reporter.Tell([], [new(_peer, new FieldError("spec.disableMP", "true", "has no effect"), Standing.InForce)], Unread()));
        var status = Status(api.Requests[2]);
        Assert.Equal(("Valid", "BGPPeer tor: spec.disableMP: true: has no effect"), ((string?)status["result"], (string?)status["errorSummary"]));
        Assert.Equal("poolReconcilerValid True Reconciled; configReconcilerValid True Reconciled", Conditions(status));
        Assert.Equal("BGPPeer tor: spec.disableMP: true: has no effect", (string?)status["conditions"]![1]!["message"]);
    }

    [Fact]
    public async Task NamesTheKindsThatCannotBeRead()
    {
        await using var api = await FakeApi.StartAsync((404, "{}"), (201, """{"metadata":{}}"""), (200, """{"metadata":{}}"""));
        await WrittenAsync(api, 3, reporter => reporter.Tell([], [], Unread("bgppeers")));
        var status = Status(api.Requests[2]);
        Assert.Equal(("Unknown", "no bgppeers"), ((string?)status["result"], (string?)status["errorSummary"]));
        Assert.Equal("poolReconcilerValid True Reconciled; configReconcilerValid Unknown InfraError", Conditions(status));
    }

    [Fact]
    public async Task WritesWhatItWroteOnce_AndAgainWhenSomebodyDeletesIt()
    {
        await using var api = await FakeApi.StartAsync([(404, "{}"), .. Enumerable.Repeat((200, """{"metadata":{}}"""), 9)]);
        await WrittenAsync(api, 5, reporter =>
        {
            reporter.Tell([], [], Unread());
            reporter.Tell([], [], Unread());
        }, reporter => reporter.Tell([], [], Unread()), reporter => reporter.Again());
        Assert.Equal(5, api.Requests.Count);
        Assert.Equal(api.Requests[2].Split("lastTransitionTime")[0], api.Requests[4].Split("lastTransitionTime")[0]);
    }

    [Fact]
    public async Task KeepsTheTimeOfAConditionThatStayed()
    {
        await using var api = await FakeApi.StartAsync(
            (404, "{}"),
            (200, """{"metadata":{},"status":{"conditions":[{"type":"poolReconcilerValid","status":"True","lastTransitionTime":"2001-02-03T04:05:06Z"},{"type":"configReconcilerValid","status":"False","lastTransitionTime":"2001-02-03T04:05:06Z"}]}}"""),
            (200, """{"metadata":{}}"""));
        await WrittenAsync(api, 3, reporter => reporter.Tell([], [], Unread()));
        var times = Status(api.Requests[2])["conditions"]!.AsArray().Select(condition => (string?)condition!["lastTransitionTime"]).ToList();
        Assert.Equal("2001-02-03T04:05:06Z", times[0]);
        Assert.NotEqual("2001-02-03T04:05:06Z", times[1]);
    }

    [Fact]
    public async Task TheSummaryIsBounded()
    {
        await using var api = await FakeApi.StartAsync((404, "{}"), (200, """{"metadata":{}}"""), (200, """{"metadata":{}}"""));
        await WrittenAsync(api, 3, reporter => reporter.Tell([.. Enumerable.Range(0, 10_000).Select(i => new ConfigurationProblem(_pool, new FieldError($"spec.addresses[{i}]", "x", "is wrong"), Standing.NotInForce))], [], Unread()));
        var summary = (string?)Status(api.Requests[2])["errorSummary"];
        Assert.InRange(summary!.Length, 8000, 8300);
        Assert.Matches("and [0-9]+ more$", summary);
    }

    [Fact]
    public async Task AnApiWithoutTheKindStopsNothing()
    {
        await using var api = await FakeApi.StartAsync((404, "{}"), (404, """{"kind":"Status","message":"the server could not find the requested resource"}"""), (404, "{}"));
        await WrittenAsync(api, 3, reporter => reporter.Tell([], [], Unread()), reporter => reporter.Tell([], [], Unread("bgppeers")));
        Assert.Equal(3, api.Requests.Count);
    }

    // Each step after what the steps before it made was written.
    private static async Task WrittenAsync(FakeApi api, int requests, params Action<ConfigurationReporter>[] steps)
    {
        var events = new EventRecorder(api.Client, "metallb-controller", TimeProvider.System, NullLogger.Instance);
        var reporter = new ConfigurationReporter(api.Client, "metallb-system", "controller-1", events, TimeProvider.System, NullLogger.Instance);
        using var stop = new CancellationTokenSource();
        var run = reporter.RunAsync(stop.Token);
        foreach (var step in steps)
        {
            var before = api.Requests.Count;
            step(reporter);
            for (var waited = 0; waited < 100 && (api.Requests.Count == before || api.Requests.Count < (steps.Length == 1 ? requests : 0)); waited++)
                await Task.Delay(20, TestContext.Current.CancellationToken);
        }

        for (var waited = 0; waited < 100 && api.Requests.Count < requests; waited++)
            await Task.Delay(20, TestContext.Current.CancellationToken);
        await stop.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => run);
    }

    private static Dictionary<string, string> Unread(params string[] plurals) => plurals.ToDictionary(plural => plural, plural => $"no {plural}");

    private static JsonNode Status(string request)
    {
        Assert.StartsWith("PATCH /apis/metallb.io/v1beta1/namespaces/metallb-system/configurationstates/controller/status {", request);
        return JsonNode.Parse(request[request.IndexOf('{', StringComparison.Ordinal)..])!["status"]!;
    }

    private static string Conditions(JsonNode status) =>
        string.Join("; ", status["conditions"]!.AsArray().Select(condition => $"{condition!["type"]} {condition["status"]} {condition["reason"]}"));
}
