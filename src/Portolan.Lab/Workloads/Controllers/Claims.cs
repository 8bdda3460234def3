using System.Text.Json.Nodes;

using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;
using Portolan.Lab.Workloads.Planning;

namespace Portolan.Lab.Workloads.Controllers;

/// <summary>What belongs to an owner by its selector: matching objects without a controller are adopted, own ones that no longer match are let go.</summary>
internal sealed class Claims(ClusterCache cache, ClusterWriter writer, ResourceType<UntypedObject> ownerType, ResourceType<UntypedObject> type)
{
    /// <returns>The owner's objects, those that are being deleted included.</returns>
    public async Task<List<UntypedObject>> OfAsync(UntypedObject owner, CancellationToken cancel)
    {
        var selector = LabelMatcher.Of(owner.Json.At("spec", "selector"));
        var mine = new List<UntypedObject>();
        foreach (var candidate in cache.In(type, owner.Metadata.Namespace!).ToList())
        {
            var matches = selector?.Matches(candidate.Labels()) == true;
            if (candidate.IsOwnedBy(owner))
            {
                if (matches || candidate.IsDeleting())
                    mine.Add(candidate);
                else
                    await SetOwnersAsync(candidate, Owners(candidate).Where(o => o.Text("uid") != owner.Uid()), cancel).ConfigureAwait(false);
            }
            else if (matches && candidate.Controller() is null && !candidate.IsDeleting() && !IsFinishedPod(candidate) && !owner.IsDeleting())
            {
                mine.Add(await SetOwnersAsync(candidate, Owners(candidate).Append(Objects.ReferenceTo(ownerType, owner)), cancel).ConfigureAwait(false));
            }
        }
        return mine;
    }

    /// <summary>Whose claims a change of an object may touch: its controllers before and after, and for one without a controller every owner whose selector it matches.</summary>
    public IEnumerable<string> OwnersTouchedBy(CacheChange change)
    {
        if (change.Latest.Controller() is null)
        {
            foreach (var owner in cache.In(ownerType, change.Key.Namespace))
                if (LabelMatcher.Of(owner.Json.At("spec", "selector"))?.Matches(change.Latest.Labels()) == true)
                    yield return owner.Metadata.Name!;
        }
        foreach (var name in new[] { change.Old, change.New }.Select(o => o?.Controller()).Where(o => o?.Kind == ownerType.Kind).Select(o => o!.Name!).Distinct())
            yield return name;
    }

    private bool IsFinishedPod(UntypedObject candidate) => type == WorkloadKinds.Pods && candidate.IsFinished();

    private static IEnumerable<JsonObject> Owners(UntypedObject value) => value.Json.Objects("metadata", "ownerReferences");

    private Task<UntypedObject> SetOwnersAsync(UntypedObject value, IEnumerable<JsonObject> owners, CancellationToken cancel) =>
        writer.PatchAsync(type, value, new JsonObject { ["metadata"] = new JsonObject { ["ownerReferences"] = owners.Select(o => o.DeepClone()).ToJson() } }, cancel);
}
