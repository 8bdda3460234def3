using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Cel;
using Portolan.Lab.ApiServer.Cel.Types;
using Portolan.Lab.ApiServer.Cel.Values;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Admission;

/// <summary>A webhook's <c>matchConditions</c>: expressions that must all be true of a request, or the webhook is not asked about it.</summary>
internal sealed class MatchConditions
{
    /// <summary>What one expression may cost, and all of a webhook's together, in Kubernetes' units.</summary>
    private const ulong CostLimit = 1_000_000, CostBudget = 2_500_000;

    private static readonly CelVariable Anything = new(DataType.Any);

    private readonly (string Name, CelProgram Program)[] _conditions;

    private MatchConditions((string, CelProgram)[] conditions) => _conditions = conditions;

    /// <summary>What they may name.</summary>
    public static CelEnvironment Environment { get; } = new(new Dictionary<string, CelVariable> { ["object"] = Anything, ["oldObject"] = Anything, ["request"] = Anything });

    /// <param name="webhook">As stored, so its expressions compile.</param>
    /// <returns>Null when it has none.</returns>
    public static MatchConditions? Of(JsonObject webhook) => webhook.List("matchConditions") is not { Count: > 0 } ? null
        : new([.. webhook.Items("matchConditions", "").Select(c => (c.Item.Str("name"), CelProgram.Compile(c.Item.Str("expression"), Environment).Program)).Where(c => c.Program is not null).Select(c => (c.Item1, c.Program!))]);

    /// <param name="review">The AdmissionReview that the webhook would get.</param>
    /// <param name="problem">What went wrong, when that leaves it open whether they hold.</param>
    /// <returns>Whether all hold. One that is false decides, whatever becomes of the others.</returns>
    public bool Hold(byte[] review, out string? problem)
    {
        problem = null;
        var request = JsonNode.Parse(review)!["request"]!.AsObject();
        var variables = new Dictionary<string, object> { ["object"] = Value(Take(request, "object")), ["oldObject"] = Value(Take(request, "oldObject")), ["request"] = Value(request) };
        ulong spent = 0;
        foreach (var (name, program) in _conditions)
        {
            var result = program.Evaluate(variables, Math.Min(CostLimit, CostBudget - spent));
            spent += Math.Min(result.Cost, CostBudget - spent);
            if (result.Value is false) return false;
            if (result.Value is not true) problem ??= $"matchCondition \"{name}\": {result.Error ?? "it is not a boolean"}";
        }

        return problem is null;
    }

    private static object Value(JsonNode? node) => JsonValues.Of(node, DataType.Any);

    private static JsonNode? Take(JsonObject request, string name)
    {
        var node = request[name];
        request.Remove(name);
        return node;
    }
}
