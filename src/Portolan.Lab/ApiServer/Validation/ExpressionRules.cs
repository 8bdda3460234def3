using System.Globalization;
using Portolan.Lab.ApiServer.Schema.Custom;
using Portolan.Lab.ApiServer.Schema.Custom.Rules;
using Range = Portolan.Lab.ApiServer.Cel.Estimation.Range;

namespace Portolan.Lab.ApiServer.Validation;

/// <summary>
/// The rules of a CustomResourceDefinition's schema (<c>x-kubernetes-validations</c>): well formed, of expressions that compile, and not dearer than a server
/// can afford. What cannot be evaluated is refused here, and so never stored.
/// </summary>
internal sealed class ExpressionRules(ErrorList errors)
{
    /// <summary>What a rule may cost for all the values it can be held against in one object (StaticEstimatedCostLimit).</summary>
    private const ulong PerRule = 10_000_000;

    /// <summary>What all rules of a schema may cost (StaticEstimatedCRDCostLimit).</summary>
    private const ulong PerSchema = 100_000_000;

    private static readonly string[] _reasons = ["FieldValueDuplicate", "FieldValueForbidden", "FieldValueInvalid", "FieldValueRequired"];

    private readonly List<(string Path, ulong Cost)> _costs = [];

    /// <param name="root">The schema; it is structural.</param>
    /// <param name="path">Where it is in the definition.</param>
    /// <param name="errors">Receives what is wrong.</param>
    public static void Check(StructuralSchema root, string path, ErrorList errors)
    {
        var before = errors.Errors.Count;
        new Shape(errors).Visit(root, path);
        if (errors.Errors.Count > before)
            return;
        var rules = new ExpressionRules(errors);
        if (RuleTree.Build(root) is { } tree)
            rules.Visit(tree, path, 1, null);
        rules.CheckTotal(path);
    }

    private void CheckTotal(string path)
    {
        var total = _costs.Aggregate(0UL, (sum, entry) => Range.Add(sum, entry.Cost));
        if (total <= PerSchema)
            return;
        foreach (var (at, _) in _costs.Where(entry => entry.Cost >= PerSchema / 100).OrderByDescending(entry => entry.Cost).Take(4))
            errors.Forbidden(at, "contributed to estimated rule & messageExpression cost total exceeding cost limit for entire OpenAPIv3 schema");
        errors.Forbidden(path, Excess("x-kubernetes-validations estimated rule & messageExpression cost total for entire OpenAPIv3 schema", total, PerSchema));
    }

    /// <param name="tree">The rules of a part of the schema.</param>
    /// <param name="path">Where it is.</param>
    /// <param name="count">How many such values an object can have; null when only the size of a request bounds that.</param>
    /// <param name="uncorrelated">The list whose items cannot be told before and after a change; null outside of one.</param>
    private void Visit(RuleTree tree, string path, ulong? count, string? uncorrelated)
    {
        var index = 0;
        var byRequest = (ulong)(SchemaTypes.MaxRequestSize / (tree.Type.MinSize + 1));
        foreach (var rule in tree.Rules)
            Check(rule, string.Create(CultureInfo.InvariantCulture, $"{path}.x-kubernetes-validations[{index++}]"), count ?? byRequest, uncorrelated);
        foreach (var (name, property) in tree.Properties)
            Visit(property, $"{path}.properties[{name}]", count, uncorrelated);
        if (tree.Items is not null)
            Visit(tree.Items, path + ".items", Times(count, tree.Schema.MaxItems), uncorrelated ?? (tree.Schema.List == Schema.ListKind.Map ? null : path + ".items"));
        if (tree.Values is not null)
            Visit(tree.Values, path + ".additionalProperties", Times(count, tree.Schema.MaxProperties), uncorrelated);
    }

    private static ulong? Times(ulong? count, long? most) => count is { } known && most is { } limit ? Range.Multiply(known, (ulong)Math.Max(0, limit)) : null;

