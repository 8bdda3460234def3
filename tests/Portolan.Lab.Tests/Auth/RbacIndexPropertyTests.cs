using System.Text.Json.Nodes;
using CsCheck;
using Portolan.Lab.ApiServer.Auth;
using Portolan.Lab.ApiServer.Auth.Rbac;

namespace Portolan.Lab.Tests.Auth;

/// <summary>After any history of roles and bindings the index answers as one that is made of what is left, and as a plain reading of the objects does.</summary>
public sealed class RbacIndexPropertyTests
{
    private static readonly string[] Names = ["a", "b", "c"];
    private static readonly string[] Namespaces = ["x", "y"];
    private static readonly string[] Verbs = ["get", "list"];
    private static readonly string[] Resources = ["pods", "secrets"];

    private static readonly Gen<JsonObject> Rule = Gen.Select(OneOf("get", "list", "*"), OneOf("pods", "secrets", "*"), OneOf("", "n", "m"), (verb, resource, name) =>
    {
        var rule = new JsonObject { ["verbs"] = new JsonArray(verb), ["apiGroups"] = new JsonArray(""), ["resources"] = new JsonArray(resource) };
        if (name.Length > 0) rule["resourceNames"] = new JsonArray(name);
        return rule;
    });

    private static readonly Gen<JsonObject> Subject = Gen.Select(OneOf("User", "Group", "ServiceAccount"), OneOf(Names), (kind, name) => new JsonObject { ["kind"] = kind, ["name"] = name, ["namespace"] = kind == "ServiceAccount" ? "x" : null });

    private static readonly Gen<(string Resource, string Namespace, string Name, JsonObject? Body)> Change = Gen.Select(
        OneOf(RbacIndex.Roles, RbacIndex.ClusterRoles, RbacIndex.RoleBindings, RbacIndex.ClusterRoleBindings), OneOf(Namespaces), OneOf(Names),
        Rule.Array[0, 2], Subject.Array[0, 2], OneOf(Names), Gen.Bool, Gen.Int[0, 3]).Select(t =>
        {
            var (resource, ns, name, rules, subjects, role, local, fate) = t;
            if (resource is RbacIndex.ClusterRoles or RbacIndex.ClusterRoleBindings) ns = "";
            var body = new JsonObject { ["metadata"] = new JsonObject { ["name"] = name, ["namespace"] = ns } };
            if (resource is RbacIndex.Roles or RbacIndex.ClusterRoles) body["rules"] = new JsonArray([.. rules.Select(r => r.DeepClone())]);
            else
            {
                body["roleRef"] = new JsonObject { ["kind"] = local && ns.Length > 0 ? "Role" : "ClusterRole", ["name"] = role };
                body["subjects"] = new JsonArray([.. subjects.Select(s => s.DeepClone())]);
            }

            return (resource, ns, name, fate == 0 ? null : body);
        });

    [Fact]
    public void EqualsFromScratch_AfterAnyHistory() => Change.Array[0, 40].Sample(history =>
    {
        var index = new RbacIndex();
        var objects = new Dictionary<(string Resource, string Namespace, string Name), JsonObject>();
        foreach (var (resource, ns, name, body) in history)
        {
            var old = objects.GetValueOrDefault((resource, ns, name));
            if (old is null && body is null) continue;
            index.Apply(resource, old, body);
            if (body is null) objects.Remove((resource, ns, name));
            else objects[(resource, ns, name)] = body;
        }

        var fresh = new RbacIndex();
        foreach (var (key, body) in objects) fresh.Apply(key.Resource, null, body);
        foreach (var who in (Identity[])[new("a", ["b"]), new("c", []), new("system:serviceaccount:x:a", ["c"])])
            foreach (var ns in (string[])["", .. Namespaces])
                foreach (var verb in Verbs)
                    foreach (var resource in Resources)
                        foreach (var name in (string[])["", "n"])
                        {
                            var request = new AccessRequest(who, verb) { Resource = resource, Namespace = ns, Name = name };
                            var expected = Plainly(objects, request);
                            if (index.Decide(request).Allowed != expected || fresh.Decide(request).Allowed != expected) return false;
                        }

        return true;
    });

    // As one would read the objects by eye.
    private static bool Plainly(Dictionary<(string Resource, string Namespace, string Name), JsonObject> objects, AccessRequest request) => objects.Any(entry =>
    {
        var ((resource, ns, _), binding) = entry;
        if (resource is not (RbacIndex.RoleBindings or RbacIndex.ClusterRoleBindings) || (ns.Length > 0 && ns != request.Namespace)) return false;
        var concerned = ((JsonArray)binding["subjects"]!).Any(s => (string?)s!["kind"] switch
        {
            "User" => (string?)s["name"] == request.Who.User,
            "Group" => request.Who.Groups.Contains((string)s["name"]!),
            _ => request.Who.User == $"system:serviceaccount:{s["namespace"]}:{s["name"]}",
        });
        var role = ((string?)binding["roleRef"]!["kind"] == "Role" ? RbacIndex.Roles : RbacIndex.ClusterRoles, (string?)binding["roleRef"]!["kind"] == "Role" ? ns : "", (string)binding["roleRef"]!["name"]!);
        return concerned && objects.TryGetValue(role, out var rules) && ((JsonArray)rules["rules"]!).Any(r =>
            (string?)r!["verbs"]![0] is var verb && (verb == "*" || verb == request.Verb)
            && (string?)r["resources"]![0] is var what && (what == "*" || what == request.Resource)
            && (r["resourceNames"] is not JsonArray names || (string?)names[0] == request.Name));
    });

    private static Gen<string> OneOf(params string[] choices) => Gen.Int[0, choices.Length - 1].Select(i => choices[i]);
}
