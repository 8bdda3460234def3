using System.Security.Cryptography;
using System.Text.Json.Nodes;
using Portolan.Core.Cluster;
using Portolan.Lab.ApiServer.Admission;
using Portolan.Lab.ApiServer.FieldOwnership;
using Portolan.Lab.ApiServer.Http;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.ApiServer.Resources;

/// <summary>Creates objects: decode, default, prepare, validate, store.</summary>
internal sealed class ObjectCreation(ServerContext server)
{
    private const int NameAttempts = 8;
    private readonly FieldTracking _tracking = new(server);

    /// <param name="managers">Who manages the object's fields when an apply creates it.</param>
    public async Task<StoredObject> CreateAsync(Target target, ParsedBody body, WriteOptions options, CancellationToken cancellation, ManagedFields? managers = null)
    {
        // An apply that creates is a creation, too.
        if (options is { Patch: true, By: { } by })
            server.Access.Require(new(by.Identity, "create") { Group = target.Kind.Group, Resource = target.Kind.Plural, Namespace = target.Namespace ?? "", Name = target.Name ?? "" });
        var obj = body.Object;
        Decoding.Decode(target.Kind, obj, body.Duplicates, options);
        var metadata = obj.Child("metadata");
        CheckNamespace(target, metadata);
        if (target.Resource.Definition is { } definition && server.Store.Find("customresourcedefinitions.apiextensions.k8s.io", new("", definition)) is { } crd && Deletion.IsMarked(crd))
            throw new ApiException(405, "MethodNotAllowed", "create not allowed while custom resource definition is terminating");
        if (target.Storage == "pods") await RequireServiceAccountAsync(target, obj, cancellation);
        if (metadata.Text("resourceVersion") is { Length: > 0 }) throw ApiErrors.BadRequest("resourceVersion should not be set on objects to be created");
        if (options.By is { } caller && server.Admission.Any)
        {
            if (target.Kind.Namespaced) RequireNamespace(target, new(target.Namespace ?? "", metadata.Text("name") ?? ""));
            target.Kind.Default(obj);
            managers ??= await _tracking.CreatedAsync(target, obj, FieldTracking.Take(obj), options, cancellation);
            obj = (await server.Admission.MutateAsync(AdmissionRequest.Create(target, caller, options, obj), patched => Decoding.Reread(target.Kind, patched, options), cancellation))!;
            metadata = obj.Child("metadata");
            CheckNamespace(target, metadata);
        }

        var generated = string.IsNullOrEmpty(metadata.Text("name")) ? metadata.Text("generateName") : null;
        for (var attempt = 1; ; attempt++)
        {
            if (generated is { Length: > 0 }) metadata["name"] = GenerateName(generated);
            var outcome = await TryCreateAsync(target, (JsonObject)obj.DeepClone(), managers, options, cancellation);
            if (outcome.Committed) return outcome.Object!;
            if (generated is not { Length: > 0 } || attempt == NameAttempts) throw ApiErrors.AlreadyExists(target.Kind, metadata.Text("name") ?? "");
        }
    }

