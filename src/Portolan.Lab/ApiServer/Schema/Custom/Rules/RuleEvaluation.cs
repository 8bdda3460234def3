using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Cel.Values;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Schema.Custom.Rules;

/// <summary>Holds one object against the rules of its schema, within a budget for all of them.</summary>
internal sealed class RuleEvaluation(ErrorList errors)
{
    /// <summary>What one evaluation may cost (PerCallLimit).</summary>
    private const ulong PerRule = 1_000_000;

    /// <summary>What all rules may cost for one object (RuntimeCELCostBudget).</summary>
    private const long PerObject = 10_000_000;

    /// <summary>UTF-8 bytes (MaxEvaluatedMessageExpressionSizeBytes).</summary>
    private const int MaxMessage = 5 * 1024;

    private long _budget = PerObject;

    /// <param name="tree">The rules.</param>
    /// <param name="obj">The object to be stored; its schema accepts it.</param>
    /// <param name="old">What is stored now; null when it is new.</param>
    /// <param name="errors">Receives the rules that are broken.</param>
    public static void Check(RuleTree tree, JsonObject obj, JsonObject? old, ErrorList errors) =>
        new RuleEvaluation(errors).Visit(tree, new Correlation(obj, old, null), "");

    /// <returns>False when the budget is spent, and nothing more is looked at.</returns>
    private bool Visit(RuleTree tree, Correlation place, string path)
    {
        if (!CheckRules(tree, place, path))
            return false;
        switch (place.Now)
        {
            case JsonObject body:
                foreach (var (name, member) in body)
                {
                    if (member is null)
                        continue;
                    if (tree.Properties.TryGetValue(name, out var property))
                    {
                        if (!Visit(property, place.Member(name, member), path.Length == 0 ? name : $"{path}.{name}"))
                            return false;
                    }
                    else if (tree.Values is not null && !Visit(tree.Values, place.Member(name, member), $"{path}[{name}]"))
                    {
                        return false;
                    }
                }

                break;
            case JsonArray list when tree.Items is not null:
                for (var i = 0; i < list.Count; i++)
                {
                    if (list[i] is { } item && !Visit(tree.Items, place.Item(item, tree.Schema), string.Create(CultureInfo.InvariantCulture, $"{path}[{i}]")))
                        return false;
                }

                break;
        }

        return true;
    }

    private bool CheckRules(RuleTree tree, Correlation place, string path)
    {
        if (tree.Rules.Count == 0)
            return true;
        var at = path.Length == 0 ? "<nil>" : path;
        var self = JsonValues.Of(place.Now, tree.Type);
        var before = place.Before is null ? null : JsonValues.Of(place.Before, tree.Type);
        var values = new Dictionary<string, object> { ["self"] = self };
        foreach (var rule in tree.Rules)
        {
            var optional = rule.Definition.OptionalOldSelf == true;
            if (rule.UsesOldSelf && before is null && !optional)
                continue;
            if (_budget <= 0)
                return Stop(at, tree, "validation failed due to running out of cost budget, no further validation rules will be run");
            if (optional)
                values["oldSelf"] = before is null ? CelOptional.None : new CelOptional(before);
            else if (before is not null)
                values["oldSelf"] = before;
            if (rule.Program is null)
            {
                // A definition that was stored before its rules were checked.
                errors.Invalid(at, tree.Schema.Type, $"rule compile error: {rule.Problem}");
                continue;
            }

            var result = rule.Program.Evaluate(values, PerRule);
            if (!Pay(result.Cost) && !result.IsTooDear)
                return Stop(at, tree, "validation failed due to running out of cost budget, no further validation rules will be run");
            if (result.IsTooDear)
                return Stop(at, tree, $"'{result.Error}': no further validation rules will be run due to call cost exceeds limit for rule: {rule.Definition.Name}");
            if (result.Error is { } error)
            {
                errors.Invalid(at, tree.Schema.Type, error.StartsWith("no such overload", StringComparison.Ordinal)
                    ? $"'{error}': call arguments did not match a supported operator, function or macro signature for rule: {rule.Definition.Name}"
                    : $"{error} evaluating rule: {rule.Definition.Name}");
            }
            else if (result.Value is not true && (rule.UsesOldSelf || !place.IsUnchanged))
            {
                Broken(rule, tree, rule.FieldPath is { } field ? Join(path, field) : at, Message(rule, values));
                if (_budget < 0)
                    return false;
            }
        }

        return true;
    }

    private void Broken(CompiledRule rule, RuleTree tree, string at, string message)
    {
        switch (rule.Definition.Reason)
        {
            case "FieldValueForbidden":
                errors.Forbidden(at, message);
                break;
            case "FieldValueRequired":
                errors.Required(at, message);
                break;
            case "FieldValueDuplicate":
                errors.Duplicate(at, tree.Schema.Type);
                break;
            default:
                errors.Invalid(at, tree.Schema.Type, message);
                break;
        }
    }

    private string Message(CompiledRule rule, Dictionary<string, object> values)
    {
        if (rule.Message is not null)
        {
            var result = rule.Message.Evaluate(values, PerRule);
            if (!Pay(result.Cost))
                return "messageExpression evaluation failed due to running out of cost budget, no further validation rules will be run";

            // An expression that says nothing usable is as if it were not there.
            if (result.Value is string text && text.Trim() is { Length: > 0 } trimmed && !trimmed.Contains('\n', StringComparison.Ordinal) && Encoding.UTF8.GetByteCount(trimmed) <= MaxMessage)
                return trimmed;
        }

        return rule.Definition.Message.Length > 0 ? rule.Definition.Message.Trim() : $"failed rule: {rule.Definition.Rule.Trim()}";
    }

    private bool Pay(ulong cost)
    {
        _budget = cost > long.MaxValue ? -1 : _budget - (long)cost;
        return _budget >= 0;
    }

    private bool Stop(string at, RuleTree tree, string message)
    {
        errors.Invalid(at, tree.Schema.Type, message);
        return false;
    }

    private static string Join(string path, string field) => path.Length == 0 ? field : field[0] == '[' ? path + field : $"{path}.{field}";
}
