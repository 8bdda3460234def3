using System.Text;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Cel;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.ApiServer.Storage;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Admission.Policies;

/// <summary>Why a policy is against a request.</summary>
/// <param name="Message">What it says.</param>
/// <param name="Reason">The reason of the Status: Invalid, Forbidden …</param>
internal readonly record struct PolicyObjection(string Message, string Reason);

/// <summary>A ValidatingAdmissionPolicy, compiled.</summary>
internal sealed class AdmissionPolicy
{
    /// <summary>UTF-8 bytes of a message (MaxEvaluatedMessageExpressionSizeBytes).</summary>
    private const int MaxMessage = 5 * 1024;

    private readonly RequestMatch _constraints;
    private readonly MatchConditions? _conditions;
    private readonly PolicyVariables _variables;
    private readonly Validation[] _validations;
    private readonly bool _ignoresFailure;

    private sealed record Validation(string Expression, CelProgram? Program, string Message, CelProgram? MessageProgram, string Reason);

    /// <param name="policy">As stored, so validated.</param>
    public AdmissionPolicy(JsonObject policy)
    {
        var spec = policy.Obj("spec");
        Name = policy.Obj("metadata").Str("name");
        ParamKind = spec.Obj("paramKind") is { } kind ? (kind.Str("apiVersion"), kind.Str("kind")) : null;
        _ignoresFailure = spec.Str("failurePolicy") == "Ignore";
        _constraints = RequestMatch.OfResources(spec.Obj("matchConstraints"));
        _conditions = MatchConditions.Of(spec, PolicyVariables.WithoutVariables);
        _variables = PolicyVariables.Of(spec, null);
        var environment = _variables.Environment;
        _validations = [.. spec.Items("validations", "").Select(entry => Compile(entry.Item, environment))];
    }

    public string Name { get; }

    /// <summary>Of the objects that <c>params</c> is; null when the policy has no parameters.</summary>
    public (string ApiVersion, string Kind)? ParamKind { get; }

    /// <returns>The version in which it wants to see the object; null when the request is none of its business.</returns>
    public KindSchema? Match(AdmissionRequest request, ObjectStore store) => _constraints.Find(request, store);

    /// <param name="review">The AdmissionReview that a webhook would get.</param>
    /// <param name="parameters">One of the objects that a binding names; null for none.</param>
    /// <param name="ns">The namespace of the request's object; null for none.</param>
    public List<PolicyObjection> Evaluate(byte[] review, JsonObject? parameters, JsonObject? ns)
    {
        var values = AdmissionVariables.Of(review);
        values["params"] = Cel.Values.JsonValues.Of(parameters, Cel.Types.DataType.Any);
        values["namespaceObject"] = Cel.Values.JsonValues.Of(ns, Cel.Types.DataType.Any);
        var budget = new PolicyBudget();
        _variables.AddTo(values, budget);
        if (_conditions?.Hold(values, out var problem) == false)
            return problem is null ? [] : [.. Failure(problem)];
        return [.. _validations.SelectMany(validation => Evaluate(validation, values, budget))];
    }

    /// <summary>What a failure to evaluate comes to: an objection, unless the failurePolicy ignores it.</summary>
    public IEnumerable<PolicyObjection> Failure(string why) => _ignoresFailure ? [] : [new PolicyObjection(why, "Invalid")];

    private IEnumerable<PolicyObjection> Evaluate(Validation validation, Dictionary<string, object> values, PolicyBudget budget)
    {
        if (validation.Program is null)
            return Failure($"expression '{validation.Expression}' does not compile");
        var result = budget.Evaluate(validation.Program, values);
        return result.Value switch
        {
            true => [],
            false => [new PolicyObjection(Message(validation, values, budget), validation.Reason)],
            _ => Failure($"expression '{validation.Expression}' resulted in error: {result.Error ?? "must evaluate to bool"}"),
        };
    }

    private static string Message(Validation validation, Dictionary<string, object> values, PolicyBudget budget)
    {
        // An expression that says nothing usable is as if it were not there.
        if (validation.MessageProgram is not null && budget.Evaluate(validation.MessageProgram, values).Value is string text && text.Trim() is { Length: > 0 } trimmed
            && !trimmed.Contains('\n', StringComparison.Ordinal) && Encoding.UTF8.GetByteCount(trimmed) <= MaxMessage)
            return trimmed;
        return validation.Message.Trim() is { Length: > 0 } message ? message : $"failed expression: {validation.Expression.Trim()}";
    }

    private static Validation Compile(JsonObject validation, CelEnvironment environment)
    {
        var (expression, message) = (validation.Str("expression"), validation.Str("messageExpression"));
        return new Validation(
            expression, CelProgram.Compile(expression, environment).Program, validation.Str("message"),
            message.Length > 0 ? CelProgram.Compile(message, environment).Program : null,
            validation.Str("reason") is { Length: > 0 } reason ? reason : "Invalid");
    }
}
