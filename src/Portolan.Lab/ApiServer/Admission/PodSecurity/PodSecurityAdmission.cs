using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Http;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Storage;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Admission.PodSecurity;

/// <summary>Holds new pods to what their namespace's labels say (<c>pod-security.kubernetes.io/enforce</c> and <c>warn</c>); templates of pods are only warned about.</summary>
internal sealed class PodSecurityAdmission(ObjectStore store)
{
    private const string Prefix = "pod-security.kubernetes.io/";

    /// <exception cref="ApiException">403: the namespace does not take such a pod.</exception>
    public void CheckPod(JsonObject pod, WriteScope scope)
    {
        var (ns, name) = (pod.Obj("metadata").Str("namespace"), pod.Obj("metadata").Str("name"));
        if (Find(ns, "enforce", pod.Obj("spec")) is { } why)
            throw new ApiException(403, "Forbidden", $"pods \"{name}\" is forbidden: violates {why}") { Name = name, Kind = "pods" };
        Warn(ns, pod.Obj("spec"), scope);
    }

    public void CheckTemplate(JsonObject workload, WriteScope scope)
    {
        var spec = workload.Obj("spec");
        Warn(workload.Obj("metadata").Str("namespace"), (spec.Obj("jobTemplate").Obj("spec") ?? spec).Obj("template").Obj("spec"), scope);
    }

    private void Warn(string ns, JsonObject? spec, WriteScope scope)
    {
        if (scope.By is { } caller && Find(ns, "warn", spec) is { } why) caller.Warn($"would violate {why}");
    }

    private string? Find(string ns, string mode, JsonObject? spec)
    {
        if (store.Find("namespaces", new("", ns)) is not { } stored) return null;
        var level = Label(stored, mode);
        var parsed = level switch
        {
            "baseline" => PodSecurityLevel.Baseline,
            // A level nobody knows is not taken for none.
            not (null or "privileged") => PodSecurityLevel.Restricted,
            _ => PodSecurityLevel.Privileged,
        };
        var violations = PodSecurityStandard.Violations(spec, parsed);
        return violations.Count == 0 ? null : $"PodSecurity \"{level}:{Label(stored, mode + "-version") ?? "latest"}\": {string.Join(", ", violations)}";
    }

    private static string? Label(StoredObject ns, string name)
    {
        foreach (var (key, value) in ns.Labels)
            if (key.StartsWith(Prefix, StringComparison.Ordinal) && key.AsSpan(Prefix.Length).SequenceEqual(name))
                return value;
        return null;
    }
}
