using Portolan.Lab.ApiServer.Http;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.ApiServer.Admission.Policies;

/// <summary>Holds requests against the ValidatingAdmissionPolicies that bindings put in force. A write that was answered is in force.</summary>
internal sealed class AdmissionPolicies
{
    private const string PolicyStorage = "validatingadmissionpolicies.admissionregistration.k8s.io";
    private const string BindingStorage = "validatingadmissionpolicybindings.admissionregistration.k8s.io";

    private readonly ObjectStore _store;
    private readonly KindRegistry _kinds;
    private volatile (AdmissionPolicy Policy, PolicyBinding Binding)[] _inForce = [];

    public AdmissionPolicies(ObjectStore store, KindRegistry kinds)
    {
        (_store, _kinds) = (store, kinds);
        Read();
        store.Committed += e =>
        {
            if (e.New.Resource is PolicyStorage or BindingStorage) Read();
        };
    }

    /// <summary>False as long as nothing is in force.</summary>
    public bool Any => _inForce.Length > 0;

    /// <param name="request">What is asked for, before it is stored.</param>
    /// <param name="review">Makes an AdmissionReview, its objects in a version.</param>
    /// <exception cref="ApiException">A policy denies the request.</exception>
    public async ValueTask ValidateAsync(AdmissionRequest request, Func<KindSchema, Task<byte[]>> review)
    {
        (PolicyObjection Objection, AdmissionPolicy Policy, PolicyBinding Binding)? denied = null;
        foreach (var (policy, binding) in _inForce)
        {
            if (policy.Match(request, _store) is not { } seen || !binding.Concerns(request, _store)) continue;
            foreach (var objection in Evaluate(policy, binding, request, await review(seen)))
            {
                if (binding.Warns) request.Caller.Warn($"Validation failed for ValidatingAdmissionPolicy '{policy.Name}' with binding '{binding.Name}': {objection.Message}");
                if (binding.Denies) denied ??= (objection, policy, binding);
            }
        }

        if (denied is var (first, by, through)) throw Denied(request, $"ValidatingAdmissionPolicy '{by.Name}' with binding '{through.Name}' denied request: {first.Message}", first.Reason);
    }

    private List<PolicyObjection> Evaluate(AdmissionPolicy policy, PolicyBinding binding, AdmissionRequest request, byte[] review)
    {
        var ns = request.Namespace.Length > 0 && request.Target.Storage != "namespaces" && _store.Find("namespaces", new("", request.Namespace)) is { } found ? StoredForm.Parse(found) : null;
        var objections = new List<PolicyObjection>();
        var each = binding.Parameters(policy, request, _store, _kinds, out var problem);
        if (problem is not null) objections.AddRange(policy.Failure(problem));
        foreach (var parameters in each) objections.AddRange(policy.Evaluate(review, parameters, ns));
        return objections;
    }

    private static ApiException Denied(AdmissionRequest request, string message, string reason)
    {
        var code = reason switch
        {
            "Unauthorized" => 401,
            "Forbidden" => 403,
            "RequestEntityTooLarge" => 413,
            _ => 422,
        };
        var forbidden = ApiErrors.Forbidden(request.Target.Kind, request.Name, message);
        return new(code, reason, forbidden.Message) { Name = forbidden.Name, Group = forbidden.Group, Kind = forbidden.Kind, OtherCause = ("", message, null) };
    }

    // Bindings by name, as real servers go through them; a binding whose policy is not there says nothing.
    private void Read()
    {
        var policies = _store.List(PolicyStorage, null).Objects.Select(p => new AdmissionPolicy(StoredForm.Parse(p))).ToDictionary(p => p.Name);
        _inForce = [.. _store.List(BindingStorage, null).Objects.Select(b => new PolicyBinding(StoredForm.Parse(b))).Where(b => policies.ContainsKey(b.PolicyName)).Select(b => (policies[b.PolicyName], b))];
    }
}
