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
    ServerContext server, ObjectUpdate update, Deletion deletion, ServiceAccountTokens tokens, ScaleSubresource scale, NodeProxy nodes)
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
        ("exec" or "attach", "GET" or "POST") => nodes.StreamAsync(context, Object(target), target.Subresource, query),
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
        var eviction = await BodyAsync(context, "Eviction", target, options);
        var pod = server.Store.Find(target.Storage, target.Key) ?? throw target.NotFound();
        foreach (var stored in server.Store.List("poddisruptionbudgets.policy", target.Namespace).Objects)
        {
            var budget = StoredForm.Parse(stored);
            if (SelectorObject.Matches(budget["spec"]?["selector"] as JsonObject, pod.Labels) && (budget["status"] as JsonObject).Whole("disruptionsAllowed") is 0)
                throw new ApiException(429, "TooManyRequests", "Cannot evict pod as it would violate the pod's disruption budget.")
                {
                    OtherCause = ("DisruptionBudget", $"The disruption budget {stored.Key.Name} does not allow another disruption now.", null),
                };
        }

        await deletion.DeleteAsync(target with { Subresource = null },
            Deletion.Parse(eviction["deleteOptions"] as JsonObject, new Dictionary<string, string>()) with { DryRun = options.DryRun }, context.RequestAborted);
        await Success(context);
    }

    private async Task IssueTokenAsync(HttpContext context, Target target, WriteOptions options)
    {
        var request = await BodyAsync(context, "TokenRequest", target, options);
        var account = Object(target);
        var spec = request.Child("spec");
        var audiences = (spec["audiences"] as JsonArray ?? []).Select(a => (string?)a ?? "").Where(a => a.Length > 0).ToList();
        if (audiences.Count == 0) audiences.Add(ServiceAccountTokens.Issuer);
        var seconds = spec.Whole("expirationSeconds") ?? 3600;
        if (seconds < 600)
            throw ApiErrors.Invalid("authentication.k8s.io", "TokenRequest", "", [new("spec.expirationSeconds", FieldErrorReason.FieldValueInvalid, $"Invalid value: {seconds}: may not specify a duration less than 10 minutes")]);
        seconds = Math.Min(seconds, 365L * 24 * 3600);
        var token = tokens.Issue(target.Namespace!, target.Name!, (account["metadata"] as JsonObject).Text("uid") ?? "", audiences,
            TimeSpan.FromSeconds(seconds), Binding(target, spec["boundObjectRef"] as JsonObject), out var expires);
        request["kind"] = "TokenRequest";
        request["apiVersion"] = "authentication.k8s.io/v1";
        request["metadata"] = new JsonObject { ["name"] = target.Name, ["namespace"] = target.Namespace, ["creationTimestamp"] = JsonText.Time(server.Clock.GetUtcNow()) };
        spec["audiences"] = JsonText.Strings(audiences);
        spec["expirationSeconds"] = seconds;
        request["status"] = new JsonObject { ["token"] = token, ["expirationTimestamp"] = JsonText.Time(expires) };
        await Reply.JsonAsync(context, request, 201);
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

    private TokenBinding? Binding(Target target, JsonObject? reference)
    {
        if (reference is null) return null;
        var (kind, name) = (reference.Text("kind") ?? "", reference.Text("name") ?? "");
        if (kind is not ("Pod" or "Secret")) throw ApiErrors.BadRequest($"cannot bind token for serviceaccount \"{target.Name}\" to object of type {kind}");
        var resource = kind == "Pod" ? "pods" : "secrets";
        var bound = server.Store.Find(resource, new(target.Namespace!, name)) ?? throw ApiErrors.NotFound("", resource, name);
        var uid = (JsonNode.Parse(bound.MetadataJson) as JsonObject).Text("uid") ?? "";
        if (reference.Text("uid") is { Length: > 0 } asked && asked != uid)
            throw new ApiException(409, "Conflict", $"Operation cannot be fulfilled on {resource} \"{name}\": the UID in the bound object reference ({asked}) does not match the UID in record. The object might have been deleted and then recreated");
        return new(kind, name, uid);
    }

    private static Task Success(HttpContext context) => Reply.JsonAsync(
        context, new JsonObject { ["kind"] = "Status", ["apiVersion"] = "v1", ["metadata"] = new JsonObject(), ["status"] = "Success", ["code"] = 201 }, 201);
}
