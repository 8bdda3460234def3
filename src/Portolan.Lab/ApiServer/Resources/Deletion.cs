using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Admission;
using Portolan.Lab.ApiServer.Http;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.ApiServer.Resources;

/// <summary>What a client says about a deletion (<c>DeleteOptions</c>).</summary>
internal sealed record DeleteOptions(long? GracePeriodSeconds = null, string? PropagationPolicy = null, string? Uid = null, string? ResourceVersion = null, bool DryRun = false)
{
    /// <summary>Who asks; null when the server itself does.</summary>
    public Caller? By { get; init; }
}

/// <summary>What became of a deletion.</summary>
/// <param name="Object">The last state.</param>
/// <param name="Gone">False while grace or finalizers keep it.</param>
internal readonly record struct DeleteOutcome(StoredObject Object, bool Gone);

/// <summary>Deletes objects: at once, or by marking them until their grace is over and their finalizers are gone.</summary>
internal sealed class Deletion(ServerContext server)
{
    private const string Orphan = "orphan";
    private const string Foreground = "foregroundDeletion";

    /// <summary>Whether an object waits to go.</summary>
    public static bool IsMarked(StoredObject obj) => obj.IsMarkedForDeletion;

    /// <summary>Whether a marked object may go now.</summary>
    public static bool IsOver(JsonObject obj, ResourceStrategy strategy)
    {
        var metadata = obj["metadata"] as JsonObject;
        return metadata?["deletionTimestamp"] is not null
            && metadata["finalizers"] is not JsonArray { Count: > 0 }
            && metadata.Whole("deletionGracePeriodSeconds") is null or 0
            && !strategy.HoldsDeletion(obj);
    }

    public async Task<DeleteOutcome> DeleteAsync(Target target, DeleteOptions options, CancellationToken cancellation)
    {
        if (target.Storage == "namespaces" && target.Name is "default" or "kube-system" or "kube-public")
            throw ApiErrors.Forbidden(target.Kind, target.Name, "this namespace may not be deleted");
        while (true)
        {
            var current = server.Store.Find(target.Storage, target.Key) ?? throw target.NotFound();
            var obj = StoredForm.Parse(current);
            CheckPreconditions(target, current, obj.Child("metadata"), options);
            if (options.By is { } caller && server.Admission.Any) await AdmitAsync(target, caller, options, obj, cancellation);
            var gone = Mark(target, obj, options);
            if (!gone && JsonNode.DeepEquals(obj, StoredForm.Parse(current))) return new(current, false);
            var payload = ObjectWriter.Write(obj);
            if (options.DryRun) return new(payload.WithRevision(current.Resource, current.Key, current.Revision), gone);
            var outcome = await server.Store.WriteAsync(new(target.Storage, current.Key, current.Revision, payload, gone), cancellation);
            if (outcome.Committed) return new(outcome.Object!, gone);
            if (outcome.Object is null) throw target.NotFound();
        }
    }

    private async Task AdmitAsync(Target target, Caller caller, DeleteOptions options, JsonObject obj, CancellationToken cancellation)
    {
        var old = StoredForm.Shown(await server.Conversion.ConvertAsync(target.Resource, obj, target.WorkedKind, cancellation), target.Kind);
        var asked = AdmissionRequest.Delete(target, caller, options, old);
        await server.Admission.MutateAsync(asked, patched => patched, cancellation);
        await server.Admission.ValidateAsync(asked, cancellation);
    }

    private static void CheckPreconditions(Target target, StoredObject current, JsonObject metadata, DeleteOptions options)
    {
        if (options.Uid is { } uid && uid != metadata.Text("uid"))
            throw ApiErrors.Conflict(target.Kind, current.Key.Name, $"Precondition failed: UID in precondition: {uid}, UID in object meta: {metadata.Text("uid")}");
        if (options.ResourceVersion is { } version && version != current.Revision.ToString())
            throw ApiErrors.Conflict(target.Kind, current.Key.Name, $"Precondition failed: ResourceVersion in precondition: {version}, ResourceVersion in object meta: {current.Revision}");
    }

