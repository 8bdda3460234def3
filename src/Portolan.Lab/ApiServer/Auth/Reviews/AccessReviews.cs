using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Auth.Rbac;
using Portolan.Lab.ApiServer.Http;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Auth.Reviews;

/// <summary>"May they?" asked as an object (<c>authorization.k8s.io/v1</c>) and answered in its status by the same authorizer that every request passes.</summary>
internal sealed class AccessReviews(Authorizer access)
{
    /// <param name="kind">SubjectAccessReview, LocalSubjectAccessReview or SelfSubjectAccessReview.</param>
    /// <param name="review">As posted.</param>
    /// <param name="ns">Of the path, for a LocalSubjectAccessReview.</param>
    /// <param name="who">Who asks.</param>
    public JsonObject Answer(KindSchema kind, JsonObject review, string? ns, Identity who)
    {
        var spec = review.Obj("spec");
        var errors = new ErrorList();
        var resource = spec.Obj("resourceAttributes");
        var path = spec.Obj("nonResourceAttributes");
        if (resource is not null && path is not null) errors.Invalid("spec.nonResourceAttributes", path, "cannot be specified in combination with resourceAttributes");
        if (resource is null && path is null) errors.Invalid("spec.resourceAttributes", null, "exactly one of nonResourceAttributes or resourceAttributes must be specified");
        if (kind.Kind != "SelfSubjectAccessReview")
        {
            if (spec.Str("user").Length == 0 && spec.List("groups") is not { Count: > 0 }) errors.Invalid("spec.user", "", "at least one of user or group must be specified");
            who = Subject(spec);
        }

        if (kind.Kind == "LocalSubjectAccessReview")
        {
            if (path is not null) errors.Invalid("spec.nonResourceAttributes", path, "disallowed on this kind of request");
            if (resource.Str("namespace") != ns) errors.Invalid("spec.resourceAttributes.namespace", resource.Str("namespace"), "must match metadata.namespace");
        }

        if (errors.Errors.Count > 0) throw ApiErrors.Invalid(kind, "", errors.Errors);
        var decision = access.Decide(path is not null ? new(who, path.Str("verb")) { Path = path.Str("path") } : Request(who, resource));
        var status = new JsonObject { ["allowed"] = decision.Allowed };
        if (decision.Reason.Length > 0) status["reason"] = decision.Reason;
        return status;
    }

    /// <summary>What somebody may do in a namespace, as far as rules can say it.</summary>
    public JsonObject Rules(JsonObject review, Identity who)
    {
        var ns = review.Obj("spec").Str("namespace");
        if (ns.Length == 0) throw ApiErrors.BadRequest("no namespace on request");
        var rules = who.Groups.Contains(Identity.Masters)
            ? [DefaultRoles.Rule(PolicyRule.All, PolicyRule.All, PolicyRule.All), new() { Verbs = [PolicyRule.All], NonResourceUrls = [PolicyRule.All] }]
            : access.Roles.RulesFor(who, ns);
        var status = new JsonObject
        {
            ["resourceRules"] = new JsonArray([.. rules.Where(r => r.NonResourceUrls.Length == 0).Select(r => r.ToJson())]),
            ["nonResourceRules"] = new JsonArray([.. rules.Where(r => r.NonResourceUrls.Length > 0).Select(r => r.ToJson())]),
            ["incomplete"] = who.Node is not null,
        };
        if (who.Node is not null) status["evaluationError"] = "node authorizer does not support user rule resolution";
        return status;
    }

    private static Identity Subject(JsonObject? spec) => new(spec.Str("user"), [.. spec.Strings("groups", "").Select(g => g.Item)]) { Uid = spec.Str("uid") };

    private static AccessRequest Request(Identity who, JsonObject? attributes) => new(who, attributes.Str("verb"))
    {
        Group = attributes.Str("group"),
        Resource = attributes.Str("resource"),
        Subresource = attributes.Str("subresource"),
        Namespace = attributes.Str("namespace"),
        Name = attributes.Str("name"),
        FieldSelector = Selector(attributes.Obj("fieldSelector")),
    };

    // A selector comes as text or taken apart; what asks for more than one value of a field leaves the field open.
    private static string Selector(JsonObject? selector) => selector.Str("rawSelector") is { Length: > 0 } raw
        ? raw
        : string.Join(',', selector.Items("requirements", "").Where(r => r.Item.Str("operator") == "In" && r.Item.List("values") is { Count: 1 })
            .Select(r => $"{r.Item.Str("key")}={r.Item.Strings("values", "").First().Item}"));
}
