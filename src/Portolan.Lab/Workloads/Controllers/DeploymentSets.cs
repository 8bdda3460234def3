using System.Text.Json.Nodes;

using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Lab.Workloads.Planning;

namespace Portolan.Lab.Workloads.Controllers;

/// <summary>The ReplicaSets of Deployments: made, numbered, scaled and forgotten.</summary>
internal sealed class DeploymentSets(ClusterCache cache, ClusterWriter writer)
{
    private const string Component = "deployment-controller";
    private const string Revision = "deployment.kubernetes.io/revision";
    private const string RevisionHistory = "deployment.kubernetes.io/revision-history";
    private const string DesiredReplicas = "deployment.kubernetes.io/desired-replicas";
    private const string MaxReplicas = "deployment.kubernetes.io/max-replicas";

    /// <summary>Annotations of a Deployment that are not its sets'.</summary>
    private static readonly HashSet<string> s_notCopied = new(StringComparer.Ordinal)
        { "kubectl.kubernetes.io/last-applied-configuration", Revision, RevisionHistory, DesiredReplicas, MaxReplicas, "deprecated.deployment.rollback.to" };

    public static bool HasTemplate(UntypedObject set, UntypedObject deployment)
    {
        var template = set.Json.At("spec", "template")!.DeepClone();
        (template.At("metadata", "labels") as JsonObject)?.Remove(TemplateHash.Label);
        return TemplateHash.Of(template) == TemplateHash.Of(deployment.Json.At("spec", "template"));
    }

    public static ReplicaSetFacts Facts(UntypedObject set) => new(
        set.Metadata.Name!,
        (int)(set.Json.Number("spec", "replicas") ?? 1),
        (int)(set.Json.Number("status", "replicas") ?? 0),
        (int)(set.Json.Number("status", "availableReplicas") ?? 0),
        set.Metadata.CreationTimestamp ?? default,
        int.TryParse(set.Annotation(DesiredReplicas), out var desired) ? desired : null,
        int.TryParse(set.Annotation(MaxReplicas), out var most) ? most : null);