    /// <returns>True when the object may go now.</returns>
    private bool Mark(Target target, JsonObject obj, DeleteOptions options)
    {
        var strategy = server.Strategy(target.Resource);
        var metadata = obj.Child("metadata");
        var first = metadata["deletionTimestamp"] is null;
        SetPropagation(metadata, options.PropagationPolicy);
        var grace = strategy.GracePeriod(obj, options.GracePeriodSeconds) ?? 0;
        var now = server.Clock.GetUtcNow();
        if (first)
        {
            strategy.PrepareDelete(obj);
            // Nothing to wait for: it goes as it is, never having been marked.
            if (grace == 0 && metadata["finalizers"] is not JsonArray { Count: > 0 } && !strategy.HoldsDeletion(obj)) return true;
            metadata["deletionTimestamp"] = JsonText.Time(now.AddSeconds(grace));
            metadata["deletionGracePeriodSeconds"] = grace;
            if (metadata.Whole("generation") is { } generation) metadata["generation"] = generation + 1;
        }
        else if ((options.GracePeriodSeconds is not null || grace == 0) && grace < (metadata.Whole("deletionGracePeriodSeconds") ?? 0))
        {
            // A second deletion can only shorten the wait.
            metadata["deletionTimestamp"] = JsonText.Time(now.AddSeconds(grace));
            metadata["deletionGracePeriodSeconds"] = grace;
        }

        return IsOver(obj, strategy);
    }

    private static void SetPropagation(JsonObject metadata, string? policy)
    {
        if (policy is null) return;
        var finalizers = (metadata["finalizers"] as JsonArray ?? []).Select(f => (string?)f ?? "").Where(f => f is not (Orphan or Foreground)).ToList();
        if (policy == "Orphan") finalizers.Add(Orphan);
        else if (policy == "Foreground") finalizers.Add(Foreground);
        if (finalizers.Count > 0) metadata["finalizers"] = JsonText.Strings(finalizers);
        else metadata.Remove("finalizers");
    }

    public static DeleteOptions Parse(JsonObject? body, IReadOnlyDictionary<string, string> query)
    {
        var preconditions = body?["preconditions"] as JsonObject;
        var policy = body.Text("propagationPolicy") ?? query.GetValueOrDefault("propagationPolicy");
        if ((body.Flag("orphanDependents") ?? (query.TryGetValue("orphanDependents", out var o) ? o == "true" : null)) is { } orphan)
        {
            if (policy is not null)
                throw Unacceptable(new("propagationPolicy", FieldErrorReason.FieldValueInvalid, $"Invalid value: \"{policy}\": orphanDependents and deletionPropagation cannot be both set"));
            policy = orphan ? "Orphan" : "Background";
        }

        if (policy is not (null or "Background" or "Foreground" or "Orphan"))
            throw Unacceptable(new("propagationPolicy", FieldErrorReason.FieldValueNotSupported,
                $"Unsupported value: \"{policy}\": supported values: \"Foreground\", \"Background\", \"Orphan\", \"nil\""));
        var grace = body.Whole("gracePeriodSeconds") ?? (query.TryGetValue("gracePeriodSeconds", out var g) && long.TryParse(g, out var seconds) ? seconds : null);
        // A misspelt dry run must not become a real one.
        var dryRun = (body?["dryRun"] as JsonArray ?? []).Select(d => (string?)d ?? "").Append(query.GetValueOrDefault("dryRun")).Where(d => d is { Length: > 0 }).ToList();
        if (dryRun.Find(d => d != "All") is { } unknown)
            throw Unacceptable(new("dryRun", FieldErrorReason.FieldValueNotSupported, $"Unsupported value: \"{unknown}\": supported values: \"All\""));
        return new(grace, policy, preconditions.Text("uid"), preconditions.Text("resourceVersion"), dryRun.Count > 0);

        static ApiException Unacceptable(FieldError error) => ApiErrors.Invalid("meta.k8s.io", "DeleteOptions", "", [error]);
    }
}
