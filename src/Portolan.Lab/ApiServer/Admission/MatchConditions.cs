using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Cel;
using Portolan.Lab.ApiServer.Validation;

namespace Portolan.Lab.ApiServer.Admission;

/// <summary>The <c>matchConditions</c> of a webhook or a policy: expressions that must all be true of a request, or it is none of their business.</summary>
internal sealed class MatchConditions
{
    /// <summary>What one expression may cost, and all of an owner's together, in Kubernetes' units.</summary>
    private const ulong CostLimit = 1_000_000, CostBudget = 2_500_000;

    private readonly (string Name, CelProgram Program)[] _conditions;

    private MatchConditions((string, CelProgram)[] conditions) => _conditions = conditions;

    /// <param name="owner">As stored, so its expressions compile.</param>
    /// <param name="environment">What they may name.</param>
    /// <returns>Null when it has none.</returns>
    public static MatchConditions? Of(JsonObject? owner, CelEnvironment environment) => owner.List("matchConditions") is not { Count: > 0 } ? null
        : new([.. owner.Items("matchConditions", "").Select(c => (c.Item.Str("name"), CelProgram.Compile(c.Item.Str("expression"), environment).Program)).Where(c => c.Program is not null).Select(c => (c.Item1, c.Program!))]);

    /// <param name="variables">A value for each variable of their environment.</param>
    /// <param name="problem">What went wrong, when that leaves it open whether they hold.</param>
    /// <returns>Whether all hold. One that is false decides, whatever becomes of the others.</returns>
    public bool Hold(IReadOnlyDictionary<string, object> variables, out string? problem)
    {
        problem = null;
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
}
