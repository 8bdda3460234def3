using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Admission;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.Validation;

/// <summary>ValidatingWebhookConfiguration and MutatingWebhookConfiguration.</summary>
internal static class WebhookRules
{
    public static KindRules Validating { get; } = new() { Default = static c => Default(c, mutating: false), Check = static (c, errors) => Check(c, mutating: false, errors) };

    public static KindRules Mutating { get; } = new() { Default = static c => Default(c, mutating: true), Check = static (c, errors) => Check(c, mutating: true, errors) };

    private static void Default(JsonObject configuration, bool mutating)
    {
        foreach (var (webhook, _) in configuration.Items("webhooks", ""))
        {
            webhook.SetDefault("failurePolicy", "Fail");
            webhook.SetDefault("matchPolicy", "Equivalent");
            webhook.SetDefault("timeoutSeconds", 10);
            webhook.Ensure("namespaceSelector");
            webhook.Ensure("objectSelector");
            if (mutating)
                webhook.SetDefault("reinvocationPolicy", "Never");
            ClientConfigRules.Default(webhook.Obj("clientConfig"));
            foreach (var (rule, _) in webhook.Items("rules", ""))
                rule.SetDefault("scope", "*");
        }
    }

    private static void Check(JsonObject configuration, bool mutating, ErrorList errors)
    {
        var names = new HashSet<string>();
        foreach (var (webhook, path) in configuration.Items("webhooks", ""))
            CheckWebhook(webhook, path.TrimStart('.'), mutating, names, errors);
    }

    private static void CheckWebhook(JsonObject webhook, string path, bool mutating, HashSet<string> names, ErrorList errors)
    {
        var name = webhook.Str("name");
        if (name.Length == 0)
            errors.Required(path + ".name");
        else
            MetadataRules.CheckEach(path + ".name", name, NameRules.DnsSubdomain, errors);
        if (name.Length > 0 && name.Split('.').Length < 3)
            errors.Invalid(path + ".name", name, "should be a domain with at least three segments separated by dots");
        if (name.Length > 0 && !names.Add(name))
            errors.Duplicate(path + ".name", name);
        foreach (var (rule, at) in webhook.Items("rules", path))
            CheckRule(rule, at, errors);
        ValueRules.OneOf(path + ".failurePolicy", webhook.Str("failurePolicy"), errors, "Fail", "Ignore");
        ValueRules.OneOf(path + ".matchPolicy", webhook.Str("matchPolicy"), errors, "Equivalent", "Exact");
        if (mutating)
            ValueRules.OneOf(path + ".reinvocationPolicy", webhook.Str("reinvocationPolicy"), errors, "IfNeeded", "Never");
        if (webhook.Str("sideEffects") is { Length: > 0 } effects)
            ValueRules.OneOf(path + ".sideEffects", effects, errors, "None", "NoneOnDryRun");
        else
            errors.Required(path + ".sideEffects", "must specify one of None, NoneOnDryRun");
        if (webhook.Int("timeoutSeconds") is { } timeout and (< 1 or > 30))
            errors.Invalid(path + ".timeoutSeconds", timeout, "the timeout value must be between 1 and 30 seconds");
        ValueRules.Selector(path + ".namespaceSelector", webhook.Obj("namespaceSelector"), null, errors);
        ValueRules.Selector(path + ".objectSelector", webhook.Obj("objectSelector"), null, errors);
        ClientConfigRules.Check(webhook.Obj("clientConfig"), path + ".clientConfig", errors);
        ClientConfigRules.CheckReviewVersions(webhook, "admissionReviewVersions", path, errors);
        MatchConditionRules.Check(webhook, AdmissionVariables.Environment, path, errors);
    }

    /// <summary>A RuleWithOperations, of a webhook or a policy.</summary>
    public static void CheckRule(JsonObject rule, string path, ErrorList errors)
    {
        CheckWildcard(rule, "operations", path, "operations", errors);
        foreach (var (operation, at) in rule.Strings("operations", path))
            ValueRules.OneOf(at, operation, errors, "*", "CONNECT", "CREATE", "DELETE", "UPDATE");
        CheckWildcard(rule, "apiGroups", path, "API groups", errors);
        CheckWildcard(rule, "apiVersions", path, "API versions", errors);
        foreach (var (version, at) in rule.Strings("apiVersions", path))
            if (version.Length == 0)
                errors.Required(at);
        CheckResources(rule, path + ".resources", errors);
        ValueRules.OneOf(path + ".scope", rule.Str("scope"), errors, "*", "Cluster", "Namespaced");
    }

    private static void CheckWildcard(JsonObject rule, string name, string path, string what, ErrorList errors)
    {
        var values = rule.List(name);
        if (values is null or { Count: 0 })
            errors.Required($"{path}.{name}");
        else if (values.Count > 1 && rule.Strings(name, "").Any(v => v.Item == "*"))
            errors.Invalid($"{path}.{name}", values, $"if '*' is present, must not specify other {what}");
    }

    private static void CheckResources(JsonObject rule, string path, ErrorList errors)
    {
        var resources = rule.Strings("resources", "").Select(r => r.Item).ToList();
        if (resources.Count == 0)
            errors.Required(path);
        for (var i = 0; i < resources.Count; i++)
        {
            if (resources[i].Length == 0)
                errors.Required($"{path}[{i}]");
            if (resources[i].Split('/', 2) is not [var resource, var subresource])
                continue;
            var before = resources.Take(i).ToList();
            if (before.Contains($"{resource}/*"))
                errors.Invalid($"{path}[{i}]", resources[i], $"if '{resource}/*' is present, must not specify {resources[i]}");
            if (before.Contains($"*/{subresource}"))
                errors.Invalid($"{path}[{i}]", resources[i], $"if '*/{subresource}' is present, must not specify {resources[i]}");
        }

        if (resources.Count > 1 && resources.Contains("*/*"))
            errors.Invalid(path, rule.List("resources"), "if '*/*' is present, must not specify other resources");
        if (resources.Contains("*") && resources.Any(r => r != "*" && !r.Contains('/', StringComparison.Ordinal)))
            errors.Invalid(path, rule.List("resources"), "if '*' is present, must not specify other resources without subresources");
    }
}
