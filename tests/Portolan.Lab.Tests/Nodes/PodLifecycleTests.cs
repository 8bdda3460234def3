using System.Text.Json.Nodes;

using Portolan.Kubernetes.Client;
using Portolan.Lab.Workloads;

namespace Portolan.Lab.Tests.Nodes;

/// <summary>How pods begin, stay and end: real processes, an API server in this process.</summary>
public sealed class PodLifecycleTests(RunningNode node) : IClassFixture<RunningNode>
{
    private const string Volumes = """ "volumes":[{"name":"host","hostPath":{"path":"/"}}] """;
    private const string Mount = """ "volumeMounts":[{"name":"host","mountPath":"/host"}] """;

    [Fact]
    public async Task HookComesBeforeTheSignal_AndTheSignalBeforeTheEnd()
    {
        ContainerFixture.SkipUnlessRoot();
        var name = await node.StartAsync($$$"""
            {"containers":[{"name":"c","command":["sh","-c","trap 'echo signal >> /host/order; exit 0' TERM; echo up >> /host/order; while :; do sleep 0.05; done"],
              "lifecycle":{"preStop":{"exec":{"command":["sh","-c","sleep 0.3; echo hook >> /host/order"]} } }, {{{Mount}}} }], {{{Volumes}}} }
            """);
        await node.UntilReadyAsync(name);
        await node.UntilFileAsync("order", "up\n");
        await node.DeleteAsync(name);
        // Until the pod is gone it is there to be seen as terminating: its endpoint left long before.
        await node.UntilGoneAsync(name);
        await node.UntilFileAsync("order", "up\nhook\nsignal\n");
    }

    [Fact]
    public async Task WhatIgnoresTheSignalIsKilled_WhenTheGracePeriodIsOver()
    {
        ContainerFixture.SkipUnlessRoot();
        var name = await node.StartAsync("""{"terminationGracePeriodSeconds":1,"containers":[{"name":"c","command":["sh","-c","trap '' TERM; while :; do sleep 0.05; done"]}]}""");
        await node.UntilReadyAsync(name);
        await node.DeleteAsync(name);
        await node.UntilGoneAsync(name);
    }

    /// <summary>As the node controller does while a node is silent.</summary>
    [Fact]
    public async Task WhoIsSaidNotToBeReadyButIs_IsSoonSaidToBe()
    {
        ContainerFixture.SkipUnlessRoot();
        var name = await node.StartAsync("""{"terminationGracePeriodSeconds":1,"containers":[{"name":"c","command":["sleep","60"]}]}""");
        await node.UntilReadyAsync(name);
        var conditions = (JsonArray)(await node.FindAsync(name))!.Json["status"]!["conditions"]!.DeepClone();
        conditions.First(c => (string?)c!["type"] == "Ready")!["status"] = "False";
        var said = await node.Client.PatchAsync(WorkloadKinds.Pods, node.Namespace, name, PatchKind.Merge, new JsonObject { ["status"] = new JsonObject { ["conditions"] = conditions } }, "status");
        Assert.False(said.IsReady());
        await node.UntilReadyAsync(name);
        await node.DeleteAsync(name);
        await node.UntilGoneAsync(name);
    }

    [Fact]
    public async Task SidecarBeginsBeforeTheOthers_AndEndsAfterThem()
    {
        ContainerFixture.SkipUnlessRoot();
        const string life = "trap 'echo $0 ends >> /host/sidecar; exit 0' TERM; echo $0 begins >> /host/sidecar; touch /tmp/up; while :; do sleep 0.05; done";
        var name = await node.StartAsync($$$"""
            {"initContainers":[
               {"name":"side","restartPolicy":"Always","command":["sh","-c","{{{life}}}","side"],"startupProbe":{"exec":{"command":["test","-f","/tmp/up"]},"periodSeconds":1}, {{{Mount}}} },
               {"name":"once","command":["sh","-c","echo once >> /host/sidecar"], {{{Mount}}} }],
             "containers":[{"name":"c","command":["sh","-c","{{{life}}}","main"], {{{Mount}}} }], {{{Volumes}}} }
            """);
        await node.UntilReadyAsync(name);
        // A signal that comes before its trap is set is lost.
        await node.UntilFileAsync("sidecar", "side begins\nonce\nmain begins\n");
        var status = (await node.FindAsync(name))!.Json["status"]!;
        Assert.Equal("true true", $"{status["initContainerStatuses"]![0]!["ready"]} {status["initContainerStatuses"]![0]!["started"]}");
        await node.DeleteAsync(name);
        await node.UntilGoneAsync(name);
        await node.UntilFileAsync("sidecar", "side begins\nonce\nmain begins\nmain ends\nside ends\n");
    }

