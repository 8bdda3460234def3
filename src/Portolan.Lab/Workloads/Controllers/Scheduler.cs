using System.Text.Json.Nodes;

using Portolan.Core.Cluster;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Lab.Workloads.Planning;

namespace Portolan.Lab.Workloads.Controllers;

/// <summary>Binds pods to nodes.</summary>
internal sealed class Scheduler(ClusterCache cache, ClusterWriter writer) : Controller("default-scheduler")
{
    public override IEnumerable<ObjectKey> Touches(CacheChange change)
    {
        if (change.Is(WorkloadKinds.Pods) && change.New is { } pod && Waits(pod))
            return [change.Key];
        // A node that came or changed, or a pod that left room, may be what a waiting pod waits for.
        var mayHelp = change.Is(WorkloadKinds.Nodes)
            ? change.New is not null && (change.Old is null || !JsonNode.DeepEquals(change.Old.Json["spec"], change.New.Json["spec"]) || !JsonNode.DeepEquals(change.Old.Json.At("metadata", "labels"), change.New.Json.At("metadata", "labels")))
            : change.Is(WorkloadKinds.Pods) && change.New?.IsFinished() != false;
        return mayHelp ? cache.All(WorkloadKinds.Pods).Where(Waits).OrderBy(p => p.Metadata.CreationTimestamp).ThenBy(p => p.Key()).Select(p => p.Key()) : [];
    }

    public override async Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        if (cache.Find(WorkloadKinds.Pods, key) is not { } pod || !Waits(pod))
            return null;
        var placement = SchedulePlan.Of(pod, [.. cache.All(WorkloadKinds.Nodes)], [.. cache.All(WorkloadKinds.Pods)]);
        if (placement.Node is { } node)
            await BindAsync(pod, node, cancel).ConfigureAwait(false);
        else
            await ExplainAsync(pod, placement.Reason, cancel).ConfigureAwait(false);
        return null;
    }

    private async Task BindAsync(UntypedObject pod, string node, CancellationToken cancel)
    {
        var path = WorkloadKinds.Pods.Path(pod.Metadata.Namespace, pod.Metadata.Name, "binding");
        try
        {
            await writer.Client.RequestAsync(HttpMethod.Post, path, new JsonObject
            {
                ["apiVersion"] = "v1",
                ["kind"] = "Binding",
                ["metadata"] = new JsonObject { ["name"] = pod.Metadata.Name, ["namespace"] = pod.Metadata.Namespace, ["uid"] = pod.Uid() },
                ["target"] = new JsonObject { ["apiVersion"] = "v1", ["kind"] = "Node", ["name"] = node },
            }, cancel).ConfigureAwait(false);
        }
        catch (KubeApiException e) when (e.IsNotFound)
        {
            return;     // it was deleted meanwhile
        }
        // The next pod of the same owner is placed knowing where this one went.
        await writer.RefreshAsync(WorkloadKinds.Pods, pod.Key(), cancel).ConfigureAwait(false);
        await writer.TellAsync(WorkloadKinds.Pods, pod, Name, "Normal", "Scheduled", $"Successfully assigned {pod.Key()} to {node}", cancel).ConfigureAwait(false);
    }

    private async Task ExplainAsync(UntypedObject pod, string reason, CancellationToken cancel)
    {
        if (pod.Condition("PodScheduled") is { } told && told.Text("status") == "False" && told.Text("message") == reason)
            return;
        var conditions = pod.Json.Objects("status", "conditions").Where(c => c.Text("type") != "PodScheduled").Select(c => c.DeepClone()).ToList();
        conditions.Add(new JsonObject
        {
            ["type"] = "PodScheduled",
            ["status"] = "False",
            ["reason"] = "Unschedulable",
            ["message"] = reason,
            ["lastTransitionTime"] = writer.Now.Timestamp(),
        });
        await writer.PatchStatusAsync(WorkloadKinds.Pods, pod, new JsonObject { ["conditions"] = conditions.ToJson() }, cancel).ConfigureAwait(false);
        await writer.TellAsync(WorkloadKinds.Pods, pod, Name, "Warning", "FailedScheduling", reason, cancel).ConfigureAwait(false);
    }

    private static bool Waits(UntypedObject pod) =>
        pod.NodeName().Length == 0 && pod.IsActive() && (pod.Json.Text("spec", "schedulerName") ?? "default-scheduler") == "default-scheduler";
}
