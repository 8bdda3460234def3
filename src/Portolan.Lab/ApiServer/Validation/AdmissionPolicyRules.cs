using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Admission;
using Portolan.Lab.ApiServer.Admission.Policies;
using Portolan.Lab.ApiServer.Cel.Types;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.Validation;

/// <summary>ValidatingAdmissionPolicy and ValidatingAdmissionPolicyBinding: expressions that compile, matches that make sense.</summary>
internal static class AdmissionPolicyRules
{
    public static KindRules Policy { get; } = new() { Default = DefaultPolicy, Check = CheckPolicy };

    public static KindRules Binding { get; } = new() { Default = static b => DefaultResources(b.Obj("spec").Obj("matchResources")), Check = CheckBinding };

    private static void DefaultPolicy(JsonObject policy)
    {
        var spec = policy.Ensure("spec");
        spec.SetDefault("failurePolicy", "Fail");
        DefaultResources(spec.Obj("matchConstraints"));
    }

    private static void DefaultResources(JsonObject? resources)
    {
        if (resources is null)
            return;
        resources.SetDefault("matchPolicy", "Equivalent");
        resources.Ensure("namespaceSelector");
        resources.Ensure("objectSelector");
        foreach (var field in (string[])["resourceRules", "excludeResourceRules"])
        {
            foreach (var (rule, _) in resources.Items(field, ""))
                rule.SetDefault("scope", "*");
        }
    }

    private static void CheckPolicy(JsonObject policy, ErrorList errors)
    {
        var spec = policy.Obj("spec");
        ValueRules.OneOf("spec.failurePolicy", spec.Str("failurePolicy"), errors, "Fail", "Ignore");
        if (spec.Obj("paramKind") is { } kind)
        {
            foreach (var field in (string[])["apiVersion", "kind"])
            {
                if (kind.Str(field).Length == 0)
                    errors.Required($"spec.paramKind.{field}");
            }
        }

        if (spec.Obj("matchConstraints") is not { } constraints)
            errors.Required("spec.matchConstraints");
        else
        {
            if (constraints.List("resourceRules") is not { Count: > 0 })
                errors.Required("spec.matchConstraints.resourceRules");
            CheckResources(constraints, "spec.matchConstraints", errors);
        }

        MatchConditionRules.Check(spec, PolicyVariables.WithoutVariables, "spec", errors);
        var environment = PolicyVariables.Of(spec, errors).Environment;
        if (spec.List("validations") is not { Count: > 0 } && spec.List("auditAnnotations") is not { Count: > 0 })
        {
            errors.Required("spec.validations", "validations or auditAnnotations must contain at least one item");
            errors.Required("spec.auditAnnotations", "validations or auditAnnotations must contain at least one item");
        }

        foreach (var (validation, at) in spec.Items("validations", "spec"))
        {
            var message = validation.Str("message");
            if (string.IsNullOrWhiteSpace(validation.Str("expression")))
                errors.Required(at + ".expression", "expression is not specified");
            else
                AdmissionVariables.Check(validation.Str("expression"), environment, CelType.Bool, at + ".expression", errors);
            if (message.Length > 0 && string.IsNullOrWhiteSpace(message))
                errors.Invalid(at + ".message", message, "message must be non-empty if specified");
            else if (message.Trim().AsSpan().ContainsAny('\n', '\r'))
                errors.Invalid(at + ".message", message, "message must not contain line breaks");
            if (validation.Str("messageExpression") is { Length: > 0 } messageExpression)
                AdmissionVariables.Check(messageExpression, environment, CelType.String, at + ".messageExpression", errors);
            ValueRules.OneOfIfSet(at + ".reason", validation.Str("reason"), errors, "Forbidden", "Invalid", "RequestEntityTooLarge", "Unauthorized");
        }

        foreach (var (annotation, at) in spec.Items("auditAnnotations", "spec"))
        {
            MetadataRules.CheckEach(at + ".key", annotation.Str("key"), NameRules.QualifiedName, errors);
            if (string.IsNullOrWhiteSpace(annotation.Str("valueExpression")))
                errors.Required(at + ".valueExpression", "valueExpression is not specified");
            else
                AdmissionVariables.Check(annotation.Str("valueExpression"), environment, CelType.String, at + ".valueExpression", errors);
        }
    }

    private static void CheckBinding(JsonObject binding, ErrorList errors)
    {
        var spec = binding.Obj("spec");
        if (spec.Str("policyName") is { Length: > 0 } policy)
            MetadataRules.CheckEach("spec.policyName", policy, NameRules.DnsSubdomain, errors);
        else
            errors.Required("spec.policyName");
        var actions = spec.Strings("validationActions", "spec").ToList();
        if (actions.Count == 0)
            errors.Required("spec.validationActions", "at least one validation action is required");
        foreach (var (action, at) in actions)
            ValueRules.OneOf(at, action, errors, "Audit", "Deny", "Warn");
        if (actions.Any(a => a.Item == "Deny") && actions.Any(a => a.Item == "Warn"))
            errors.Invalid("spec.validationActions", spec.List("validationActions"), "must not contain both Deny and Warn (repeating the same validation failure information in the API response and headers serves no purpose)");
        CheckResources(spec.Obj("matchResources"), "spec.matchResources", errors);
        if (spec.Obj("paramRef") is not { } parameters)
            return;
        if ((parameters.Str("name").Length > 0) == (parameters.Obj("selector") is not null))
            errors.Required("spec.paramRef.name", "exactly one of name or selector must be specified");
        ValueRules.OneOf("spec.paramRef.parameterNotFoundAction", parameters.Str("parameterNotFoundAction"), errors, "Allow", "Deny");
    }

    private static void CheckResources(JsonObject? resources, string path, ErrorList errors)
    {
        if (resources is null)
            return;
        ValueRules.OneOf(path + ".matchPolicy", resources.Str("matchPolicy"), errors, "Equivalent", "Exact");
        ValueRules.Selector(path + ".namespaceSelector", resources.Obj("namespaceSelector"), null, errors);
        ValueRules.Selector(path + ".objectSelector", resources.Obj("objectSelector"), null, errors);
        foreach (var field in (string[])["resourceRules", "excludeResourceRules"])
        {
            foreach (var (rule, at) in resources.Items(field, path))
                WebhookRules.CheckRule(rule, at, errors);
        }
    }
}