    [Fact]
    public async Task PodThatRunsToItsEndTakesItsSidecarAlong_AndSaysWhatItLeftBehind()
    {
        ContainerFixture.SkipUnlessRoot();
        var name = await node.StartAsync("""
            {"restartPolicy":"Never","initContainers":[{"name":"side","restartPolicy":"Always","command":["sleep","1000"]}],
             "containers":[{"name":"c","command":["sh","-c","echo -n farewell > /dev/termination-log"]},
                           {"name":"d","terminationMessagePolicy":"FallbackToLogsOnError","command":["sh","-c","echo the log; exit 0"]}]}
            """);
        var pod = await node.UntilAsync(name, p => p.Text("status", "phase") == "Succeeded", "not Succeeded");
        Assert.Equal("farewell", pod["status"].Objects("containerStatuses").First(c => c.Text("name") == "c").Text("state", "terminated", "message"));
        Assert.Null(pod["status"].Objects("containerStatuses").First(c => c.Text("name") == "d").Text("state", "terminated", "message"));
    }

    [Fact]
    public async Task FailureIsExplainedByTheEndOfTheLog_WhereThePodAsksForThat()
    {
        ContainerFixture.SkipUnlessRoot();
        var name = await node.StartAsync("""
            {"restartPolicy":"Never","containers":[{"name":"c","terminationMessagePolicy":"FallbackToLogsOnError","command":["sh","-c","echo no such table; exit 3"]}]}
            """);
        var pod = await node.UntilAsync(name, p => p.Text("status", "phase") == "Failed", "not Failed");
        Assert.Equal("no such table\n", pod["status"].Objects("containerStatuses").First().Text("state", "terminated", "message"));
    }

    [Fact]
    public async Task FailedLivenessRestartsTheContainer_AndSaysSo()
    {
        ContainerFixture.SkipUnlessRoot();
        var name = await node.StartAsync("""
            {"containers":[{"name":"c","command":["sh","-c","trap 'exit 7' TERM; while :; do sleep 0.05; done"],
              "livenessProbe":{"exec":{"command":["sh","-c","echo unwell; exit 1"]},"periodSeconds":1,"failureThreshold":2,"terminationGracePeriodSeconds":5} }]}
            """);
        var pod = await node.UntilAsync(name, p => p["status"].Objects("containerStatuses").FirstOrDefault().Number("restartCount") > 0, "no restart");
        Assert.Equal(7, pod["status"].Objects("containerStatuses").First().Number("lastState", "terminated", "exitCode"));
        await node.UntilEventAsync(name, "Unhealthy", "Liveness probe failed: unwell");
        await node.UntilEventAsync(name, "Killing", "Container c failed liveness probe, will be restarted");
    }

    [Fact]
    public async Task ProbesThatNobodyAnswersAreToldInAKubeletsWords()
    {
        ContainerFixture.SkipUnlessRoot();
        var name = await node.StartAsync("""
            {"containers":[{"name":"c","command":["sleep","1000"],"readinessProbe":{"httpGet":{"path":"/ok","port":1},"periodSeconds":1} },
                           {"name":"d","command":["sleep","1000"],"readinessProbe":{"tcpSocket":{"port":1},"periodSeconds":1} },
                           {"name":"e","command":["sleep","1000"],"readinessProbe":{"exec":{"command":["sleep","9"]},"periodSeconds":1} }]}
            """);
        await node.UntilEventAsync(name, "Unhealthy", "Readiness probe failed: Get \"http://127.0.0.1:1/ok\": dial tcp 127.0.0.1:1: connect: connection refused");
        await node.UntilEventAsync(name, "Unhealthy", "Readiness probe failed: dial tcp 127.0.0.1:1: connect: connection refused");
        await node.UntilEventAsync(name, "Unhealthy", "Readiness probe failed: command timed out: \"sleep 9\" timed out after 1s");
        Assert.False((await node.FindAsync(name))!.IsReady());
    }

    [Fact]
    public async Task ContainerWhoseFirstHookFailsIsStartedAgain()
    {
        ContainerFixture.SkipUnlessRoot();
        var name = await node.StartAsync("""
            {"containers":[{"name":"c","command":["sleep","1000"],"lifecycle":{"postStart":{"exec":{"command":["sh","-c","echo not today; exit 4"]} } } }],"terminationGracePeriodSeconds":1}
            """);
        await node.UntilEventAsync(name, "FailedPostStartHook", "exited with 4: not today");
        await node.UntilAsync(name, p => p["status"].Objects("containerStatuses").First().Number("restartCount") > 0, "no restart");
    }
}
