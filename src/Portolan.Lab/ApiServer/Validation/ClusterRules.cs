using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.Validation;

/// <summary>Namespaces, nodes, leases and priorities.</summary>
internal static class ClusterRules
{
    public static KindRules Namespace { get; } = new()
    {
        Name = NameRules.DnsLabel,
        Default = static ns =>
        {
            ns.Ensure("status").SetDefault("phase", "Active");
            if (ns.Obj("metadata").Str("name") is { Length: > 0 } name)
                ns.Ensure("metadata").Ensure("labels")["kubernetes.io/metadata.name"] = name;
        },
    };

    public static KindRules Node { get; } = new()
    {
        Check = static (node, errors) =>
        {
            foreach (var (taint, path) in node.Obj("spec").Items("taints", "spec"))
            {
                MetadataRules.CheckEach(path + ".key", taint.Str("key"), NameRules.QualifiedName, errors);
                MetadataRules.CheckEach(path + ".value", taint.Str("value"), NameRules.LabelValue, errors);
                ValueRules.OneOf(path + ".effect", taint.Str("effect"), errors, "NoSchedule", "PreferNoSchedule", "NoExecute");
            }

            foreach (var (range, path) in node.Obj("spec").Strings("podCIDRs", "spec"))
                ValueRules.Prefix(path, range, errors);
        },
        CheckChange = static (node, old, errors) =>
        {
            var before = old.Obj("spec").Str("podCIDR");
            if (before.Length > 0 && node.Obj("spec").Str("podCIDR") != before)
                errors.Forbidden("spec.podCIDRs", "node updates may not change podCIDR except from \"\" to valid");
            var provider = old.Obj("spec").Str("providerID");
            if (provider.Length > 0 && node.Obj("spec").Str("providerID") != provider)
                errors.Forbidden("spec.providerID", "node updates may not change providerID except from \"\" to valid");
        },
    };

    public static KindRules Lease { get; } = new()
    {
        Check = static (lease, errors) =>
        {
            var spec = lease.Obj("spec");
            ValueRules.Positive("spec.leaseDurationSeconds", spec.Int("leaseDurationSeconds"), errors);
            ValueRules.NotNegative("spec.leaseTransitions", spec.Int("leaseTransitions"), errors);
        },
    };

    public static KindRules PriorityClass { get; } = new()
    {
        Default = static priority =>
        {
            priority.SetDefault("preemptionPolicy", "PreemptLowerPriority");
            priority.SetDefault("value", 0);
        },
        Check = static (priority, errors) =>
        {
            ValueRules.OneOf("preemptionPolicy", priority.Str("preemptionPolicy"), errors, "Never", "PreemptLowerPriority");
            if (priority.Int("value") > 1_000_000_000 && !priority.Obj("metadata").Str("name").StartsWith("system-", StringComparison.Ordinal))
                errors.Forbidden("value", "maximum allowed value of a user defined priority is 1000000000");
        },
        CheckChange = static (priority, old, errors) =>
        {
            if (priority.Int("value") != old.Int("value"))
                errors.Forbidden("value", "may not be changed in an update.");
        },
    };
}
