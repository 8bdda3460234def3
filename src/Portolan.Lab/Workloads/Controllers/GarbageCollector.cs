using System.Text.Json.Nodes;

using Portolan.Core.Cluster;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;

namespace Portolan.Lab.Workloads.Controllers;

/// <summary>Deletes what has lost its owners, and does what an owner's <c>foregroundDeletion</c> or <c>orphan</c> finalizer waits for.</summary>
/// <param name="cache">The cluster.</param>
/// <param name="writer">Writes to it.</param>
/// <param name="kinds">Every kind that is watched.</param>
/// <param name="type">The kind it looks after: keys do not carry their kind, so there is one collector for each.</param>
internal sealed class GarbageCollector(ClusterCache cache, ClusterWriter writer, IReadOnlyList<ResourceType<UntypedObject>> kinds, ResourceType<UntypedObject> type) : Controller($"garbage-collector/{type.Plural}")
{
    private const string Foreground = "foregroundDeletion";
    private const string Orphan = "orphan";

    public override IEnumerable<ObjectKey> Touches(CacheChange change)
    {
        if (change.Is(type) && change.New is { } value)
            return value.Metadata.OwnerReferences is { Count: > 0 } || (value.IsDeleting() && value.Metadata.Finalizers is { Count: > 0 }) ? [change.Key, .. WaitingOwners(change)] : WaitingOwners(change);
        // An owner that went, or is going slowly, concerns all it owns.
        if (change.New is null || (change.New.IsDeleting() && HasFinalizer(change.New, Foreground)))
        {
            var dependents = cache.OwnedBy(type, change.Latest.Uid()).Select(d => d.Key());
            return [.. dependents, .. WaitingOwners(change)];
        }
        return WaitingOwners(change);
    }

    /// <summary>Owners of this kind that wait for the changed object to go.</summary>
    private IEnumerable<ObjectKey> WaitingOwners(CacheChange change) => (change.Latest.Metadata.OwnerReferences ?? [])
        .Where(o => o.Kind == type.Kind)
        .Select(o => new ObjectKey(type.Namespaced ? change.Key.Namespace : "", o.Name!))
        .Where(k => cache.Find(type, k)?.IsDeleting() == true);

    public override async Task<TimeSpan?> ReconcileAsync(ObjectKey key, CancellationToken cancel)
    {
        if (cache.Find(type, key) is not { } value)
            return null;
        if (value.IsDeleting())
        {
            if (HasFinalizer(value, Orphan))
                await OrphanAsync(value, cancel).ConfigureAwait(false);
            else if (HasFinalizer(value, Foreground))
                await DeleteForegroundAsync(value, cancel).ConfigureAwait(false);
            return null;
        }
        if (value.Metadata.OwnerReferences is not { Count: > 0 } owners)
            return null;

        var gone = new List<OwnerReference>();
        var waiting = 0;
        foreach (var owner in owners)
        {
            var found = await FindOwnerAsync(key.Namespace, owner, cancel).ConfigureAwait(false);
            if (found is null)
                gone.Add(owner);
            else if (found.IsDeleting() && HasFinalizer(found, Foreground))
                waiting++;
        }
        if (gone.Count + waiting < owners.Count)
            return null;    // somebody still owns it
        await writer.DeleteAsync(type, value, cancel, propagation: waiting > 0 ? "Foreground" : "Background").ConfigureAwait(false);
        return null;
    }

    private async Task DeleteForegroundAsync(UntypedObject owner, CancellationToken cancel)
    {
        var left = 0;
        foreach (var (kind, dependent) in Dependents(owner))
        {
            if (dependent.Metadata.OwnerReferences!.Exists(o => o.Uid == owner.Uid() && o.BlockOwnerDeletion == true))
                left++;
            if (!dependent.IsDeleting())
                await writer.DeleteAsync(kind, dependent, cancel, propagation: "Foreground").ConfigureAwait(false);
        }
        // What went at once is no longer in the cache; what needs its time brings us here again when it goes.
        if (left == 0 || !Dependents(owner).Any(d => d.Dependent.Metadata.OwnerReferences!.Exists(o => o.Uid == owner.Uid() && o.BlockOwnerDeletion == true)))
            await DropFinalizerAsync(owner, Foreground, cancel).ConfigureAwait(false);
    }

    private async Task OrphanAsync(UntypedObject owner, CancellationToken cancel)
    {
        foreach (var (kind, dependent) in Dependents(owner))
        {
            var others = dependent.Json.Objects("metadata", "ownerReferences").Where(o => o.Text("uid") != owner.Uid()).Select(o => o.DeepClone()).ToJson();
            await writer.PatchAsync(kind, dependent, new JsonObject { ["metadata"] = new JsonObject { ["ownerReferences"] = others } }, cancel).ConfigureAwait(false);
        }
        await DropFinalizerAsync(owner, Orphan, cancel).ConfigureAwait(false);
    }

    private async Task DropFinalizerAsync(UntypedObject value, string finalizer, CancellationToken cancel)
    {
        // The last finalizer's end is the object's end: whether the answer still shows it is the server's business.
        var rest = (value.Metadata.Finalizers ?? []).Where(f => f != finalizer).ToJson();
        try
        {
            await writer.PatchAsync(type, value, new JsonObject { ["metadata"] = new JsonObject { ["finalizers"] = rest } }, cancel).ConfigureAwait(false);
        }
        catch (KubeApiException e) when (e.IsNotFound)
        {
        }
    }

    private List<(ResourceType<UntypedObject> Kind, UntypedObject Dependent)> Dependents(UntypedObject owner) =>
    [
        .. kinds.Where(k => k.Namespaced || !type.Namespaced).SelectMany(k => cache.OwnedBy(k, owner.Uid())
            .Where(d => !type.Namespaced || d.Metadata.Namespace == owner.Metadata.Namespace).Select(d => (k, d))),
    ];

    /// <summary>From the cache for the kinds that are watched; the server is asked for the others, and before anything is called gone.</summary>
    private async Task<UntypedObject?> FindOwnerAsync(string ns, OwnerReference owner, CancellationToken cancel)
    {
        var watched = kinds.FirstOrDefault(k => k.Kind == owner.Kind && k.ApiVersion == owner.ApiVersion);
        if (watched is not null && cache.Find(watched, new ObjectKey(watched.Namespaced ? ns : "", owner.Name!)) is { } cached && cached.Uid() == owner.Uid)
            return cached;
        var kind = watched ?? (await Discovery.DeletableAsync(writer.Client, cancel).ConfigureAwait(false)).FirstOrDefault(k => k.Kind == owner.Kind && k.ApiVersion == owner.ApiVersion);
        if (kind is null)
            return null;
        var found = await writer.Client.FindAsync(kind, kind.Namespaced ? ns : null, owner.Name!, cancel).ConfigureAwait(false);
        return found?.Uid() == owner.Uid ? found : null;
    }

    private static bool HasFinalizer(UntypedObject value, string finalizer) => value.Metadata.Finalizers?.Contains(finalizer) == true;
}
