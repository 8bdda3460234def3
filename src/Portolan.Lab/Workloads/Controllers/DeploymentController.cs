using System.Text.Json.Nodes;

using Portolan.Core.Cluster;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Lab.Workloads.Planning;

namespace Portolan.Lab.Workloads.Controllers;

/// <summary>Moves a Deployment's pods to the ReplicaSet of its present template, a step at a time.</summary>
internal sealed class DeploymentController(ClusterCache cache, ClusterWriter writer) : Controller("deployment-controller")
{
    private const string Revision = "deployment.kubernetes.io/revision";

    public override IEnumerable<ObjectKey> Touches(CacheChange change)
    {
        if (change.Is(WorkloadKinds.Deployments))
            return [change.Key];
        if (change.Is(WorkloadKinds.ReplicaSets) && change.Latest.Controller() is { Kind: "Deployment", Name: { } owner })
            return [new ObjectKey(change.Key.Namespace, owner)];
        return [];
    }

    public override async Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        if (cache.Find(WorkloadKinds.Deployments, key) is not { } deployment || deployment.IsDeleting())
            return null;
        var sets = cache.In(WorkloadKinds.ReplicaSets, key.Namespace).Where(s => s.IsOwnedBy(deployment) && !s.IsDeleting()).ToList();
        var current = sets.Where(s => HasTemplate(s, deployment)).OrderBy(s => s.Metadata.CreationTimestamp).FirstOrDefault();
        var paused = deployment.Json.Flag("spec", "paused");
        if (current is null && !paused)
            current = await CreateSetAsync(deployment, sets, cancel).ConfigureAwait(false);
        if (current is not null)
        {
            current = await KeepRevisionAsync(deployment, current, sets, cancel).ConfigureAwait(false);
            await MoveAsync(deployment, current, [.. sets.Where(s => s.Uid() != current.Uid())], paused, cancel).ConfigureAwait(false);
        }
        await WriteStatusAsync(key, current?.Key(), cancel).ConfigureAwait(false);
        return null;
    }

    private static bool HasTemplate(UntypedObject set, UntypedObject deployment)
    {
        var template = set.Json.At("spec", "template")!.DeepClone();
        (template.At("metadata", "labels") as JsonObject)?.Remove(TemplateHash.Label);
        return TemplateHash.Of(template) == TemplateHash.Of(deployment.Json.At("spec", "template"));
    }

    private async Task<UntypedObject> CreateSetAsync(UntypedObject deployment, List<UntypedObject> sets, CancellationToken cancel)
    {
        var collisions = deployment.Json.Number("status", "collisionCount") ?? 0;
        var hash = TemplateHash.Of(deployment.Json.At("spec", "template"), collisions);
        var template = (JsonObject)deployment.Json.At("spec", "template")!.DeepClone();
        Labels(template)[TemplateHash.Label] = hash;
        var selector = (JsonObject)deployment.Json.At("spec", "selector")!.DeepClone();
        if (selector["matchLabels"] is not JsonObject matches)
            selector["matchLabels"] = matches = [];
        matches[TemplateHash.Label] = hash;

        var replicas = (int)(deployment.Json.Number("spec", "replicas") ?? 1);
        var start = sets.Count == 0 ? replicas : 0;     // beside older sets the plan decides how many it may have
        var set = new UntypedObject(new JsonObject
        {
            ["metadata"] = new JsonObject
            {
                ["name"] = $"{deployment.Metadata.Name}-{hash}",
                ["namespace"] = deployment.Metadata.Namespace,
                ["labels"] = template.At("metadata", "labels")!.DeepClone(),
                ["annotations"] = Annotations(deployment, NextRevision(sets)),
                ["ownerReferences"] = new JsonArray(Objects.ReferenceTo(WorkloadKinds.Deployments, deployment)),
            },
            ["spec"] = new JsonObject
            {
                ["replicas"] = start,
                ["minReadySeconds"] = deployment.Json.Number("spec", "minReadySeconds") ?? 0,
                ["selector"] = selector,
                ["template"] = template,
            },
        });
        try
        {
            var created = await writer.CreateAsync(WorkloadKinds.ReplicaSets, set, cancel).ConfigureAwait(false);
            if (start > 0)
                await TellScaledAsync(deployment, created, "up", 0, start, cancel).ConfigureAwait(false);
            return created;
        }
        catch (KubeApiException e) when (e.IsAlreadyExists)
        {
            // Ours, written before a restart and not yet watched, or another template's that met in the same hash.
            var existing = await writer.Client.GetAsync(WorkloadKinds.ReplicaSets, deployment.Metadata.Namespace, set.Json.Text("metadata", "name")!, cancel).ConfigureAwait(false);
            if (existing.IsOwnedBy(deployment) && HasTemplate(existing, deployment))
                return existing;
            await writer.PatchStatusAsync(WorkloadKinds.Deployments, deployment, new JsonObject { ["collisionCount"] = collisions + 1 }, cancel).ConfigureAwait(false);
            throw;
        }
    }

    /// <summary>The set of today's template carries the highest revision, also after a roll-back made an old set the present one.</summary>
    private async Task<UntypedObject> KeepRevisionAsync(UntypedObject deployment, UntypedObject current, List<UntypedObject> sets, CancellationToken cancel)
    {
        var others = sets.Where(s => s.Uid() != current.Uid()).ToList();
        var mine = RevisionOf(current);
        var wanted = others.Count > 0 && others.Max(RevisionOf) >= mine ? others.Max(RevisionOf) + 1 : Math.Max(mine, 1);
        if (wanted != mine)
            current = await writer.PatchAsync(WorkloadKinds.ReplicaSets, current, Annotate(wanted), cancel).ConfigureAwait(false);
        if (RevisionOf(deployment) != wanted)
            await writer.PatchAsync(WorkloadKinds.Deployments, deployment, Annotate(wanted), cancel, onlyThisVersion: false).ConfigureAwait(false);
        return current;
    }

    private async Task MoveAsync(UntypedObject deployment, UntypedObject current, List<UntypedObject> old, bool paused, CancellationToken cancel)
    {
        var replicas = (int)(deployment.Json.Number("spec", "replicas") ?? 1);
        var strategy = deployment.Json.At("spec", "strategy");
        var rolling = strategy.At("rollingUpdate");
        var oldFacts = old.Select(Facts).ToList();
        IReadOnlyDictionary<string, int> change;
        if (paused)
            change = old.Count == 0 && Facts(current).Wanted != replicas ? new Dictionary<string, int> { [current.Metadata.Name!] = replicas } : [];
        else if (strategy.Text("type") == "Recreate")
            change = RolloutPlan.Recreate(replicas, Facts(current), oldFacts);
        else
            change = RolloutPlan.RollingUpdate(replicas, (rolling.At("maxSurge") ?? "25%").Scaled(replicas, roundUp: true), (rolling.At("maxUnavailable") ?? "25%").Scaled(replicas, roundUp: false), Facts(current), oldFacts);

        foreach (var (name, number) in change)
        {
            var set = old.Find(s => s.Metadata.Name == name) ?? current;
            var before = Facts(set).Wanted;
            await writer.PatchAsync(WorkloadKinds.ReplicaSets, set, new JsonObject { ["spec"] = new JsonObject { ["replicas"] = number } }, cancel).ConfigureAwait(false);
            await TellScaledAsync(deployment, set, number > before ? "up" : "down", before, number, cancel).ConfigureAwait(false);
        }
        if (change.Count == 0 && !paused)
            await ForgetOldAsync(deployment, old, cancel).ConfigureAwait(false);
    }

    private async Task ForgetOldAsync(UntypedObject deployment, List<UntypedObject> old, CancellationToken cancel)
    {
        var limit = (int)(deployment.Json.Number("spec", "revisionHistoryLimit") ?? 10);
        var empty = old.Where(s => Facts(s) is { Wanted: 0, Pods: 0 } && s.Json.Number("status", "observedGeneration") >= s.Generation()).OrderBy(RevisionOf).ToList();
        foreach (var set in empty.Take(Math.Max(0, empty.Count - limit)))
            await writer.DeleteAsync(WorkloadKinds.ReplicaSets, set, cancel).ConfigureAwait(false);
    }

    private async Task WriteStatusAsync(ObjectKey key, ObjectKey? currentKey, CancellationToken cancel)
    {
        if (cache.Find(WorkloadKinds.Deployments, key) is not { } deployment)
            return;
        var sets = cache.In(WorkloadKinds.ReplicaSets, key.Namespace).Where(s => s.IsOwnedBy(deployment)).ToList();
        var current = currentKey is { } present ? cache.Find(WorkloadKinds.ReplicaSets, present) : null;
        var status = DeploymentStatus.Of(deployment, current, sets, writer.Now);
        await writer.PatchStatusAsync(WorkloadKinds.Deployments, deployment, status, cancel).ConfigureAwait(false);
    }

    private Task TellScaledAsync(UntypedObject deployment, UntypedObject set, string direction, int from, int to, CancellationToken cancel) =>
        writer.TellAsync(WorkloadKinds.Deployments, deployment, Name, "Normal", "ScalingReplicaSet", $"Scaled {direction} replica set {set.Metadata.Name} from {from} to {to}", cancel);

    private static ReplicaSetFacts Facts(UntypedObject set) => new(
        set.Metadata.Name!,
        (int)(set.Json.Number("spec", "replicas") ?? 1),
        (int)(set.Json.Number("status", "replicas") ?? 0),
        (int)(set.Json.Number("status", "availableReplicas") ?? 0),
        set.Metadata.CreationTimestamp ?? default);

    private static long RevisionOf(UntypedObject value) => long.TryParse(value.Annotation(Revision), out var revision) ? revision : 0;

    private static long NextRevision(List<UntypedObject> sets) => sets.Count == 0 ? 1 : sets.Max(RevisionOf) + 1;

    private static JsonObject Annotate(long revision) => new() { ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { [Revision] = $"{revision}" } } };

    private static JsonObject Annotations(UntypedObject deployment, long revision)
    {
        var annotations = deployment.Json.Map("metadata", "annotations");
        annotations.Remove("kubectl.kubernetes.io/last-applied-configuration");
        annotations[Revision] = $"{revision}";
        return annotations.ToJson();
    }

    private static JsonObject Labels(JsonObject template)
    {
        if (template["metadata"] is not JsonObject metadata)
            template["metadata"] = metadata = [];
        if (metadata["labels"] is not JsonObject labels)
            metadata["labels"] = labels = [];
        return labels;
    }
}
