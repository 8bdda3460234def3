using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Http;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Storage;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Auth;

/// <summary>Answers <c>TokenRequest</c>s (<c>authentication.k8s.io/v1</c>): a token of a service account, for a time, for an audience, perhaps bound to an object.</summary>
internal sealed class TokenRequests(ServerContext server, ServiceAccountTokens tokens)
{
    private const long DefaultSeconds = 3600;
    private const long LeastSeconds = 600;
    private const long MostSeconds = 1L << 32;
    private static readonly TimeSpan Longest = TimeSpan.FromDays(365);

    /// <param name="target">The service account.</param>
    /// <param name="account">As stored.</param>
    /// <param name="request">As posted; the answer is put into it.</param>
    /// <param name="who">Who asks.</param>
    public JsonObject Answer(Target target, JsonObject account, JsonObject request, Identity? who)
    {
        var spec = request.Child("spec");
        var seconds = spec.Int("expirationSeconds") ?? DefaultSeconds;
        var errors = new ErrorList();
        if (seconds < LeastSeconds) errors.Invalid("spec.expirationSeconds", seconds, "may not specify a duration less than 10 minutes");
        if (seconds > MostSeconds) errors.Invalid("spec.expirationSeconds", seconds, "may not specify a duration larger than 2^32 seconds");
        if (errors.Errors.Count > 0) throw ApiErrors.Invalid("authentication.k8s.io", "TokenRequest", "", errors.Errors);
        var audiences = spec.Strings("audiences", "").Select(a => a.Item).Where(a => a.Length > 0).ToList();
        if (audiences.Count == 0) audiences.Add(ServiceAccountTokens.Issuer);
        var bound = Bind(target, spec.Obj("boundObjectRef"), who);
        var subject = new TokenSubject(target.Namespace!, target.Name!, account.Obj("metadata").Str("uid"), bound);
        var lifetime = TimeSpan.FromSeconds(Math.Min(seconds, Longest.TotalSeconds));
        var (token, expires) = tokens.Issue(subject, audiences, lifetime);
        request["kind"] = "TokenRequest";
        request["apiVersion"] = "authentication.k8s.io/v1";
        request["metadata"] = new JsonObject { ["name"] = target.Name, ["namespace"] = target.Namespace, ["creationTimestamp"] = JsonText.Time(server.Clock.GetUtcNow()) };
        spec["audiences"] = JsonText.Strings(audiences);
        spec["expirationSeconds"] = (long)lifetime.TotalSeconds;
        request["status"] = new JsonObject { ["token"] = token, ["expirationTimestamp"] = JsonText.Time(expires) };
        return request;
    }

    private TokenBinding[] Bind(Target target, JsonObject? reference, Identity? who)
    {
        var node = who?.Node;
        if (reference is null)
        {
            if (node is not null) throw Refuse(target, "node requested token not bound to a pod");
            return [];
        }

        var (resource, ns) = reference.Str("kind") switch
        {
            "Pod" => ("pods", target.Namespace!),
            "Secret" => ("secrets", target.Namespace!),
            "Node" => ("nodes", ""),
            var other => throw ApiErrors.BadRequest($"cannot bind token for serviceaccount \"{target.Name}\" to object of type {other}"),
        };
        var name = reference.Str("name");
        var stored = server.Store.Find(resource, new(ns, name)) ?? throw ApiErrors.NotFound("", resource, name);
        var obj = StoredForm.Parse(stored);
        var uid = obj.Obj("metadata").Str("uid");
        if (reference.Str("uid") is { Length: > 0 } asked && asked != uid)
            throw new ApiException(409, "Conflict",
                $"Operation cannot be fulfilled on {resource} \"{name}\": the UID in the bound object reference ({asked}) does not match the UID in record. The object might have been deleted and then recreated")
            { Name = name, Kind = resource };
        if (node is not null && (resource != "pods" || obj.Obj("spec").Str("nodeName") != node))
            throw Refuse(target, resource == "pods" ? "node requested token bound to a pod scheduled on a different node" : "node requested token not bound to a pod");
        var binding = new TokenBinding(resource, name, uid);
        return resource == "pods" ? OfPod(target, obj, binding) : [binding];
    }

    // A pod's token names its node, too, so that whoever checks it knows from where it is used.
    private TokenBinding[] OfPod(Target target, JsonObject pod, TokenBinding binding)
    {
        if (pod.Obj("spec").Str("serviceAccountName") != target.Name)
            throw ApiErrors.BadRequest($"cannot bind token for serviceaccount \"{target.Name}\" to pod running with different serviceaccount name.");
        var name = pod.Obj("spec").Str("nodeName");
        if (name.Length == 0) return [binding];
        var node = server.Store.Find("nodes", new("", name));
        return [binding, new("nodes", name, node is null ? "" : (StoredJson.Parse(node.MetadataJson) as JsonObject).Str("uid"))];
    }

    private static ApiException Refuse(Target target, string why) => ApiErrors.Forbidden(target.Kind, target.Name!, why);
}
