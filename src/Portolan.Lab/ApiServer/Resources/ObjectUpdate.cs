using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Admission;
using Portolan.Lab.ApiServer.FieldOwnership;
using Portolan.Lab.ApiServer.Http;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.ApiServer.Resources;

/// <summary>What a change makes of an object.</summary>
/// <param name="Managers">Who manages its fields then, when the change itself says so (server-side apply); null when that follows from what it changed.</param>
internal readonly record struct ProposedChange(JsonObject Object, ManagedFields? Managers = null);

/// <summary>
/// Changes objects: read, make the new state from the old, prepare, validate, store if nobody was faster. A change that did not insist on a
/// revision is made again on the newer state.
/// </summary>
internal sealed class ObjectUpdate(ServerContext server)
{
    private const int Attempts = 16;
    private readonly FieldTracking _tracking = new(server);

    /// <summary>Replaces the object (or one of its subresources) by a body.</summary>
    public Task<StoredObject> ReplaceAsync(Target target, ParsedBody body, WriteOptions options, CancellationToken cancellation)
    {
        var given = body.Object;
        Decoding.Decode(target.Kind, given, body.Duplicates, options);
        var metadata = given.Child("metadata");
        if (metadata.Text("name") is { Length: > 0 } name && name != target.Name)
            throw ApiErrors.BadRequest($"the name of the object ({name}) does not match the name on the URL ({target.Name})");
        if (metadata.Text("namespace") is { Length: > 0 } ns && target.Kind.Namespaced && ns != target.Namespace)
            throw ApiErrors.BadRequest("the namespace of the provided object does not match the namespace sent on the request");
        if (target.Kind.IsCustom && string.IsNullOrEmpty(metadata.Text("resourceVersion")))
            throw ApiErrors.Invalid(target.Kind, target.Name ?? "", [new("metadata.resourceVersion", FieldErrorReason.FieldValueInvalid, "Invalid value: 0x0: must be specified for an update")]);
        return ChangeAsync(target, _ => (JsonObject)given.DeepClone(), options, cancellation);
    }

    /// <summary>
    /// Applies <paramref name="change"/> to the current state, in the version of the target's kind. If the result names a resourceVersion or uid, they
    /// must be the current ones; if it names none, the change is repeated until it meets no other writer.
    /// </summary>
    public Task<StoredObject> ChangeAsync(Target target, Func<JsonObject, JsonObject> change, WriteOptions options, CancellationToken cancellation) =>
        ChangeAsync(target, current => new ValueTask<ProposedChange>(new ProposedChange(change(current))), options, cancellation);

    public async Task<StoredObject> ChangeAsync(Target target, Func<JsonObject, ValueTask<ProposedChange>> change, WriteOptions options, CancellationToken cancellation)
    {
        for (var attempt = 1; ; attempt++)
        {
            var current = server.Store.Find(target.Storage, target.Key) ?? throw target.NotFound();
            var old = await server.Conversion.ConvertAsync(target.Resource, StoredForm.Parse(current), target.WorkedKind, cancellation);
            var (made, managers) = await change((JsonObject)StoredForm.Shown(old, target.Kind).DeepClone());
            var insisted = made.Child("metadata").Text("resourceVersion");
            if (insisted is { Length: > 0 } and not "0" && insisted != current.Revision.ToString()) throw ApiErrors.Modified(target.Kind, current.Key.Name);
            var admission = options.By is not null && server.Admission.Any ? options.By : null;
            if (admission is not null)
            {
                target.Kind.Default(made);
                // What webhooks change is nobody's either.
                managers ??= await TrackAsync(target, made, old, options, cancellation);
                var asked = AdmissionRequest.Update(target, admission, options, made, StoredForm.Shown(old, target.Kind));
                made = (await server.Admission.MutateAsync(asked, patched => Decoding.Reread(target.Kind, patched, options), cancellation))!;
            }

            using var scope = new WriteScope { DryRun = options.DryRun, By = options.By };
            var updated = await PrepareAsync(target, current, made, managers, old, options, scope, cancellation);
            if (admission is not null)
            {
                var asked = AdmissionRequest.Update(target, admission, options, StoredForm.Shown(updated ?? old, target.Kind), StoredForm.Shown(old, target.Kind));
                await server.Admission.ValidateAsync(asked, cancellation);
            }

            if (updated is null) return current;
            var outcome = await StoreAsync(target, current, updated, options, cancellation);
            if (outcome.Committed) return outcome.Object!;
            if (outcome.Object is null) throw target.NotFound();
            // A patch that leaves the revision alone carries the one it was made from; only a client's own body can insist.
            if (attempt == Attempts) throw ApiErrors.Modified(target.Kind, current.Key.Name);
        }
    }

    private async Task<StoreOutcome> StoreAsync(Target target, StoredObject current, JsonObject updated, WriteOptions options, CancellationToken cancellation)
    {
        var payload = ObjectWriter.Write(await server.Conversion.ConvertAsync(target.Resource, updated, target.Resource.StorageKind, cancellation));
        if (options.DryRun) return new(true, payload.WithRevision(target.Storage, current.Key, current.Revision));
        // The last finalizer of an object marked for deletion is gone: this update is its end.
        var ends = Deletion.IsOver(updated, server.Strategy(target.Resource));
        return await server.Store.WriteAsync(new(target.Storage, current.Key, current.Revision, payload, ends), cancellation);
    }

