using Portolan.Lab.ApiServer.Cel;
using Portolan.Lab.ApiServer.Cel.Types;

namespace Portolan.Lab.ApiServer.Schema.Custom.Rules;

/// <summary>A rule, ready to be evaluated; or why it cannot be.</summary>
internal sealed class CompiledRule
{
    private CompiledRule(ValidationRule definition) => Definition = definition;

    public ValidationRule Definition { get; }

    /// <summary>Null when it does not compile.</summary>
    public CelProgram? Program { get; private init; }

    /// <summary>The messageExpression; null when there is none, or it does not compile.</summary>
    public CelProgram? Message { get; private init; }

    /// <summary>What is wrong with the rule, <c>compilation failed: …</c>.</summary>
    public string? Problem { get; private init; }

    public string? MessageProblem { get; private init; }

    /// <summary>The field to blame, relative to the rule's place.</summary>
    public string? FieldPath { get; private init; }

    /// <summary>A rule of changes: it looks at what was before.</summary>
    public bool UsesOldSelf => Program?.References.Contains("oldSelf") == true;

    /// <param name="definition">The rule; it is not empty.</param>
    /// <param name="schema">Where it is.</param>
    /// <param name="type">What the value there is to it.</param>
    public static CompiledRule Compile(ValidationRule definition, StructuralSchema schema, DataType type)
    {
        var old = definition.OptionalOldSelf == true ? new CelVariable(CelType.Optional(type.Type), type) : new CelVariable(type);
        var environment = new CelEnvironment(new Dictionary<string, CelVariable> { ["self"] = new(type), ["oldSelf"] = old });
        var (program, problem) = Compile(definition.Rule, environment, CelType.Bool, "", "cel expression must evaluate to a bool");
        var (message, messageProblem) = string.IsNullOrWhiteSpace(definition.MessageExpression)
            ? (null, null)
            : Compile(definition.MessageExpression, environment, CelType.String, "messageExpression ", "messageExpression must evaluate to a string");
        return new CompiledRule(definition)
        {
            Program = program,
            Problem = problem,
            Message = message,
            MessageProblem = messageProblem,
            FieldPath = definition.FieldPath.Length > 0 ? RuleFieldPath.Resolve(definition.FieldPath, schema) : null,
        };
    }

    private static (CelProgram? Program, string? Problem) Compile(string expression, CelEnvironment environment, CelType wanted, string what, string wrongType)
    {
        var (program, problems) = CelProgram.Compile(expression, environment);
        if (program is null)
            return (null, $"{what}compilation failed: {CelProblem.Display(problems, expression)}");
        return program.ResultType.Equals(wanted) ? (program, null) : (null, wrongType);
    }
}
