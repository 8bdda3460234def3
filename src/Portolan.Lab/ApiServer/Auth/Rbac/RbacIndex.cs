using System.Collections.Concurrent;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Storage;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Auth.Rbac;

/// <summary>
/// Roles and bindings, arranged for the one question: what may this subject do here? It follows the store, each change of a role or binding costing
/// what it lists; a decision looks up the user and each group twice (cluster-wide and in the namespace) and reads the rules it finds.
/// One thread changes it (the store's), any number ask; what they ask for is replaced, never changed in place.
/// </summary>
internal sealed class RbacIndex
{
    public const string Group = "rbac.authorization.k8s.io";
    public const string Roles = "roles." + Group;
    public const string ClusterRoles = "clusterroles." + Group;
    public const string RoleBindings = "rolebindings." + Group;
    public const string ClusterRoleBindings = "clusterrolebindings." + Group;

    private readonly ConcurrentDictionary<RoleKey, PolicyRule[]> _roles = [];
    private readonly ConcurrentDictionary<Subject, Grant[]> _grants = [];

    /// <param name="Namespace">Empty for a ClusterRole.</param>
    private readonly record struct RoleKey(string Namespace, string Name);

    /// <param name="Namespace">Where the binding holds; empty: everywhere.</param>
    private readonly record struct Subject(bool IsGroup, string Name, string Namespace);

    private sealed record Grant(string Binding, RoleKey Role);

    /// <summary>Takes in what a store holds, and from then on each of its changes before the writer is answered.</summary>
    public void Follow(ObjectStore store)
    {
        foreach (var resource in (ReadOnlySpan<string>)[Roles, ClusterRoles, RoleBindings, ClusterRoleBindings])
            foreach (var obj in store.List(resource, null).Objects)
                Apply(resource, null, StoredForm.Parse(obj));
        store.Committed += e =>
        {
            if (e.New.Resource is Roles or ClusterRoles or RoleBindings or ClusterRoleBindings)
                Apply(e.New.Resource, e.Old is { } old ? StoredForm.Parse(old) : null, e.Deleted ? null : StoredForm.Parse(e.New));
        };
    }

    /// <param name="resource">The storage name.</param>
    /// <param name="old">Null when it is new.</param>
    /// <param name="now">Null when it is gone.</param>
    public void Apply(string resource, JsonObject? old, JsonObject? now)
    {
        if (resource is Roles or ClusterRoles)
        {
            var key = new RoleKey(NamespaceOf(now ?? old), NameOf(now ?? old));
            if (now is null) _roles.TryRemove(key, out _);
            else _roles[key] = PolicyRule.ReadAll(now);
            return;
        }

        // Who keeps what they had must not be refused in between, so the new state is put in before the old is taken out.
        var name = NameOf(now ?? old);
        var subjects = SubjectsOf(now).ToHashSet();
        foreach (var subject in subjects) Change(subject, grants => [.. grants.Where(g => g.Binding != name), new(name, RoleOf(now!))]);
        foreach (var subject in SubjectsOf(old))
            if (!subjects.Contains(subject))
                Change(subject, grants => [.. grants.Where(g => g.Binding != name)]);
    }

    public AccessDecision Decide(in AccessRequest request)
    {
        string? trouble = null;
        if (Decide(request, "", ref trouble) is { } everywhere) return everywhere;
        if (request.Namespace.Length > 0 && Decide(request, request.Namespace, ref trouble) is { } here) return here;
        return AccessDecision.No(trouble is null ? "" : $"RBAC: {trouble}");
    }

    /// <summary>Every rule that counts for an identity: cluster-wide, and in a namespace when one is named.</summary>
    public List<PolicyRule> RulesFor(Identity who, string ns)
    {
        var rules = new List<PolicyRule>();
        foreach (var scope in ns.Length == 0 ? (string[])[""] : ["", ns])
            foreach (var subject in SubjectsFor(who, scope))
                foreach (var grant in _grants.GetValueOrDefault(subject, []))
                    rules.AddRange(_roles.GetValueOrDefault(grant.Role, []));
        return rules;
    }

    /// <summary>The rules of a role; null when there is none of that name.</summary>
    /// <param name="ns">Empty for a ClusterRole.</param>
    /// <param name="name">Its name.</param>
    public PolicyRule[]? RulesOf(string ns, string name) => _roles.GetValueOrDefault(new(ns, name));

    private AccessDecision? Decide(in AccessRequest request, string scope, ref string? trouble)
    {
        var who = request.Who;
        if (Decide(request, new Subject(false, who.User, scope), ref trouble) is { } asUser) return asUser;
        for (var i = 0; i < who.Groups.Count; i++)
            if (Decide(request, new Subject(true, who.Groups[i], scope), ref trouble) is { } asMember)
                return asMember;
        return null;
    }

    private AccessDecision? Decide(in AccessRequest request, Subject subject, ref string? trouble)
    {
        if (!_grants.TryGetValue(subject, out var grants)) return null;
        foreach (var grant in grants)
        {
            if (!_roles.TryGetValue(grant.Role, out var rules))
            {
                trouble = $"{(grant.Role.Namespace.Length == 0 ? ClusterRoleName : RoleName)} \"{grant.Role.Name}\" not found";
                continue;
            }

            foreach (var rule in rules)
                if (rule.Allows(request))
                    return AccessDecision.Yes(
                        $"RBAC: allowed by {(subject.Namespace.Length == 0 ? $"ClusterRoleBinding \"{grant.Binding}\"" : $"RoleBinding \"{grant.Binding}/{subject.Namespace}\"")} "
                        + $"of {(grant.Role.Namespace.Length == 0 ? "ClusterRole" : "Role")} \"{grant.Role.Name}\" to {(subject.IsGroup ? "Group" : "User")} \"{subject.Name}\"");
        }

        return null;
    }

    private const string ClusterRoleName = "clusterrole." + Group;
    private const string RoleName = "role." + Group;

    private static IEnumerable<Subject> SubjectsFor(Identity who, string scope) => who.Groups.Select(g => new Subject(true, g, scope)).Prepend(new(false, who.User, scope));

    private void Change(Subject subject, Func<Grant[], Grant[]> change)
    {
        var grants = change(_grants.GetValueOrDefault(subject, []));
        if (grants.Length == 0) _grants.TryRemove(subject, out _);
        else _grants[subject] = grants;
    }

    private static IEnumerable<Subject> SubjectsOf(JsonObject? binding)
    {
        var scope = NamespaceOf(binding);
        foreach (var (subject, _) in binding.Items("subjects", ""))
        {
            var name = subject.Str("name");
            switch (subject.Str("kind"))
            {
                case "User" or "Group":
                    yield return new(subject.Str("kind") == "Group", name, scope);
                    break;
                case "ServiceAccount":
                    // In a RoleBinding an account without a namespace is one of the binding's own.
                    var ns = subject.Str("namespace") is { Length: > 0 } given ? given : scope;
                    if (ns.Length > 0) yield return new(false, Identity.ServiceAccount(ns, name), scope);
                    break;
            }
        }
    }

    private static RoleKey RoleOf(JsonObject binding)
    {
        var role = binding.Obj("roleRef");
        return new(role.Str("kind") == "Role" ? NamespaceOf(binding) : "", role.Str("name"));
    }

    private static string NamespaceOf(JsonObject? obj) => obj.Obj("metadata").Str("namespace");

    private static string NameOf(JsonObject? obj) => obj.Obj("metadata").Str("name");
}