    private async ValueTask<ManagedFields> TrackAsync(Target target, JsonObject made, JsonObject old, WriteOptions options, CancellationToken cancellation)
    {
        var (before, after) = ((JsonObject)old.DeepClone(), StoredForm.Worked((JsonObject)made.DeepClone(), target.Kind));
        var (given, list) = (FieldTracking.Take(after), FieldTracking.Take(before));
        if (target.Subresource is not null) after = OnlySubresource(target, after, before);
        else if (target.WorkedKind.HasStatus) Restore(after, before, "status");
        return await _tracking.UpdatedAsync(target, before, after, given, ManagedFields.Read(list) ?? ManagedFields.None, options, cancellation);
    }

    /// <returns>The object to store, null when nothing changed.</returns>
    private async ValueTask<JsonObject?> PrepareAsync(
        Target target, StoredObject current, JsonObject made, ManagedFields? managers, JsonObject old, WriteOptions options, WriteScope scope, CancellationToken cancellation)
    {
        var kind = target.Kind;
        var worked = target.WorkedKind;
        kind.Default(made);
        made = StoredForm.Worked(made, kind);
        KeepIdentity(target, made, old);
        var (given, list) = (FieldTracking.Take(made), FieldTracking.Take(old));
        var kept = ManagedFields.Read(list) ?? ManagedFields.None;
        if (target.Subresource is null)
        {
            if (worked.HasStatus) Restore(made, old, "status");
            // What the server itself fills in from here on is nobody's.
            managers ??= await _tracking.UpdatedAsync(target, old, made, given, kept, options, cancellation);
            server.Strategy(target.Resource).PrepareUpdate(made, old, scope);
        }
        else
        {
            made = OnlySubresource(target, made, old);
            server.Strategy(target.Resource).PrepareSubresource(target.Subresource, made, old, scope);
            managers ??= target.Subresource == "binding" ? kept : await _tracking.UpdatedAsync(target, old, made, given, kept, options, cancellation);
        }

        if (worked.TracksGeneration) KeepGeneration(made, old);
        var isSame = managers.SameButTimes(kept) && JsonNode.DeepEquals(made, old);
        FieldTracking.Put(old, list);
        if (isSame) return null;
        FieldTracking.Put(made, managers.Write());
        var errors = scope.Errors.Concat(worked.ValidateUpdate(made, old, target.Subresource)).ToList();
        if (errors.Count > 0) throw ApiErrors.Invalid(kind, current.Key.Name, errors);
        return made;
    }

    private static void KeepIdentity(Target target, JsonObject made, JsonObject old)
    {
        var (now, then) = (made.Child("metadata"), old.Child("metadata"));
        var uid = now.Text("uid");
        if (uid is { Length: > 0 } && uid != then.Text("uid"))
            throw ApiErrors.Conflict(target.Kind, then.Text("name") ?? "", $"Precondition failed: UID in precondition: {uid}, UID in object meta: {then.Text("uid")}");
        foreach (var field in (ReadOnlySpan<string>)["name", "namespace", "uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation", "resourceVersion", "generateName"])
            Restore(now, then, field);
        now.Remove("selfLink");
        if (then["deletionTimestamp"] is not null) ForbidNewFinalizers(target, now, then);
    }

    private static void ForbidNewFinalizers(Target target, JsonObject now, JsonObject then)
    {
        var had = (then["finalizers"] as JsonArray ?? []).Select(f => (string?)f).ToHashSet();
        var added = (now["finalizers"] as JsonArray ?? []).Select(f => (string?)f).Where(f => !had.Contains(f)).ToList();
        if (added.Count == 0) return;
        var list = string.Join(", ", added.Select(f => $"\"{f}\""));
        throw ApiErrors.Invalid(target.Kind, then.Text("name") ?? "",
            [new("metadata.finalizers", FieldErrorReason.FieldValueForbidden, $"Forbidden: no new finalizers can be added if the object is being deleted, found new finalizers []string{{{list}}}")]);
    }

    // A status update is of the status alone; built-in kinds let the same request change labels and annotations.
    private static JsonObject OnlySubresource(Target target, JsonObject made, JsonObject old)
    {
        var result = (JsonObject)old.DeepClone();
        switch (target.Subresource)
        {
            case "status":
                Restore(result, made, "status");
                if (!target.Kind.IsCustom)
                    foreach (var field in (ReadOnlySpan<string>)["labels", "annotations", "finalizers"])
                        Restore(result.Child("metadata"), made.Child("metadata"), field);
                if (target.Storage == "services" && (result["spec"] as JsonObject).Text("type") != "LoadBalancer") result.Child("status")["loadBalancer"] = new JsonObject();
                break;
            case "finalize":
                result.Child("spec")["finalizers"] = made["spec"]?["finalizers"]?.DeepClone() ?? new JsonArray();
                break;
            case "approval":
                var conditions = made["status"]?["conditions"]?.DeepClone();
                if (conditions is null) (result["status"] as JsonObject)?.Remove("conditions");
                else result.Child("status")["conditions"] = conditions;
                break;
            case "binding":
                // The one way a pod's node is ever set.
                result.Child("spec")["nodeName"] = made["spec"]?["nodeName"]?.DeepClone();
                break;
            default:
                throw ApiErrors.MethodNotAllowed();
        }

        return result;
    }

    private static void KeepGeneration(JsonObject made, JsonObject old)
    {
        var generation = (old["metadata"] as JsonObject).Whole("generation") ?? 0;
        var changed = made.Count(p => Counts(p.Key)) != old.Count(p => Counts(p.Key))
            || made.Any(p => Counts(p.Key) && !JsonNode.DeepEquals(p.Value, old[p.Key]));
        made.Child("metadata")["generation"] = changed ? generation + 1 : generation;

        static bool Counts(string member) => member is not ("metadata" or "status" or "apiVersion" or "kind");
    }

    private static void Restore(JsonObject to, JsonObject from, string field)
    {
        if (from[field] is { } value) to[field] = value.DeepClone();
        else to.Remove(field);
    }
}
