using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Portolan.Lab.ApiServer.Admission;
using Portolan.Lab.ApiServer.FieldOwnership;
using Portolan.Lab.ApiServer.Patching;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.ApiServer.Http;

/// <summary><c>/scale</c>: the replicas of anything that has them, as an autoscaling/v1 Scale.</summary>
internal sealed class ScaleSubresource(ServerContext server, ObjectUpdate update, ObjectApply apply)
{
    private const int Attempts = 16;

    public async Task HandleAsync(HttpContext context, Target target, WriteOptions options)
    {
        var paths = target.Kind.Scale ?? throw ApiErrors.NoSuchPath();
        Func<JsonObject, JsonObject> change;
        JsonObject? applied = null;
        switch (context.Request.Method)
        {
            case "GET":
                var stored = server.Store.Find(target.Storage, target.Key) ?? throw target.NotFound();
                await Reply.JsonAsync(context, await ViewAsync(stored, target, context.RequestAborted));
                return;
            case "PUT":
                var body = (await ResourceRequests.BodyAsync(context)).Object;
                change = _ => body;
                break;
            case "PATCH":
                var bytes = await BodyReader.ReadBytesAsync(context.Request, context.RequestAborted);
                var type = BodyReader.MediaType(context.Request.ContentType);
                // A Scale has no lists: strategic and plain merge are the same thing.
                if (type == "application/strategic-merge-patch+json") type = "application/merge-patch+json";
                if (type == ObjectPatch.Apply)
                {
                    var kind = server.Kinds.Body("Scale");
                    applied = ObjectApply.Configuration(target, kind, bytes, options);
                    change = view => AppliedMerge.Merge(view, applied, kind.Structure);
                }
                else
                {
                    change = ObjectPatch.Change(target.Kind, type, bytes, options);
                }

                break;
            default:
                throw ApiErrors.MethodNotAllowed();
        }

        var changed = await ChangeAsync(target, change, applied, paths.SpecReplicas, options, context.RequestAborted);
        await Reply.JsonAsync(context, await ViewAsync(changed, target, context.RequestAborted));
    }

    // The Scale that the webhooks saw is the one written: if the object changes meanwhile, all is done anew.
    private async Task<StoredObject> ChangeAsync(Target target, Func<JsonObject, JsonObject> change, JsonObject? applied, string path, WriteOptions options, CancellationToken cancellation)
    {
        var kind = server.Kinds.Body("Scale");
        for (var attempt = 1; ; attempt++)
        {
            var stored = server.Store.Find(target.Storage, target.Key) ?? throw target.NotFound();
            var before = await ViewAsync(stored, target, cancellation);
            var scale = Decoding.DecodeBody(kind, change((JsonObject)before.DeepClone()));
            var revision = stored.Revision.ToString();
            if ((scale["metadata"] as JsonObject).Text("resourceVersion") is { Length: > 0 } insisted && insisted != revision) throw ApiErrors.Modified(target.Kind, target.Name!);
            if (options.By is { } caller && server.Admission.Any)
            {
                var asked = AdmissionRequest.Update(target, caller, options, scale, before) with { BodyKind = (kind.Group, kind.Version, kind.Kind) };
                scale = await server.Admission.AdmitAsync(asked, patched => Decoding.DecodeBody(kind, patched), cancellation);
            }

            var replicas = (scale["spec"] as JsonObject).Whole("replicas") ?? 0;
            if (replicas < 0)
                throw ApiErrors.Invalid("autoscaling", "Scale", target.Name ?? "", [new("spec.replicas", FieldErrorReason.FieldValueInvalid, $"Invalid value: {replicas}: must be greater than or equal to 0")]);
            try
            {
                var (whole, asScale) = (target with { Subresource = null }, options with { By = null, ManagedAs = "scale" });
                return await update.ChangeAsync(whole, obj =>
                {
                    if (applied is not null) return apply.MergeAsync(whole, obj, Applied(whole, applied, path, replicas, revision), asScale, cancellation);
                    obj.Child("metadata")["resourceVersion"] = revision;
                    Set(obj, path, replicas);
                    return new(new ProposedChange(obj));
                }, asScale, cancellation);
            }
            catch (ApiException e) when (e is { Reason: "Conflict", OtherCauses.Count: 0 } && attempt < Attempts)
            {
                // Somebody was faster; who insists on a version is told so in the next round.
            }
        }
    }

    // What an applied Scale says of the object itself: its replicas, if it has them.
    private static JsonObject Applied(Target target, JsonObject scale, string path, long replicas, string revision)
    {
        var applied = new JsonObject { ["apiVersion"] = target.Kind.ApiVersion, ["kind"] = target.Kind.Kind, ["metadata"] = new JsonObject { ["name"] = target.Name, ["resourceVersion"] = revision } };
        if ((scale["spec"] as JsonObject)?.ContainsKey("replicas") == true) Set(applied, path, replicas);
        return applied;
    }

    private async Task<JsonObject> ViewAsync(StoredObject stored, Target target, CancellationToken cancellation) =>
        View(await server.Conversion.ConvertAsync(target.Resource, StoredForm.Parse(stored), target.WorkedKind, cancellation), target.Kind);

    private static JsonObject View(JsonObject obj, KindSchema kind)
    {
        var paths = kind.Scale!;
        var metadata = (JsonObject)obj["metadata"]!;
        var view = new JsonObject();
        foreach (var field in (ReadOnlySpan<string>)["name", "namespace", "uid", "resourceVersion", "creationTimestamp"])
            if (metadata[field] is { } value)
                view[field] = value.DeepClone();
        var status = new JsonObject { ["replicas"] = Get(obj, paths.StatusReplicas)?.DeepClone() ?? 0 };
        // Custom kinds say where their selector's text is; built-in ones have it, structured, in their spec.
        var selector = kind.IsCustom ? paths.LabelSelector is { } path ? Get(obj, path) : null : Get(obj, ".spec.selector");
        var text = selector switch { JsonObject structured => SelectorObject.Format(structured), JsonValue value => value.ToString(), _ => "" };
        if (text.Length > 0) status["selector"] = text;
        return new()
        {
            ["kind"] = "Scale",
            ["apiVersion"] = "autoscaling/v1",
            ["metadata"] = view,
            ["spec"] = new JsonObject { ["replicas"] = Get(obj, paths.SpecReplicas)?.DeepClone() ?? 0 },
            ["status"] = status,
        };
    }

    private static JsonNode? Get(JsonNode obj, string path)
    {
        JsonNode? node = obj;
        foreach (var step in path.TrimStart('.').Split('.')) node = (node as JsonObject)?[step];
        return node;
    }

    private static void Set(JsonObject obj, string path, long value)
    {
        var steps = path.TrimStart('.').Split('.');
        foreach (var step in steps.AsSpan(..^1)) obj = obj.Child(step);
        obj[steps[^1]] = value;
    }
}
