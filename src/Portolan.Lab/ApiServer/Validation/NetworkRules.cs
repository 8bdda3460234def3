using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.Validation;

/// <summary>Ingresses, network policies, ranges of ClusterIPs and disruption budgets: stored for whoever reads them.</summary>
internal static class NetworkRules
{
    public static KindRules Ingress { get; } = new()
    {
        Check = static (ingress, errors) =>
        {
            var spec = ingress.Obj("spec");
            if (spec.List("rules") is null or { Count: 0 } && spec.Obj("defaultBackend") is null)
                errors.Invalid("spec", spec ?? [], "either `defaultBackend` or `rules` must be specified");
            foreach (var (rule, path) in spec.Items("rules", "spec"))
            {
                if (rule.Str("host") is { Length: > 0 } host)
                    MetadataRules.CheckEach(path + ".host", host.StartsWith("*.", StringComparison.Ordinal) ? host[2..] : host, NameRules.DnsSubdomain, errors);
                if (rule.Obj("http") is { } http && http.List("paths") is null or { Count: 0 })
                    errors.Required(path + ".http.paths");
                foreach (var (entry, at) in rule.Obj("http").Items("paths", path + ".http"))
                {
                    if (entry.Str("pathType").Length == 0)
                        errors.Required(at + ".pathType", "pathType must be specified");
                    else
                        ValueRules.OneOf(at + ".pathType", entry.Str("pathType"), errors, "Exact", "ImplementationSpecific", "Prefix");
                    if (entry.Str("pathType") is "Exact" or "Prefix" && !entry.Str("path").StartsWith('/'))
                        errors.Invalid(at + ".path", entry.Str("path"), "must be an absolute path");
                    if (entry.Obj("backend") is null or { Count: 0 })
                        errors.Required(at + ".backend");
                }
            }
        },
    };

    public static KindRules NetworkPolicy { get; } = new()
    {
        Default = static policy =>
        {
            var spec = policy.Ensure("spec");
            foreach (var list in (string[])["ingress", "egress"])
            {
                foreach (var (port, _) in spec.Items(list, "").SelectMany(rule => rule.Item.Items("ports", "")))
                    port.SetDefault("protocol", "TCP");
            }

            if (spec.List("policyTypes") is null or { Count: 0 })
                spec["policyTypes"] = spec.List("egress") is { Count: > 0 } ? new JsonArray("Ingress", "Egress") : new JsonArray("Ingress");
        },
        Check = static (policy, errors) => ValueRules.Selector("spec.podSelector", policy.Obj("spec").Obj("podSelector"), emptyProblem: null, errors),
    };

    public static KindRules ServiceCidr { get; } = new()
    {
        Check = static (range, errors) =>
        {
            var spec = range.Obj("spec");
            if (spec.List("cidrs") is not { Count: > 0 } ranges)
                errors.Required("spec.cidrs", "at least one CIDR required");
            else if (ranges.Count > 2)
                errors.Invalid("spec.cidrs", ranges, "may only hold up to 2 values");
            foreach (var (cidr, path) in spec.Strings("cidrs", "spec"))
                ValueRules.Prefix(path, cidr, errors);
        },
        CheckChange = static (range, old, errors) =>
        {
            // The second family may come later; nothing else changes.
            if (old.Obj("spec").List("cidrs") is not { Count: 1 } before || range.Obj("spec").List("cidrs") is not { Count: 2 } now || (string?)now[0] != (string?)before[0])
                ValueRules.Immutable("spec.cidrs", range.Obj("spec").List("cidrs"), old.Obj("spec").List("cidrs"), errors);
        },
    };

    public static KindRules PodDisruptionBudget { get; } = new()
    {
        Check = static (budget, errors) =>
        {
            var spec = budget.Obj("spec");
            if (spec?["minAvailable"] is not null && spec["maxUnavailable"] is not null)
                errors.Invalid("spec", spec, "minAvailable and maxUnavailable cannot be both set");
            ValueRules.NotNegative("spec.minAvailable", spec.Int("minAvailable"), errors);
            ValueRules.NotNegative("spec.maxUnavailable", spec.Int("maxUnavailable"), errors);
            ValueRules.Selector("spec.selector", spec.Obj("selector"), emptyProblem: null, errors);
        },
    };
}