    public async Task<UntypedObject> CreateAsync(UntypedObject deployment, List<UntypedObject> sets, CancellationToken cancel)
    {
        var collisions = deployment.Json.Number("status", "collisionCount") ?? 0;
        var hash = TemplateHash.Of(deployment.Json.At("spec", "template"), collisions);
        var template = (JsonObject)deployment.Json.At("spec", "template")!.DeepClone();
        Labels(template)[TemplateHash.Label] = hash;
        var selector = (JsonObject)deployment.Json.At("spec", "selector")!.DeepClone();
        if (selector["matchLabels"] is not JsonObject matches)
            selector["matchLabels"] = matches = [];
        matches[TemplateHash.Label] = hash;

        var settings = RolloutSettings.Of(deployment);
        var start = sets.Count == 0 ? settings.Replicas : 0;     // beside older sets the plan decides how many it may have
        var annotations = Copied(deployment);
        annotations[Revision] = $"{(sets.Count == 0 ? 1 : sets.Max(RevisionOf) + 1)}";
        annotations[DesiredReplicas] = $"{settings.Replicas}";
        annotations[MaxReplicas] = $"{settings.Replicas + settings.MaxSurge}";
        var set = new UntypedObject(new JsonObject
        {
            ["metadata"] = new JsonObject
            {
                ["name"] = $"{deployment.Metadata.Name}-{hash}",
                ["namespace"] = deployment.Metadata.Namespace,
                ["labels"] = template.At("metadata", "labels")!.DeepClone(),
                ["annotations"] = annotations.ToJson(),
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
                await TellScaledAsync(deployment, created, 0, start, cancel).ConfigureAwait(false);
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

    /// <summary>The set of today's template carries the highest revision, also after a roll-back made an old set the present one, and what the Deployment says beside the template.</summary>
    public async Task<UntypedObject> KeepUpToDateAsync(UntypedObject deployment, UntypedObject current, List<UntypedObject> old, CancellationToken cancel)
    {
        var mine = RevisionOf(current);
        var wanted = old.Count > 0 && old.Max(RevisionOf) >= mine ? old.Max(RevisionOf) + 1 : Math.Max(mine, 1);
        var annotations = Copied(deployment);
        annotations[Revision] = $"{wanted}";
        if (wanted != mine && mine > 0)
            annotations[RevisionHistory] = current.Annotation(RevisionHistory) is { Length: > 0 } history ? $"{history},{mine}" : $"{mine}";
        var minReady = deployment.Json.Number("spec", "minReadySeconds") ?? 0;
        if (annotations.Any(a => current.Annotation(a.Key) != a.Value) || (current.Json.Number("spec", "minReadySeconds") ?? 0) != minReady)
        {
            current = await writer.PatchAsync(WorkloadKinds.ReplicaSets, current, new JsonObject
            {
                ["metadata"] = new JsonObject { ["annotations"] = annotations.ToJson() },
                ["spec"] = new JsonObject { ["minReadySeconds"] = minReady },
            }, cancel).ConfigureAwait(false);
        }
        if (RevisionOf(deployment) != wanted)
        {
            var patch = new JsonObject { ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { [Revision] = $"{wanted}" } } };
            await writer.PatchAsync(WorkloadKinds.Deployments, deployment, patch, cancel, onlyThisVersion: false).ConfigureAwait(false);
        }
        return current;
    }

    /// <summary>Gives a set its number of pods, and notes on it of how many in all: a later change of the Deployment's number is shared out by that.</summary>
    public async Task ScaleAsync(UntypedObject deployment, RolloutSettings settings, UntypedObject set, int number, CancellationToken cancel)
    {
        var before = Facts(set).Wanted;
        await writer.PatchAsync(WorkloadKinds.ReplicaSets, set, new JsonObject
        {
            ["metadata"] = new JsonObject { ["annotations"] = new JsonObject { [DesiredReplicas] = $"{settings.Replicas}", [MaxReplicas] = $"{settings.Replicas + settings.MaxSurge}" } },
            ["spec"] = new JsonObject { ["replicas"] = number },
        }, cancel).ConfigureAwait(false);
        if (number != before)
            await TellScaledAsync(deployment, set, before, number, cancel).ConfigureAwait(false);
    }

    public async Task ForgetOldAsync(UntypedObject deployment, List<UntypedObject> old, CancellationToken cancel)
    {
        var limit = (int)(deployment.Json.Number("spec", "revisionHistoryLimit") ?? 10);
        var surplus = old.Count - limit;
        foreach (var set in old.OrderBy(RevisionOf).Where(s => Facts(s) is { Wanted: 0, Pods: 0 } && s.Json.Number("status", "observedGeneration") >= s.Generation()).Take(Math.Max(0, surplus)).ToList())
            await writer.DeleteAsync(WorkloadKinds.ReplicaSets, set, cancel).ConfigureAwait(false);
    }

    private Task TellScaledAsync(UntypedObject deployment, UntypedObject set, int from, int to, CancellationToken cancel) =>
        writer.TellAsync(WorkloadKinds.Deployments, cache.Find(WorkloadKinds.Deployments, deployment.Key()) ?? deployment, Component, "Normal", "ScalingReplicaSet",
            $"Scaled {(to > from ? "up" : "down")} replica set {set.Metadata.Name} from {from} to {to}", cancel);

    private static long RevisionOf(UntypedObject value) => long.TryParse(value.Annotation(Revision), out var revision) ? revision : 0;

    private static Dictionary<string, string> Copied(UntypedObject deployment) =>
        deployment.Json.Map("metadata", "annotations").Where(a => !s_notCopied.Contains(a.Key)).ToDictionary(StringComparer.Ordinal);

    private static JsonObject Labels(JsonObject template)
    {
        if (template["metadata"] is not JsonObject metadata)
            template["metadata"] = metadata = [];
        if (metadata["labels"] is not JsonObject labels)
            metadata["labels"] = labels = [];
        return labels;
    }
}
