using System.Text;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Auth.Rbac;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Storage;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Auth;

/// <summary>
/// What a node agent may do because of the node it is: write its own Node and Lease, read and report the pods bound to it, and read the Secrets and
/// ConfigMaps those pods name and get tokens for their accounts. What only names the kind (Services, Events, reviews) is <see cref="_rules"/>.
/// </summary>
internal sealed class NodeAuthorizer(ObjectStore store)
{
    private static readonly PolicyRule[] _rules = DefaultRoles.NodeRules;

    public AccessDecision Decide(in AccessRequest request, string node)
    {
        if (request.Path is not null) return AccessDecision.No();
        var allowed = (request.Group, request.Resource) switch
        {
            ("", "nodes") => IsOwnNode(request, node),
            ("", "pods") => ConcernsOwnPods(request, node),
            ("", "secrets" or "configmaps") => request.Subresource.Length == 0 && request.Verb is "get" or "list" or "watch" && request.Name.Length > 0
                && AnyPodOf(node, request, static (pod, r) => PodReferences.Name(pod, r.Resource, r.Name)),
            ("", "serviceaccounts") => request is { Verb: "create", Subresource: "token" } && AnyPodOf(node, request, static (pod, r) => pod.Obj("spec").Str("serviceAccountName") == r.Name),
            ("coordination.k8s.io", "leases") => request.Namespace == "kube-node-lease" && (request.Name == node || request is { Verb: "create", Name: "" })
                && request.Verb is "get" or "create" or "update" or "patch" or "delete",
            _ => (bool?)null,
        };
        return allowed switch
        {
            true => AccessDecision.Yes(),
            false => AccessDecision.No($"no relationship found between node '{node}' and this object"),
            null => IsListed(request) ? AccessDecision.Yes() : AccessDecision.No(),
        };
    }

    private static bool IsListed(in AccessRequest request)
    {
        foreach (var rule in _rules)
            if (rule.Allows(request))
                return true;
        return false;
    }

    // A Node's name is in the body when it is created; NodeRestriction looks at it there.
    private static bool IsOwnNode(in AccessRequest request, string node) => request.Verb switch
    {
        "create" => request.Subresource.Length == 0,
        "get" or "list" or "watch" => request.Name == node && request.Subresource.Length == 0,
        "update" or "patch" => request.Name == node && request.Subresource is "" or "status",
        _ => false,
    };

    private bool ConcernsOwnPods(in AccessRequest request, string node) => request.Verb switch
    {
        "list" or "watch" => request.Subresource.Length == 0 && AccessRequest.Required(request.FieldSelector, "spec.nodeName") == node,
        "get" or "delete" => request.Subresource.Length == 0 && IsOn(node, store.Find("pods", new(request.Namespace, request.Name))),
        "update" or "patch" => request.Subresource is "status" && IsOn(node, store.Find("pods", new(request.Namespace, request.Name))),
        "create" => request.Subresource is "eviction" && IsOn(node, store.Find("pods", new(request.Namespace, request.Name))),
        _ => false,
    };

    private bool AnyPodOf(string node, in AccessRequest request, Func<JsonObject, AccessRequest, bool> matches)
    {
        var bound = Bound(node);
        foreach (var pod in store.List("pods", request.Namespace).Objects)
            if (pod.Json.AsSpan().IndexOf(bound) >= 0 && StoredForm.Parse(pod) is var parsed && IsOn(node, parsed) && matches(parsed, request))
                return true;
        return false;
    }

    // Who is not there is nobody else's: the agent is told "not found" instead of being left to wonder.
    private static bool IsOn(string node, StoredObject? pod) => pod is null || (pod.Json.AsSpan().IndexOf(Bound(node)) >= 0 && IsOn(node, StoredForm.Parse(pod)));

    private static bool IsOn(string node, JsonObject pod) => pod.Obj("spec").Str("nodeName") == node;

    // Most pods are of other nodes, and their bytes tell so without being parsed.
    private static byte[] Bound(string node) => Encoding.UTF8.GetBytes($"\"nodeName\":\"{node}\"");
}