    private async Task<StoreOutcome> TryCreateAsync(Target target, JsonObject obj, ManagedFields? managers, WriteOptions options, CancellationToken cancellation)
    {
        using var scope = new WriteScope { DryRun = options.DryRun, By = options.By };
        var kind = target.Kind;
        var strategy = server.Strategy(target.Resource);
        var metadata = obj.Child("metadata");
        foreach (var field in (ReadOnlySpan<string>)["selfLink", "resourceVersion", "deletionTimestamp", "deletionGracePeriodSeconds"]) metadata.Remove(field);
        metadata["uid"] = Guid.NewGuid().ToString();
        metadata["creationTimestamp"] = JsonText.Time(server.Clock.GetUtcNow());
        if (kind.TracksGeneration) metadata["generation"] = 1;
        else metadata.Remove("generation");
        if (kind.HasStatus && !strategy.KeepsStatusOnCreate) obj.Remove("status");
        kind.Default(obj);
        var given = FieldTracking.Take(obj);
        managers ??= await _tracking.CreatedAsync(target, obj, given, options, cancellation);
        obj = StoredForm.Worked(obj, kind);
        metadata = obj.Child("metadata");
        strategy.PrepareCreate(obj, scope);
        FieldTracking.Put(obj, managers.Write());
        var errors = scope.Errors.Concat(target.WorkedKind.ValidateCreate(obj)).ToList();
        var name = metadata.Text("name") ?? "";
        if (errors.Count > 0) throw ApiErrors.Invalid(kind, name, errors);
        var key = new ObjectKey(target.Namespace ?? "", name);
        if (kind.Namespaced) RequireNamespace(target, key);
        if (options.By is { } caller && server.Admission.Any)
            await server.Admission.ValidateAsync(AdmissionRequest.Create(target with { Name = name }, caller, options, StoredForm.Shown(obj, kind)), cancellation);
        var payload = ObjectWriter.Write(await server.Conversion.ConvertAsync(target.Resource, obj, target.Resource.StorageKind, cancellation));
        if (!options.DryRun) return await server.Store.WriteAsync(new(target.Storage, key, 0, payload), cancellation);
        var existing = server.Store.Find(target.Storage, key);
        return new(existing is null, existing ?? payload.WithRevision(target.Storage, key, 0));
    }

    private static void CheckNamespace(Target target, JsonObject metadata)
    {
        var given = metadata.Text("namespace");
        if (!target.Kind.Namespaced)
        {
            metadata.Remove("namespace");
            return;
        }

        if (given is { Length: > 0 } && given != target.Namespace)
            throw ApiErrors.BadRequest($"the namespace of the provided object does not match the namespace sent on the request");
        metadata["namespace"] = target.Namespace;
    }

    private void RequireNamespace(Target target, ObjectKey key)
    {
        var ns = server.Store.Find("namespaces", new("", key.Namespace)) ?? throw ApiErrors.NotFound("", "namespaces", key.Namespace);
        if (!Deletion.IsMarked(ns)) return;
        throw new ApiException(403, "Forbidden",
            $"{target.Storage} \"{key.Name}\" is forbidden: unable to create new content in namespace {key.Namespace} because it is being terminated")
        {
            Name = key.Name,
            Group = target.Kind.Group,
            Kind = target.Kind.Plural,
            OtherCause = ("NamespaceTerminating", $"namespace {key.Namespace} is being terminated", "metadata.namespace"),
        };
    }

    // The default account of a new namespace is made by a controller: give it a moment, as real servers do.
    private async Task RequireServiceAccountAsync(Target target, JsonObject pod, CancellationToken cancellation)
    {
        var spec = pod["spec"] as JsonObject;
        var name = spec.Text("serviceAccountName") is { Length: > 0 } given ? given : spec.Text("serviceAccount") is { Length: > 0 } older ? older : "default";
        var account = new ObjectKey(target.Namespace ?? "", name);
        for (var attempt = 1; server.Store.Find("serviceaccounts", account) is null; attempt++)
        {
            if (name != "default" || attempt > 10 || server.Store.Find("namespaces", new("", account.Namespace)) is null)
                throw ApiErrors.Forbidden(target.Kind, (pod["metadata"] as JsonObject).Text("name") ?? "",
                    $"error looking up service account {account.Namespace}/{name}: serviceaccount \"{name}\" not found");
            await Task.Delay(TimeSpan.FromMilliseconds(100), server.Clock, cancellation);
        }
    }

    private static string GenerateName(string prefix)
    {
        // 63 characters in all, as real servers cut it; no vowels, so no words.
        var head = prefix.Length > 58 ? prefix[..58] : prefix;
        return head + RandomNumberGenerator.GetString("bcdfghjklmnpqrstvwxz2456789", 5);
    }
}
