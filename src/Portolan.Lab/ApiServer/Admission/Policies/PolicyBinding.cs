using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Storage;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Admission.Policies;

/// <summary>A ValidatingAdmissionPolicyBinding: where a policy is in force, with which parameters, and what comes of its objections.</summary>
internal sealed class PolicyBinding
{
    private readonly RequestMatch _resources;
    private readonly JsonObject? _paramRef;

    /// <param name="binding">As stored, so validated.</param>
    public PolicyBinding(JsonObject binding)
    {
        var spec = binding.Obj("spec");
        Name = binding.Obj("metadata").Str("name");
        PolicyName = spec.Str("policyName");
        _resources = RequestMatch.OfResources(spec.Obj("matchResources"));
        _paramRef = spec.Obj("paramRef");
        var actions = spec.Strings("validationActions", "").Select(action => action.Item).ToHashSet();
        (Denies, Warns) = (actions.Contains("Deny"), actions.Contains("Warn"));
    }

    public string Name { get; }

    public string PolicyName { get; }

    public bool Denies { get; }

    public bool Warns { get; }

    public bool Concerns(AdmissionRequest request, ObjectStore store) => _resources.Find(request, store) is not null;

    /// <summary>The objects that the policy is evaluated with, once for each; one null when it takes none.</summary>
    /// <param name="problem">Why there are none; null when that is fine.</param>
    public IReadOnlyList<JsonObject?> Parameters(AdmissionPolicy policy, AdmissionRequest request, ObjectStore store, KindRegistry kinds, out string? problem)
    {
        problem = null;
        if (policy.ParamKind is not { } wanted || _paramRef is null)
            return [null];
        var resource = kinds.All.FirstOrDefault(r => r.Versions.Any(v => v.ApiVersion == wanted.ApiVersion && v.Kind == wanted.Kind));
        if (resource is null)
        {
            problem = $"failed to find resource referenced by paramKind: '{wanted.ApiVersion}, Kind={wanted.Kind}'";
            return [];
        }

        var ns = resource.StorageKind.Namespaced ? _paramRef.Str("namespace") is { Length: > 0 } given ? given : request.Namespace : "";
        if (resource.StorageKind.Namespaced && ns.Length == 0)
        {
            problem = "cannot use namespaced paramRef in policy binding that matches cluster-scoped resources";
            return [];
        }

        var found = _paramRef.Str("name") is { Length: > 0 } name
            ? store.Find(resource.Storage, new(ns, name)) is { } one ? [one] : []
            : store.List(resource.Storage, ns.Length > 0 ? ns : null).Objects.Where(obj => SelectorObject.Matches(_paramRef.Obj("selector"), obj.Labels)).ToList();
        if (found.Count == 0 && _paramRef.Str("parameterNotFoundAction") != "Allow")
            problem = "no params found for policy binding with `Deny` parameterNotFoundAction";
        return [.. found.Select(StoredForm.Parse)];
    }
}
