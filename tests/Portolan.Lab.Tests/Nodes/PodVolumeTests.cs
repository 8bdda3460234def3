using System.Text.Json.Nodes;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Lab.Workloads;

namespace Portolan.Lab.Tests.Nodes;

/// <summary>Volumes that are made of API objects, in real pods.</summary>
public sealed class PodVolumeTests(RunningNode node) : IClassFixture<RunningNode>
{
    /// <summary>Writes what it sees, whenever that changes, to a file of the node.</summary>
    private const string Watcher = "last=; while :; do now=$(cat /etc/all/a /etc/all/b | tr '\\\\n' ' '); if [ \\\"$now\\\" != \\\"$last\\\" ]; then echo \\\"$now\\\" >> /host/seen; last=$now; fi; done";

    [Fact]
    public async Task ChangedConfigMapIsSeenWhole_AndASubPathKeepsWhatItHad()
    {
        ContainerFixture.SkipUnlessRoot();
        await CreateAsync(WorkloadKinds.ConfigMaps, "settings", """{"data":{"a":"1\n","b":"1\n"}}""");
        var name = await node.StartAsync($$$"""
            {"containers":[{"name":"c","command":["sh","-c","{{{Watcher}}}"],"volumeMounts":[{"name":"all","mountPath":"/etc/all"},{"name":"host","mountPath":"/host"}]},
                           {"name":"d","command":["sh","-c","until [ -f /host/go ]; do sleep 0.05; done; cat /etc/one > /host/subpath; sleep 1000"],
                            "volumeMounts":[{"name":"all","mountPath":"/etc/one","subPath":"a"},{"name":"host","mountPath":"/host"}]}],
             "volumes":[{"name":"all","configMap":{"name":"settings"}},{"name":"host","hostPath":{"path":"/"}}]}
            """);
        await node.UntilReadyAsync(name);
        await node.UntilFileAsync("seen", "1 1 \n");
        await PatchAsync(WorkloadKinds.ConfigMaps, "settings", """{"data":{"a":"2\n","b":"2\n"}}""");
        await node.UntilFileAsync("seen", "1 1 \n2 2 \n");
        await File.WriteAllTextAsync(Path.Combine(node.HostDirectory, "go"), "", TestContext.Current.CancellationToken);
        await node.UntilFileAsync("subpath", "1\n");
    }

    [Fact]
    public async Task ItemsModesAndGroupsAreAsAsked_AndAMissingOptionalSourceIsNoHindrance()
    {
        ContainerFixture.SkipUnlessRoot();
        await CreateAsync(WorkloadKinds.Secrets, "keys", """{"stringData":{"private":"p","public":"q"}}""");
        var name = await node.StartAsync("""
            {"restartPolicy":"Never","securityContext":{"runAsUser":1000,"runAsGroup":1000,"fsGroup":2000},
             "containers":[{"name":"c","command":["sh","-c","cd /v; for f in deep/key name limit; do echo $f $(stat -Lc '%a %g' $f) $(cat $f); done > /host/modes; ls >> /host/modes; id -G >> /host/modes; echo $CPU >> /host/modes"],
               "env":[{"name":"CPU","valueFrom":{"resourceFieldRef":{"resource":"limits.cpu","divisor":"1m"} } }],
               "resources":{"limits":{"cpu":"250m","memory":"64Mi"} },
               "volumeMounts":[{"name":"v","mountPath":"/v"},{"name":"host","mountPath":"/host"}]}],
             "volumes":[{"name":"host","hostPath":{"path":"/"}},
               {"name":"v","projected":{"defaultMode":256,"sources":[
                 {"secret":{"name":"keys","items":[{"key":"private","path":"deep/key"}]} },
                 {"configMap":{"name":"nowhere","optional":true} },
                 {"downwardAPI":{"items":[{"path":"name","mode":292,"fieldRef":{"fieldPath":"metadata.namespace"} },
                                          {"path":"limit","resourceFieldRef":{"containerName":"c","resource":"limits.memory","divisor":"1Mi"} }]} }]} }]}
            """);
        Directory.CreateDirectory(node.HostDirectory);
        File.SetUnixFileMode(node.HostDirectory, (UnixFileMode)0x1FF);
        await node.UntilAsync(name, p => p.Text("status", "phase") == "Succeeded", "not Succeeded");
        await node.UntilFileAsync("modes", $"deep/key 440 2000 p\nname 444 2000 {node.Namespace}\nlimit 440 2000 64\ndeep\nlimit\nname\n1000 2000\n250\n");
    }

    [Fact]
    public async Task DownwardApiFollowsThePodsLabels()
    {
        ContainerFixture.SkipUnlessRoot();
        var name = await node.StartAsync("""
            {"containers":[{"name":"c","command":["sh","-c","while :; do cat /etc/pod/labels > /host/labels; sleep 0.05; done"],"volumeMounts":[{"name":"pod","mountPath":"/etc/pod"},{"name":"host","mountPath":"/host"}]}],
             "volumes":[{"name":"host","hostPath":{"path":"/"}},{"name":"pod","downwardAPI":{"items":[{"path":"labels","fieldRef":{"fieldPath":"metadata.labels"} }]} }]}
            """);
        await node.UntilFileAsync("labels", "color=\"red\"");
        await PatchAsync(WorkloadKinds.Pods, name, """{"metadata":{"labels":{"color":"blue"}}}""");
        await node.UntilFileAsync("labels", "color=\"blue\"");
    }

    private Task CreateAsync(ResourceType<UntypedObject> type, string name, string json)
    {
        var value = (JsonObject)JsonNode.Parse(json)!;
        value["metadata"] = new JsonObject { ["name"] = name };
        return node.Client.CreateAsync(type, node.Namespace, new UntypedObject(value));
    }

    private Task PatchAsync(ResourceType<UntypedObject> type, string name, string json) =>
        node.Client.PatchAsync(type, node.Namespace, name, PatchKind.Merge, (JsonObject)JsonNode.Parse(json)!);
}
