using Portolan.Lab.ApiServer.Cel;

namespace Portolan.Lab.ApiServer.Admission.Policies;

/// <summary>What the expressions of one policy may cost for one request, together and each (RuntimeCELCostBudget, PerCallLimit).</summary>
internal sealed class PolicyBudget
{
    private const ulong PerExpression = 1_000_000;
    private ulong _left = 10_000_000;

    /// <returns>The result; an error when the budget does not suffice.</returns>
    public CelResult Evaluate(CelProgram program, IReadOnlyDictionary<string, object> values)
    {
        var result = program.Evaluate(values, Math.Min(PerExpression, _left));
        _left -= Math.Min(_left, result.Cost);
        return result;
    }
}
