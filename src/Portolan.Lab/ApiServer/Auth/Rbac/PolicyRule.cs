using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Auth.Rbac;

/// <summary>One rule of a role (<c>rbac.authorization.k8s.io/v1</c> PolicyRule): everything it lists, in every combination, is allowed.</summary>
internal sealed class PolicyRule
{
    public const string All = "*";

    public required string[] Verbs { get; init; }
    public string[] ApiGroups { get; init; } = [];
    public string[] Resources { get; init; } = [];

    /// <summary>Empty: whatever its name.</summary>
    public string[] ResourceNames { get; init; } = [];

    public string[] NonResourceUrls { get; init; } = [];

    public bool Allows(in AccessRequest request)
    {
        if (!Has(Verbs, request.Verb)) return false;
        if (request.Path is { } path) return AllowsPath(path);
        return Has(ApiGroups, request.Group) && AllowsResource(request.Resource, request.Subresource)
            && (ResourceNames.Length == 0 || Array.IndexOf(ResourceNames, request.Name) >= 0);
    }

    /// <summary>Whether everything another rule of one verb, group, resource, name or path allows is allowed by this one.</summary>
    public bool Covers(PolicyRule single)
    {
        if (!Has(Verbs, single.Verbs[0])) return false;
        if (single.NonResourceUrls.Length > 0) return AllowsPath(single.NonResourceUrls[0]);
        if (!Has(ApiGroups, single.ApiGroups[0])) return false;
        var (resource, subresource) = single.Resources[0].Split('/', 2) is [var head, var tail] ? (head, tail) : (single.Resources[0], "");
        if (!AllowsResource(resource, subresource)) return false;
        return ResourceNames.Length == 0 || (single.ResourceNames.Length > 0 && Array.IndexOf(ResourceNames, single.ResourceNames[0]) >= 0);
    }

    /// <summary>The rule as rules of one verb, one group, one resource and at most one name each.</summary>
    public IEnumerable<PolicyRule> Singles()
    {
        foreach (var verb in Verbs)
        {
            foreach (var url in NonResourceUrls) yield return new() { Verbs = [verb], NonResourceUrls = [url] };
            foreach (var group in ApiGroups)
                foreach (var resource in Resources)
                {
                    if (ResourceNames.Length == 0) yield return new() { Verbs = [verb], ApiGroups = [group], Resources = [resource] };
                    foreach (var name in ResourceNames) yield return new() { Verbs = [verb], ApiGroups = [group], Resources = [resource], ResourceNames = [name] };
                }
        }
    }

    public static PolicyRule[] ReadAll(JsonObject role) => [.. role.Items("rules", "").Select(r => Read(r.Item))];

    public static PolicyRule Read(JsonObject rule) => new()
    {
        Verbs = Texts(rule, "verbs"),
        ApiGroups = Texts(rule, "apiGroups"),
        Resources = Texts(rule, "resources"),
        ResourceNames = Texts(rule, "resourceNames"),
        NonResourceUrls = Texts(rule, "nonResourceURLs"),
    };

    public JsonObject ToJson()
    {
        var rule = new JsonObject();
        foreach (var (name, values) in (ReadOnlySpan<(string, string[])>)[("apiGroups", ApiGroups), ("resources", Resources), ("resourceNames", ResourceNames), ("nonResourceURLs", NonResourceUrls)])
            if (values.Length > 0)
                rule[name] = JsonText.Strings(values);
        rule["verbs"] = JsonText.Strings(Verbs);
        return rule;
    }

    /// <summary>As real servers show a rule that somebody may not grant.</summary>
    public override string ToString()
    {
        var parts = new List<string>();
        foreach (var (name, values) in (ReadOnlySpan<(string, string[])>)[("APIGroups", ApiGroups), ("Resources", Resources), ("ResourceNames", ResourceNames), ("NonResourceURLs", NonResourceUrls), ("Verbs", Verbs)])
            if (values.Length > 0)
                parts.Add($"{name}:[{string.Join(' ', values.Select(v => $"\"{v}\""))}]");
        return $"{{{string.Join(", ", parts)}}}";
    }

    private static string[] Texts(JsonObject rule, string list) => [.. rule.Strings(list, "").Select(s => s.Item)];

    private static bool Has(string[] list, string value)
    {
        foreach (var item in list)
            if (item == All || item == value)
                return true;
        return false;
    }

    private bool AllowsResource(string resource, string subresource)
    {
        foreach (var item in Resources)
        {
            if (item == All) return true;
            if (subresource.Length == 0)
            {
                if (item == resource) return true;
                continue;
            }

            var slash = item.IndexOf('/');
            if (slash < 0 || !item.AsSpan(slash + 1).SequenceEqual(subresource)) continue;
            var head = item.AsSpan(0, slash);
            if (head.SequenceEqual(All) || head.SequenceEqual(resource)) return true;
        }

        return false;
    }

    private bool AllowsPath(string path)
    {
        foreach (var url in NonResourceUrls)
        {
            if (url == All || url == path) return true;
            if (url.EndsWith('*') && path.AsSpan().StartsWith(url.AsSpan(0, url.Length - 1))) return true;
        }

        return false;
    }
}
