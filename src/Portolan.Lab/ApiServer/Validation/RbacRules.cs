using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.Validation;

/// <summary>Roles and their bindings.</summary>
internal static class RbacRules
{
    private const string Group = "rbac.authorization.k8s.io";

    public static KindRules Role { get; } = new()
    {
        Name = NameRules.PathSegment,
        Default = static role => role["rules"] ??= new JsonArray(),
        Check = static (role, errors) =>
        {
            foreach (var (rule, at) in role.Items("rules", ""))
            {
                var path = at.TrimStart('.');
                if (IsEmpty(rule, "verbs"))
                    errors.Required(path + ".verbs", "verbs must contain at least one value");
                if (!IsEmpty(rule, "nonResourceURLs"))
                    continue;
                if (IsEmpty(rule, "apiGroups"))
                    errors.Required(path + ".apiGroups", "resource rules must supply at least one api group");
                if (IsEmpty(rule, "resources"))
                    errors.Required(path + ".resources", "resource rules must supply at least one resource");
            }
        },
    };

    public static KindRules Binding { get; } = new()
    {
        Name = NameRules.PathSegment,
        Default = static binding =>
        {
            binding.Obj("roleRef")?.SetDefault("apiGroup", Group);
            foreach (var (subject, _) in binding.Items("subjects", ""))
            {
                if (subject.Str("kind") is "User" or "Group")
                    subject.SetDefault("apiGroup", Group);
            }
        },
        Check = static (binding, errors) =>
        {
            var role = binding.Obj("roleRef");
            if (role.Str("apiGroup") != Group)
                errors.NotSupported("roleRef.apiGroup", role.Str("apiGroup"), Group);
            if (binding.Str("kind") == "ClusterRoleBinding")
                ValueRules.OneOf("roleRef.kind", role.Str("kind"), errors, "ClusterRole");
            else
                ValueRules.OneOf("roleRef.kind", role.Str("kind"), errors, "ClusterRole", "Role");
            if (role.Str("name").Length == 0)
                errors.Required("roleRef.name");
            foreach (var (subject, at) in binding.Items("subjects", ""))
            {
                var path = at.TrimStart('.');
                if (subject.Str("name").Length == 0)
                    errors.Required(path + ".name");
                if (subject.Str("kind") is not ("ServiceAccount" or "User" or "Group"))
                    errors.NotSupported(path + ".kind", subject.Str("kind"), "ServiceAccount", "User", "Group");
                if (subject.Str("kind") == "ServiceAccount" && subject.Str("namespace").Length == 0 && binding.Str("kind") == "ClusterRoleBinding")
                    errors.Required(path + ".namespace");
            }
        },
        CheckChange = static (binding, old, errors) =>
        {
            if (!ObjectReading.Same(binding["roleRef"], old["roleRef"]))
                errors.Invalid("roleRef", binding["roleRef"], "cannot change roleRef");
        },
    };

    private static bool IsEmpty(JsonObject rule, string list) => rule.List(list) is null or { Count: 0 };
}
