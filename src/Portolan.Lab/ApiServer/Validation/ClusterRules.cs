using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.Validation;

/// <summary>Namespaces, nodes, leases, priorities and webhooks.</summary>
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

    public static KindRules Webhooks { get; } = new()
    {
        Default = static configuration =>
        {
            var mutating = configuration.Str("kind").StartsWith("Mutating", StringComparison.Ordinal);
            foreach (var (webhook, _) in configuration.Items("webhooks", ""))
                DefaultWebhook(webhook, mutating);
        },
        Check = static (configuration, errors) =>
        {
            var names = new HashSet<string>();
            foreach (var (webhook, path) in configuration.Items("webhooks", ""))
                CheckWebhook(webhook, path.TrimStart('.'), names, errors);
        },
    };

    private static void DefaultWebhook(JsonObject webhook, bool mutating)
    {
        webhook.SetDefault("failurePolicy", "Fail");
        webhook.SetDefault("matchPolicy", "Equivalent");
        webhook.SetDefault("timeoutSeconds", 10);
        webhook.Ensure("namespaceSelector");
        webhook.Ensure("objectSelector");
        if (mutating)
            webhook.SetDefault("reinvocationPolicy", "Never");
        webhook.Obj("clientConfig").Obj("service")?.SetDefault("port", 443);
        foreach (var (rule, _) in webhook.Items("rules", ""))
            rule.SetDefault("scope", "*");
    }

    private static void CheckWebhook(JsonObject webhook, string path, HashSet<string> names, ErrorList errors)
    {
        var name = webhook.Str("name");
        if (name.Length == 0)
            errors.Required(path + ".name");
        else if (name.Split('.').Length < 3)
            errors.Invalid(path + ".name", name, "should be a domain with at least three segments separated by dots");
        if (name.Length > 0 && !names.Add(name))
            errors.Duplicate(path + ".name", name);
        ValueRules.OneOf(path + ".failurePolicy", webhook.Str("failurePolicy"), errors, "Fail", "Ignore");
        ValueRules.OneOf(path + ".matchPolicy", webhook.Str("matchPolicy"), errors, "Equivalent", "Exact");
        if (webhook.Int("timeoutSeconds") is { } timeout and (< 1 or > 30))
            errors.Invalid(path + ".timeoutSeconds", timeout, "the timeout value must be between 1 and 30 seconds");
        if (webhook.Str("sideEffects") is { Length: > 0 } effects)
            ValueRules.OneOf(path + ".sideEffects", effects, errors, "None", "NoneOnDryRun");
        else
            errors.Required(path + ".sideEffects", "must specify one of None, NoneOnDryRun");
        if (webhook.List("admissionReviewVersions") is null or { Count: 0 })
            errors.Required(path + ".admissionReviewVersions", "must specify one of v1, v1beta1");
        var client = webhook.Obj("clientConfig");
        if (client?["url"] is null == client?["service"] is null)
            errors.Required(path + ".clientConfig", "exactly one of url or service is required");
    }
}
