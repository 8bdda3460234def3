using System.Text.Json.Nodes;

using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Lab.Workloads.Planning;

namespace Portolan.Lab.Workloads.Controllers;

/// <summary>The templates a DaemonSet or StatefulSet had, as ControllerRevisions: what <c>kubectl rollout history</c> and <c>undo</c> read.</summary>
internal sealed class Revisions(ClusterCache cache, ClusterWriter writer, ResourceType<UntypedObject> ownerType)
{
    /// <summary>On revisions and on the pods made of them.</summary>
    public const string HashLabel = "controller-revision-hash";

    private readonly Claims _claims = new(cache, writer, ownerType, WorkloadKinds.ControllerRevisions);

    /// <summary>The hash label of the owner's present template; after a roll-back an old revision is the newest again.</summary>
    public static string HashOf(UntypedObject revision) => revision.Labels().GetValueOrDefault(HashLabel) ?? "";

    /// <returns>The revision of the owner's present template, and all of the owner's.</returns>
    public async Task<(UntypedObject Current, List<UntypedObject> All)> SyncAsync(UntypedObject owner, CancellationToken cancel)
    {
        var all = (await _claims.OfAsync(owner, cancel).ConfigureAwait(false)).Where(r => !r.IsDeleting()).OrderBy(NumberOf).ToList();
        var template = TemplateHash.Of(owner.Json.At("spec", "template"));
        var same = all.FindLast(r => TemplateHash.Of(TemplateOf(r)) == template);
        if (same is null)
        {
            var created = await CreateAsync(owner, all.Count == 0 ? 1 : NumberOf(all[^1]) + 1, cancel).ConfigureAwait(false);
            return (created, [.. all.Where(r => r.Uid() != created.Uid()), created]);
        }
        if (NumberOf(same) != NumberOf(all[^1]))
        {
            var newest = await writer.PatchAsync(WorkloadKinds.ControllerRevisions, same, new JsonObject { ["revision"] = NumberOf(all[^1]) + 1 }, cancel).ConfigureAwait(false);
            return (newest, [.. all.Where(r => r.Uid() != newest.Uid()), newest]);
        }
        return (same, all);
    }

    /// <summary>Old revisions beyond the limit go; those that pods are still made of stay.</summary>
    public async Task TruncateAsync(UntypedObject owner, UntypedObject current, List<UntypedObject> all, IEnumerable<UntypedObject> pods, CancellationToken cancel)
    {
        var live = pods.Select(HashOf).ToHashSet(StringComparer.Ordinal);
        var old = all.Where(r => r.Uid() != current.Uid() && !live.Contains(HashOf(r))).OrderBy(NumberOf).ToList();
        var limit = (int)(owner.Json.Number("spec", "revisionHistoryLimit") ?? 10);
        foreach (var revision in old.Take(Math.Max(0, old.Count - limit)))
            await writer.DeleteAsync(WorkloadKinds.ControllerRevisions, revision, cancel).ConfigureAwait(false);
    }

    public static long NumberOf(UntypedObject revision) => revision.Json.Number("revision") ?? 0;

    /// <summary>The pod template that the revision keeps.</summary>
    public static JsonNode? TemplateOf(UntypedObject revision)
    {
        var template = revision.Json.At("data", "spec", "template")?.DeepClone();
        (template as JsonObject)?.Remove("$patch");
        return template;
    }

    private async Task<UntypedObject> CreateAsync(UntypedObject owner, long number, CancellationToken cancel)
    {
        var collisions = owner.Json.Number("status", "collisionCount") ?? 0;
        var template = (JsonObject)owner.Json.At("spec", "template")!.DeepClone();
        var hash = TemplateHash.Of(template, collisions);
        var labels = template.Map("metadata", "labels");
        labels[HashLabel] = hash;
        template["$patch"] = "replace";     // kubectl applies the data to the owner as a strategic merge patch
        var annotations = owner.Json.Map("metadata", "annotations");
        annotations.Remove("kubectl.kubernetes.io/last-applied-configuration");
        var revision = new UntypedObject(new JsonObject
        {
            ["metadata"] = new JsonObject
            {
                ["name"] = $"{owner.Metadata.Name}-{hash}",
                ["namespace"] = owner.Metadata.Namespace,
                ["labels"] = labels.ToJson(),
                ["annotations"] = annotations.ToJson(),
                ["ownerReferences"] = new JsonArray(Objects.ReferenceTo(ownerType, owner)),
            },
            ["data"] = new JsonObject { ["spec"] = new JsonObject { ["template"] = template } },
            ["revision"] = number,
        });
        try
        {
            return await writer.CreateAsync(WorkloadKinds.ControllerRevisions, revision, cancel).ConfigureAwait(false);
        }
        catch (KubeApiException e) when (e.IsAlreadyExists)
        {
            // Ours, written before a restart and not yet watched, or another template's that met in the same hash.
            var existing = await writer.Client.GetAsync(WorkloadKinds.ControllerRevisions, owner.Metadata.Namespace, revision.Json.Text("metadata", "name")!, cancel).ConfigureAwait(false);
            if (existing.IsOwnedBy(owner) && TemplateHash.Of(TemplateOf(existing)) == TemplateHash.Of(owner.Json.At("spec", "template")))
                return existing;
            await writer.PatchStatusAsync(ownerType, owner, new JsonObject { ["collisionCount"] = collisions + 1 }, cancel).ConfigureAwait(false);
            throw;
        }
    }
}
