using System.Text.Json.Nodes;

using Portolan.Core.Cluster;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Lab.Workloads.Planning;

namespace Portolan.Lab.Workloads.Controllers;

/// <summary>Keeps as many pods of a template as were asked for.</summary>
internal sealed class ReplicaSetController(ClusterCache cache, ClusterWriter writer) : Controller("replicaset-controller")
{
    private const string DeletionCost = "controller.kubernetes.io/pod-deletion-cost";
    private readonly Claims _claims = new(cache, writer, WorkloadKinds.ReplicaSets, WorkloadKinds.Pods);

    public override IEnumerable<ObjectKey> Touches(CacheChange change) => change.Is(WorkloadKinds.ReplicaSets) ? [change.Key]
        : change.Is(WorkloadKinds.Pods) ? _claims.OwnersTouchedBy(change).Select(o => new ObjectKey(change.Key.Namespace, o))
        : [];

    public override async Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        if (cache.Find(WorkloadKinds.ReplicaSets, key) is not { } set)
            return null;
        var pods = await _claims.OfAsync(set, cancel).ConfigureAwait(false);
        KubeApiException? refused = null;
        try
        {
            if (!set.IsDeleting())
                await ScaleAsync(set, [.. pods.Where(p => p.IsActive())], cancel).ConfigureAwait(false);
        }
        catch (KubeApiException e) when (!e.IsConflict)
        {
            refused = e;
        }
        var again = await WriteStatusAsync(key, refused?.Message, cancel).ConfigureAwait(false);
        return refused is null ? again : throw refused;
    }

    private async Task ScaleAsync(UntypedObject set, List<UntypedObject> active, CancellationToken cancel)
    {
        var wanted = (int)(set.Json.Number("spec", "replicas") ?? 1);
        var decision = ReplicaPlan.Of(wanted, [.. active.Select(Facts)]);
        for (var i = 0; i < decision.Create; i++)
        {
            var pod = Pods.FromTemplate(set.Json.At("spec", "template"), set.Metadata.Namespace!, set.Metadata.Name!, Objects.ReferenceTo(WorkloadKinds.ReplicaSets, set));
            try
            {
                var created = await writer.CreateAsync(WorkloadKinds.Pods, pod, cancel).ConfigureAwait(false);
                await writer.TellAsync(WorkloadKinds.ReplicaSets, set, Name, "Normal", "SuccessfulCreate", $"Created pod: {created.Metadata.Name}", cancel).ConfigureAwait(false);
            }
            catch (KubeApiException e)
            {
                await writer.TellAsync(WorkloadKinds.ReplicaSets, set, Name, "Warning", "FailedCreate", $"Error creating: {e.Message}", cancel).ConfigureAwait(false);
                throw;
            }
        }
        foreach (var name in decision.Delete)
        {
            await writer.DeleteAsync(WorkloadKinds.Pods, active.Find(p => p.Metadata.Name == name)!, cancel).ConfigureAwait(false);
            await writer.TellAsync(WorkloadKinds.ReplicaSets, set, Name, "Normal", "SuccessfulDelete", $"Deleted pod: {name}", cancel).ConfigureAwait(false);
        }
    }

    private static ReplicaFacts Facts(UntypedObject pod) => new(
        pod.Metadata.Name!, pod.NodeName(), pod.Phase() == "Running", pod.IsReady(), pod.Metadata.CreationTimestamp ?? default,
        int.TryParse(pod.Annotation(DeletionCost), out var cost) ? cost : 0);

    private async Task<TimeSpan?> WriteStatusAsync(ObjectKey key, string? failure, CancellationToken cancel)
    {
        if (cache.Find(WorkloadKinds.ReplicaSets, key) is not { } set)
            return null;
        var pods = cache.In(WorkloadKinds.Pods, key.Namespace).Where(p => p.IsOwnedBy(set) && p.IsActive()).ToList();
        var template = LabelMatcher.OfMap(set.Json.Map("spec", "template", "metadata", "labels"));
        var availability = Availability.Of(pods, set.Json.Number("spec", "minReadySeconds") ?? 0, writer.Now);
        var status = new JsonObject
        {
            ["replicas"] = pods.Count,
            ["fullyLabeledReplicas"] = pods.Count(p => template.Matches(p.Labels())),
            ["readyReplicas"] = pods.Count(p => p.IsReady()),
            ["availableReplicas"] = availability.Count,
            ["observedGeneration"] = set.Generation(),
        };
        if (failure is not null)
            status["conditions"] = new JsonArray(Conditions.Next(set, "ReplicaFailure", "True", "FailedCreate", failure, writer.Now));
        else if (set.Condition("ReplicaFailure") is not null)
            status["conditions"] = null;
        await writer.PatchStatusAsync(WorkloadKinds.ReplicaSets, set, status, cancel).ConfigureAwait(false);
        return availability.Next - writer.Now;
    }
}
