using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Portolan.Lab.ApiServer.Admission;
using Portolan.Lab.ApiServer.Auth;
using Portolan.Lab.ApiServer.Proxying;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.Http;

/// <summary>The subresources that are not a view of the object itself: scale, binding, eviction, token, and what goes to the node.</summary>
internal sealed class Subresources(
    ServerContext server, ObjectUpdate update, EvictionSubresource evictions, TokenRequests tokens, ScaleSubresource scale, NodeProxy nodes)
{
    public async Task HandleAsync(HttpContext context, Target target, Dictionary<string, string> query, WriteOptions options)
    {
        if (options.By is { } caller && ConnectOptions.Request(target, caller, context.Request.Query) is { } connect)
            await server.Admission.AdmitAsync(connect, body => body, context.RequestAborted);
        await ServeAsync(context, target, query, options);
    }

    private Task ServeAsync(HttpContext context, Target target, Dictionary<string, string> query, WriteOptions options) => (target.Subresource, context.Request.Method) switch
    {
        ("scale", _) => scale.HandleAsync(context, target, options),
        ("binding", "POST") => BindAsync(context, target, options),
        ("eviction", "POST") => EvictAsync(context, target, options),
        ("token", "POST") => IssueTokenAsync(context, target, options),
        ("log", "GET") => nodes.LogAsync(context, Object(target), query),
        ("exec" or "attach" or "portforward", "GET" or "POST") => nodes.StreamAsync(context, Object(target), target.Subresource, query),
        _ => throw ApiErrors.MethodNotAllowed(),
    };

    private JsonObject Object(Target target) => StoredForm.Parse(server.Store.Find(target.Storage, target.Key) ?? throw target.NotFound());

    private async Task BindAsync(HttpContext context, Target target, WriteOptions options)
    {
        var binding = await BodyAsync(context, "Binding", target, options);
        var node = (binding["target"] as JsonObject).Text("name");
        if (string.IsNullOrEmpty(node))
            throw ApiErrors.Invalid("", "Binding", target.Name!, [new("target.name", FieldErrorReason.FieldValueRequired, "Required value")]);
        await update.ChangeAsync(target, pod =>
        {
            if (pod["metadata"]?["deletionTimestamp"] is not null) throw Refuse($"pod {target.Name} is being deleted, cannot be assigned to a host");
            var spec = pod.Child("spec");
            if (spec.Text("nodeName") is { Length: > 0 } taken) throw Refuse($"pod {target.Name} is already assigned to node \"{taken}\"");
            spec["nodeName"] = node;
            return pod;
        }, options with { By = null }, context.RequestAborted);
        await update.ChangeAsync(target with { Subresource = "status" }, pod =>
        {
            var conditions = pod.Child("status")["conditions"] as JsonArray ?? [];
            if (conditions.Parent is null) pod.Child("status")["conditions"] = conditions;
            var scheduled = conditions.OfType<JsonObject>().FirstOrDefault(c => c.Text("type") == "PodScheduled");
            if (scheduled is null) conditions.Add((JsonNode)(scheduled = new JsonObject { ["type"] = "PodScheduled" }));
            scheduled["status"] = "True";
            scheduled["lastTransitionTime"] = JsonText.Time(server.Clock.GetUtcNow());
            scheduled["lastProbeTime"] = null;
            scheduled.Remove("reason");
            scheduled.Remove("message");
            return pod;
        }, options with { By = null }, context.RequestAborted);
        await Success(context);

        ApiException Refuse(string why) => new(409, "Conflict", $"Operation cannot be fulfilled on pods/binding \"{target.Name}\": {why}") { Name = target.Name, Kind = "pods/binding" };
    }

    private async Task EvictAsync(HttpContext context, Target target, WriteOptions options)
    {
        await evictions.EvictAsync(target, await BodyAsync(context, "Eviction", target, options), options, context.RequestAborted);
        await Success(context);
    }

    private async Task IssueTokenAsync(HttpContext context, Target target, WriteOptions options)
    {
        var request = await BodyAsync(context, "TokenRequest", target, options);
        await Reply.JsonAsync(context, tokens.Answer(target, Object(target), request, options.By?.Identity), 201);
    }

    // What these create is admitted as their body's own kind.
    private async Task<JsonObject> BodyAsync(HttpContext context, string name, Target target, WriteOptions options)
    {
        var kind = server.Kinds.Body(name);
        var body = Decoding.DecodeBody(kind, (await ResourceRequests.BodyAsync(context)).Object);
        if (options.By is not { } caller || !server.Admission.Any) return body;
        body["kind"] = kind.Kind;
        body["apiVersion"] = kind.ApiVersion;
        var asked = AdmissionRequest.Create(target, caller, options, body) with { BodyKind = (kind.Group, kind.Version, kind.Kind) };
        return await server.Admission.AdmitAsync(asked, patched => Decoding.DecodeBody(kind, patched), context.RequestAborted);
    }

    private static Task Success(HttpContext context) => Reply.JsonAsync(
        context, new JsonObject { ["kind"] = "Status", ["apiVersion"] = "v1", ["metadata"] = new JsonObject(), ["status"] = "Success", ["code"] = 201 }, 201);
}
