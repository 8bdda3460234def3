using System.Text.Json.Nodes;

using Portolan.Core.Cluster;
using Portolan.Kubernetes.Resources;
using Portolan.Lab.Workloads.Planning;

namespace Portolan.Lab.Workloads.Controllers;

/// <summary>Keeps as many pods of a template as were asked for.</summary>
internal sealed class ReplicaSetController(ClusterCache cache, ClusterWriter writer) : Controller("replicaset-controller")
{
    public override IEnumerable<ObjectKey> Touches(CacheChange change)
    {
        if (change.Is(WorkloadKinds.ReplicaSets))
            return [change.Key];
        if (!change.Is(WorkloadKinds.Pods))
            return [];
        // A pod without an owner may be one that some set's selector adopts; one with an owner concerns the owner, before and after.
        if (change.Latest.Controller() is null)
            return cache.In(WorkloadKinds.ReplicaSets, change.Key.Namespace).Where(s => Selector(s)?.Matches(change.Latest.Labels()) == true).Select(s => s.Key());
        return new[] { change.Old, change.New }.Select(p => p?.Controller()).OfType<OwnerReference>().Where(o => o.Kind == "ReplicaSet")
            .Select(o => new ObjectKey(change.Key.Namespace, o.Name!)).Distinct();
    }

    public override async Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        if (cache.Find(WorkloadKinds.ReplicaSets, key) is not { } set)
            return null;
        var selector = Selector(set);
        var pods = await ClaimAsync(set, selector, cancel).ConfigureAwait(false);
        if (!set.IsDeleting())
            await ScaleAsync(set, [.. pods.Where(p => p.IsActive())], cancel).ConfigureAwait(false);
        return await WriteStatusAsync(key, cancel).ConfigureAwait(false);
    }

    /// <summary>The set's pods: adopts matching ones without an owner, lets go of those whose labels no longer match.</summary>
    private async Task<List<UntypedObject>> ClaimAsync(UntypedObject set, LabelMatcher? selector, CancellationToken cancel)
    {
        var mine = new List<UntypedObject>();
        foreach (var pod in cache.In(WorkloadKinds.Pods, set.Metadata.Namespace!).ToList())
        {
            var matches = selector?.Matches(pod.Labels()) == true;
            if (pod.IsOwnedBy(set))
            {
                if (matches || pod.IsDeleting())
                    mine.Add(pod);
                else
                    await SetOwnersAsync(pod, pod.Json.Objects("metadata", "ownerReferences").Where(o => o.Text("uid") != set.Uid()), cancel).ConfigureAwait(false);
            }
            else if (matches && pod.Controller() is null && pod.IsActive() && !set.IsDeleting())
            {
                mine.Add(await SetOwnersAsync(pod, pod.Json.Objects("metadata", "ownerReferences").Append(Objects.ReferenceTo(WorkloadKinds.ReplicaSets, set)), cancel).ConfigureAwait(false));
            }
        }
        return mine;
    }

    private Task<UntypedObject> SetOwnersAsync(UntypedObject pod, IEnumerable<JsonObject> owners, CancellationToken cancel) =>
        writer.PatchAsync(WorkloadKinds.Pods, pod, new JsonObject { ["metadata"] = new JsonObject { ["ownerReferences"] = owners.Select(o => o.DeepClone()).ToJson() } }, cancel);

    private async Task ScaleAsync(UntypedObject set, List<UntypedObject> active, CancellationToken cancel)
    {
        var wanted = (int)(set.Json.Number("spec", "replicas") ?? 1);
        var decision = ReplicaPlan.Of(wanted, [.. active.Select(p => new ReplicaFacts(p.Metadata.Name!, p.NodeName(), p.Phase() == "Running", p.IsReady(), p.Metadata.CreationTimestamp ?? default))]);
        for (var i = 0; i < decision.Create; i++)
        {
            var pod = Pods.FromTemplate(set.Json.At("spec", "template"), set.Metadata.Namespace!, set.Metadata.Name!, Objects.ReferenceTo(WorkloadKinds.ReplicaSets, set));
            var created = await writer.CreateAsync(WorkloadKinds.Pods, pod, cancel).ConfigureAwait(false);
            await writer.TellAsync(WorkloadKinds.ReplicaSets, set, Name, "Normal", "SuccessfulCreate", $"Created pod: {created.Metadata.Name}", cancel).ConfigureAwait(false);
        }
        foreach (var name in decision.Delete)
        {
            await writer.DeleteAsync(WorkloadKinds.Pods, active.Find(p => p.Metadata.Name == name)!, cancel).ConfigureAwait(false);
            await writer.TellAsync(WorkloadKinds.ReplicaSets, set, Name, "Normal", "SuccessfulDelete", $"Deleted pod: {name}", cancel).ConfigureAwait(false);
        }
    }

    private async Task<TimeSpan?> WriteStatusAsync(ObjectKey key, CancellationToken cancel)
    {
        if (cache.Find(WorkloadKinds.ReplicaSets, key) is not { } set)
            return null;
        var pods = cache.In(WorkloadKinds.Pods, key.Namespace).Where(p => p.IsOwnedBy(set) && p.IsActive()).ToList();
        var template = LabelMatcher.OfMap(set.Json.Map("spec", "template", "metadata", "labels"));
        var minReady = set.Json.Number("spec", "minReadySeconds") ?? 0;
        DateTimeOffset? again = null;
        var available = 0;
        foreach (var pod in pods)
        {
            if (pod.IsAvailable(minReady, writer.Now, out var until))
                available++;
            else if (until is not null && (again is null || until < again))
                again = until;
        }
        await writer.PatchStatusAsync(WorkloadKinds.ReplicaSets, set, new JsonObject
        {
            ["replicas"] = pods.Count,
            ["fullyLabeledReplicas"] = pods.Count(p => template.Matches(p.Labels())),
            ["readyReplicas"] = pods.Count(p => p.IsReady()),
            ["availableReplicas"] = available,
            ["observedGeneration"] = set.Generation(),
        }, cancel).ConfigureAwait(false);
        return again - writer.Now;
    }

    private static LabelMatcher? Selector(UntypedObject set) => LabelMatcher.Of(set.Json.At("spec", "selector"));
}
