using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Admission;

/// <summary>A <c>RuleWithOperations</c>: which requests a webhook is about; a policy's may name objects, too.</summary>
internal sealed class WebhookRule
{
    private readonly string[] _operations;
    private readonly string[] _groups;
    private readonly string[] _versions;
    private readonly (string Resource, string Subresource)[] _resources;
    private readonly string _scope;
    private readonly string[] _names;

    public WebhookRule(JsonObject rule)
    {
        _operations = Texts(rule, "operations");
        _groups = Texts(rule, "apiGroups");
        _versions = Texts(rule, "apiVersions");
        _resources = [.. Texts(rule, "resources").Select(r => r.Split('/', 2)).Select(p => (p[0], p.Length > 1 ? p[1] : ""))];
        _scope = rule.Str("scope");
        _names = Texts(rule, "resourceNames");
    }

    /// <summary>Whether the rule names this request, were its object of version <paramref name="kind"/>.</summary>
    public bool Matches(AdmissionRequest request, KindSchema kind) =>
        Has(_operations, request.Operation switch
        {
            AdmissionOperation.Create => "CREATE", AdmissionOperation.Update => "UPDATE", AdmissionOperation.Delete => "DELETE", _ => "CONNECT",
        })
        && (_names.Length == 0 || _names.Contains(request.Name)) && Has(_groups, kind.Group) && Has(_versions, kind.Version) && InScope(request)
        && _resources.Any(r => r.Resource is "*" || r.Resource == kind.Plural ? r.Subresource == "*" || r.Subresource == (request.Target.Subresource ?? "") : false);

    // A Namespace is a cluster's, although requests for one count as lying inside it.
    private bool InScope(AdmissionRequest request) => _scope switch
    {
        "Cluster" => !request.Target.Kind.Namespaced,
        "Namespaced" => request.Target.Kind.Namespaced,
        _ => true,
    };

    private static bool Has(string[] named, string value) => named.Contains("*") || named.Contains(value);

    private static string[] Texts(JsonObject rule, string name) => [.. rule.Strings(name, "").Select(s => s.Item)];
}
