using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.FieldOwnership;
using Portolan.Lab.ApiServer.Http;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.ApiServer.Patching;

/// <summary>Server-side apply: a configuration merged into what is there, or what is made of it when nothing is.</summary>
internal sealed class ObjectApply(ServerContext server, ObjectUpdate update, ObjectCreation creation)
{
    private readonly FieldTracking _tracking = new(server);

    /// <returns>The object, and whether the apply created it.</returns>
    public async Task<(StoredObject Object, bool Created)> ApplyAsync(Target target, byte[] body, WriteOptions options, CancellationToken cancellation)
    {
        var applied = Configuration(target, target.Kind, body, options);
        var version = Text(applied, "resourceVersion");
        while (true)
        {
            if (server.Store.Find(target.Storage, target.Key) is null)
            {
                if (target.Subresource is not null) throw target.NotFound();
                if (version is { Length: > 0 } && version != "0") throw ApiErrors.Modified(target.Kind, target.Name ?? "");
                if (Text(applied, "uid") is { Length: > 0 } uid) throw ApiErrors.Conflict(target.Kind, target.Name ?? "", $"uid mismatch: the provided object specified uid {uid}, and no existing object was found");
                try
                {
                    return (await CreateAsync(target, applied, options, cancellation), true);
                }
                catch (ApiException e) when (e.Reason == "AlreadyExists")
                {
                    // Someone was faster: then it is a change.
                    continue;
                }
            }

            return (await update.ChangeAsync(target, current => MergeAsync(target, current, applied, options, cancellation), options, cancellation), false);
        }
    }

    private async Task<StoredObject> CreateAsync(Target target, JsonObject applied, WriteOptions options, CancellationToken cancellation)
    {
        // Who may patch may not therefore create.
        if (options.By is { } caller)
            server.Access.Require(new(caller.Identity, "create") { Group = target.Kind.Group, Resource = target.Kind.Plural, Namespace = target.Namespace ?? "", Name = target.Name ?? "" });
        var (fresh, managers) = await _tracking.Manager(target, cancellation).ApplyAsync(null, Own(target, applied), ManagedFields.None, options.FieldManager!, null, options.Force);
        return await creation.CreateAsync(target, new(fresh, []), options, cancellation, managers);
    }

    /// <summary>What an apply makes of the current state.</summary>
    public async ValueTask<ProposedChange> MergeAsync(Target target, JsonObject current, JsonObject applied, WriteOptions options, CancellationToken cancellation)
    {
        var kept = ManagedFields.Read(FieldTracking.Take(current)) ?? ManagedFields.None;
        var own = Own(target, applied);
        AppliedObject result;
        try
        {
            result = await ClientSideApply.WithoutItsConflictsAsync(_tracking.Manager(target, cancellation), target.Kind, current, own, kept, options.FieldManager!, options.ManagedAs ?? target.Subresource, options.Force);
        }
        catch (ApplyConflictException e)
        {
            throw new ApiException(409, "Conflict", e.Message)
            {
                OtherCauses = [.. e.Conflicts.Select(c => ("FieldManagerConflict", $"conflict with {c.Manager.Display()}", (string?)c.Field))],
            };
        }

        if (options.FieldManager == ClientSideApply.Manager) ClientSideApply.Refresh(result.Object, applied);
        // The revision that an apply insists on is checked like any other writer's.
        if (Text(applied, "resourceVersion") is null) (result.Object["metadata"] as JsonObject)?.Remove("resourceVersion");
        Decoding.Decode(target.Kind, result.Object, [], options with { Validation = FieldValidation.Ignore });
        return new(result.Object, result.Managers);
    }

    /// <summary>The body, checked, with the name and namespace of its address.</summary>
    /// <param name="kind">What the body is: the target's kind, or that of its subresource.</param>
    public static JsonObject Configuration(Target target, KindSchema kind, byte[] bytes, WriteOptions options)
    {
        if (string.IsNullOrEmpty(options.FieldManager))
            throw ApiErrors.Invalid("meta.k8s.io", "PatchOptions", "", [new("fieldManager", FieldErrorReason.FieldValueRequired, "Required value: is required for apply patch")]);
        var body = BodyReader.ParseYaml(bytes);
        var applied = body.Object;
        // Nulls and zeros are owned like any other value, so the configuration stays as it was written; a copy shows whether it can be read.
        var read = (JsonObject)applied.DeepClone();
        Decoding.Decode(kind, read, [], options with { Validation = FieldValidation.Ignore });
        applied["apiVersion"] = kind.ApiVersion;
        applied["kind"] = kind.Kind;
        var metadata = applied.Child("metadata");
        if (metadata["managedFields"] is not null) throw ApiErrors.BadRequest("metadata.managedFields must be nil");
        metadata.Remove("managedFields");
        metadata["name"] ??= target.Name;
        if (metadata.Text("name") != target.Name)
            throw ApiErrors.BadRequest($"the name of the object ({metadata.Text("name")}) does not match the name on the URL ({target.Name})");
        if (target.Kind.Namespaced)
        {
            metadata["namespace"] ??= target.Namespace;
            if (metadata.Text("namespace") != target.Namespace)
                throw ApiErrors.BadRequest("the namespace of the provided object does not match the namespace sent on the request");
        }

        // Unknown fields, which others drop or warn of, are refused here whatever fieldValidation says: nobody could own them.
        var problems = AppliedCheck.Problems(applied, kind.Structure);
        if (problems.Count > 0)
        {
            var described = problems.Count == 1 ? problems[0] : $"errors:\n{string.Join('\n', problems.Select(p => $"  {p}"))}";
            throw ApiErrors.BadRequest($"failed to create typed patch object ({target.Namespace}/{target.Name}; {kind.ApiVersion}, Kind={kind.Kind}): {described}");
        }

        Decoding.Decode(kind, read, body.Duplicates, options);
        return applied;
    }

    /// <summary>What an apply to this address may set: all but the status, or the status alone.</summary>
    private static JsonObject Own(Target target, JsonObject applied)
    {
        var own = (JsonObject)applied.DeepClone();
        if (target.Subresource is null)
        {
            if (target.Kind.HasStatus) own.Remove("status");
            return own;
        }

        foreach (var (name, _) in applied)
            if (name is not ("apiVersion" or "kind" or "metadata") && name != target.Subresource)
                own.Remove(name);
        if (target.Kind.IsCustom) own["metadata"] = new JsonObject { ["name"] = target.Name };
        return own;
    }

    private static string? Text(JsonObject obj, string name) => (obj["metadata"] as JsonObject).Text(name);
}
