using Portolan.Lab.ApiServer.Cel.Estimation;
using Portolan.Lab.ApiServer.Cel.Evaluation;
using Portolan.Lab.ApiServer.Cel.Library;
using Portolan.Lab.ApiServer.Cel.Syntax;
using Portolan.Lab.ApiServer.Cel.Types;
using Portolan.Lab.ApiServer.Cel.Values;

namespace Portolan.Lab.ApiServer.Cel;

/// <summary>What came of an evaluation.</summary>
/// <param name="Value">A value, or a <see cref="CelError"/>.</param>
/// <param name="Cost">In Kubernetes' units.</param>
/// <param name="IsTooDear">Stopped at the limit; the value is the error that says so.</param>
internal readonly record struct CelResult(object Value, ulong Cost, bool IsTooDear = false)
{
    /// <summary>Why there is no value; null when there is one.</summary>
    public string? Error => (Value as CelError)?.Message;
}

/// <summary>A compiled expression. Immutable; many threads may evaluate it at once.</summary>
internal sealed class CelProgram
{
    private readonly CelExpr _expression;
    private readonly CelEnvironment _environment;

    private CelProgram(CelExpr expression, CelEnvironment environment, IReadOnlySet<string> references)
    {
        _expression = expression;
        _environment = environment;
        References = references;
        EstimatedCost = Estimator.Estimate(expression, environment);
    }

    public CelType ResultType => _expression.Type;

    /// <summary>The declared variables that it uses.</summary>
    public IReadOnlySet<string> References { get; }

    /// <summary>What an evaluation can cost.</summary>
    public Estimation.Range EstimatedCost { get; }

    /// <returns>The program, or everything that is wrong with the expression: it then cannot be evaluated.</returns>
    public static (CelProgram? Program, IReadOnlyList<CelProblem> Problems) Compile(string expression, CelEnvironment environment)
    {
        var (parsed, problem) = Parser.Parse(expression);
        if (parsed is null)
            return (null, [problem!.Value]);
        try
        {
            parsed = Macros.Expand(parsed);
        }
        catch (SyntaxException e)
        {
            return (null, [e.Problem]);
        }

        var problems = Checker.Check(parsed, environment, out var references);
        if (problems.Count == 0)
            problems = LiteralArguments.Check(parsed);
        return problems.Count > 0 ? (null, problems) : (new CelProgram(parsed, environment, references), []);
    }

    /// <param name="variables">A value for each of <see cref="References"/>.</param>
    /// <param name="costLimit">An evaluation that costs more is stopped.</param>
    public CelResult Evaluate(IReadOnlyDictionary<string, object> variables, ulong costLimit)
    {
        var evaluator = new Evaluator(variables, _environment, costLimit);
        try
        {
            return new CelResult(evaluator.Evaluate(_expression), evaluator.Cost);
        }
        catch (CostExceededException e)
        {
            return new CelResult(new CelError(e.Message), evaluator.Cost, IsTooDear: true);
        }
    }
}