    private void Check(CompiledRule rule, string path, ulong count, string? uncorrelated)
    {
        if (rule.Program is { } program)
        {
            var cost = Range.Multiply(program.EstimatedCost.Max, count);
            if (cost > PerRule)
                errors.Forbidden(path + ".rule", Excess("estimated rule cost", cost, PerRule));
            _costs.Add((path + ".rule", cost));
        }
        else
        {
            Invalid(path + ".rule", rule.Definition.ToString(), rule.Problem!);
        }

        if (rule.Message is { } message)
        {
            if (message.EstimatedCost.Max > PerRule)
                errors.Forbidden(path + ".messageExpression", Excess("estimated messageExpression cost", message.EstimatedCost.Max, PerRule));
            _costs.Add((path + ".messageExpression", message.EstimatedCost.Max));
        }
        else if (rule.MessageProblem is not null)
        {
            Invalid(path + ".messageExpression", rule.Definition.ToString(), rule.MessageProblem);
        }

        if (rule.UsesOldSelf && uncorrelated is not null)
            errors.Invalid(path + ".rule", rule.Definition.Rule, $"oldSelf cannot be used on the uncorrelatable portion of the schema within {uncorrelated}");
        if (rule.Program is not null && !rule.UsesOldSelf && rule.Definition.OptionalOldSelf is { } optional)
            errors.Invalid(path + ".optionalOldSelf", optional, "may not be set if oldSelf is not used in rule");
    }

    private void Invalid(string path, string shown, string detail) => errors.Add(path, Schema.FieldErrorReason.FieldValueInvalid, $"Invalid value: {shown}: {detail}");

    private static string Excess(string what, ulong cost, ulong limit)
    {
        var factor = (double)cost / limit;
        var shown = factor > 100 ? "more than 100x" : factor.ToString(factor < 1.5 ? "F6" : "F1", CultureInfo.InvariantCulture) + "x";
        return $"{what} exceeds budget by factor of {shown} (try simplifying the rule, or adding maxItems, maxProperties, and maxLength where arrays, maps, and strings are declared)";
    }

    /// <summary>The rules' fields, before anything is compiled.</summary>
    private sealed class Shape(ErrorList errors)
    {
        public void Visit(StructuralSchema schema, string path)
        {
            for (var i = 0; i < schema.Rules.Count; i++)
                Check(schema.Rules[i], schema, string.Create(CultureInfo.InvariantCulture, $"{path}.x-kubernetes-validations[{i}]"));
            if (schema.Rules.Count > 0 && SchemaTypes.Of(schema, isResourceRoot: false, "") is null)
                errors.Invalid(path + ".x-kubernetes-validations", schema.Type, "rules are not supported on a value without type, or a list or map of such values");
            foreach (var (name, child) in schema.Properties)
                Visit(child, $"{path}.properties[{name}]");
            if (schema.Items is not null)
                Visit(schema.Items, path + ".items");
            if (schema.Values is not null)
                Visit(schema.Values, path + ".additionalProperties");
        }

        private void Check(ValidationRule rule, StructuralSchema schema, string path)
        {
            var message = rule.Message.Trim();
            if (string.IsNullOrWhiteSpace(rule.Rule))
                errors.Required(path + ".rule", "rule is not specified");
            else if (rule.Message.Length > 0 && message.Length == 0)
                errors.Invalid(path + ".message", rule.Message, "message must be non-empty if specified");
            else if (HasLineBreak(message))
                errors.Invalid(path + ".message", rule.Message, "message must not contain line breaks");
            else if (HasLineBreak(rule.Rule.Trim()) && message.Length == 0)
                errors.Required(path + ".message", "message must be specified if rule contains line breaks");
            if (rule.MessageExpression.Length > 0 && string.IsNullOrWhiteSpace(rule.MessageExpression))
                errors.Required(path + ".messageExpression", "messageExpression must be non-empty if specified");
            if (rule.Reason is not null && !_reasons.Contains(rule.Reason))
                errors.NotSupported(path + ".reason", rule.Reason, _reasons);
            if (rule.FieldPath.Length > 0 && string.IsNullOrWhiteSpace(rule.FieldPath))
                errors.Invalid(path + ".fieldPath", rule.FieldPath, "fieldPath must be non-empty if specified");
            if (HasLineBreak(rule.FieldPath))
                errors.Invalid(path + ".fieldPath", rule.FieldPath, "fieldPath must not contain line breaks");
            if (rule.FieldPath.Length > 0 && RuleFieldPath.Resolve(rule.FieldPath, schema) is null)
                errors.Invalid(path + ".fieldPath", rule.FieldPath, "fieldPath must be a valid path");
        }

        private static bool HasLineBreak(string text) => text.AsSpan().ContainsAny('\n', '\r');
    }
}
