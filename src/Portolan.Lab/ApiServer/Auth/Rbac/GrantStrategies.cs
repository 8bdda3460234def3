using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Http;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Auth.Rbac;

/// <summary>Roles: nobody writes into one what they do not hold themselves, unless they have the verb <c>escalate</c> on it.</summary>
internal sealed class RoleStrategy(Authorizer access, string plural) : ResourceStrategy
{
    private static readonly PolicyRule[] Everything = [DefaultRoles.Rule("*", "*", "*"), new() { Verbs = [PolicyRule.All], NonResourceUrls = [PolicyRule.All] }];

    public override void PrepareCreate(JsonObject obj, WriteScope scope)
    {
        if (scope.By?.Identity is not { } who) return;
        var metadata = obj.Obj("metadata");
        var request = new AccessRequest(who, "escalate") { Group = RbacIndex.Group, Resource = plural, Namespace = metadata.Str("namespace"), Name = metadata.Str("name") };
        if (access.Decide(request).Allowed) return;
        var held = access.Roles.RulesFor(who, request.Namespace);
        if (obj["aggregationRule"] is JsonObject && RuleCover.Missing(held, Everything).Count > 0)
            throw ApiErrors.Forbidden(request, "must have cluster-admin privileges to use an aggregationRule", explained: true);
        Grants.Require(held, PolicyRule.ReadAll(obj), request, request);
    }

    public override void PrepareUpdate(JsonObject obj, JsonObject old, WriteScope scope)
    {
        if (ObjectReading.Same(obj["rules"], old["rules"]) && ObjectReading.Same(obj["aggregationRule"], old["aggregationRule"])) return;
        PrepareCreate(obj, scope);
    }
}

/// <summary>Bindings: nobody binds a role whose rules they do not hold themselves, unless they have the verb <c>bind</c> on it.</summary>
internal sealed class BindingStrategy(Authorizer access, string plural) : ResourceStrategy
{
    public override void PrepareCreate(JsonObject obj, WriteScope scope)
    {
        if (scope.By?.Identity is not { } who) return;
        var (metadata, role) = (obj.Obj("metadata"), obj.Obj("roleRef"));
        var inNamespace = role.Str("kind") == "Role";
        var request = new AccessRequest(who, "bind")
        {
            Group = RbacIndex.Group,
            Resource = inNamespace ? "roles" : "clusterroles",
            Namespace = metadata.Str("namespace"),
            Name = role.Str("name"),
        };
        if (access.Decide(request).Allowed) return;
        var rules = access.Roles.RulesOf(inNamespace ? request.Namespace : "", request.Name) ?? throw ApiErrors.NotFound(request.Group, request.Resource, request.Name);
        Grants.Require(access.Roles.RulesFor(who, request.Namespace), rules, request, request with { Resource = plural, Name = metadata.Str("name") });
    }

    public override void PrepareUpdate(JsonObject obj, JsonObject old, WriteScope scope)
    {
        if (ObjectReading.Same(obj["subjects"], old["subjects"]) && ObjectReading.Same(obj["roleRef"], old["roleRef"])) return;
        PrepareCreate(obj, scope);
    }
}

file static class Grants
{
    /// <exception cref="ApiException">403: <paramref name="granted"/> holds what <paramref name="held"/> does not.</exception>
    public static void Require(List<PolicyRule> held, PolicyRule[] granted, in AccessRequest request, in AccessRequest written)
    {
        var missing = RuleCover.Missing(held, granted);
        if (missing.Count == 0) return;
        var who = request.Who;
        throw ApiErrors.Forbidden(written,
            $"user \"{who.User}\" (groups=[{string.Join(' ', who.Groups.Select(g => $"\"{g}\""))}]) is attempting to grant RBAC permissions not currently held:\n"
            + string.Join('\n', missing), explained: true);
    }
}
