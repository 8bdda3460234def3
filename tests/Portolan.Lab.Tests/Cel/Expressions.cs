using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Cel;
using Portolan.Lab.ApiServer.Cel.Syntax;
using Portolan.Lab.ApiServer.Cel.Types;
using Portolan.Lab.ApiServer.Cel.Values;

namespace Portolan.Lab.Tests.Cel;

/// <summary>Shorthands: an expression evaluated, its problems, its tree as text.</summary>
internal static class Expressions
{
    /// <summary>The limit of one rule on a real server.</summary>
    public const ulong Limit = 1_000_000;

    public static CelEnvironment Environment { get; } = new(new Dictionary<string, CelVariable> { ["self"] = new(DataType.Any) });

    public static CelProgram Compile(string expression, CelEnvironment? environment = null)
    {
        var (program, problems) = CelProgram.Compile(expression, environment ?? Environment);
        Assert.True(program is not null, CelProblem.Display(problems, expression));
        return program;
    }

    public static CelResult Evaluate(string expression, string self = "null") =>
        Compile(expression).Evaluate(new Dictionary<string, object> { ["self"] = JsonValues.Of(JsonNode.Parse(self), DataType.Any) }, Limit);

    public static string[] Problems(string expression, CelEnvironment? environment = null)
    {
        var (program, problems) = CelProgram.Compile(expression, environment ?? Environment);
        Assert.Equal(program is null, problems.Count > 0);
        return [.. problems.OrderBy(problem => problem.Offset).Select(problem => problem.Display(expression).Split('\n')[0])];
    }

    /// <summary>The tree with all that it says, places aside.</summary>
    public static string Tree(CelExpr expression) => expression switch
    {
        LiteralExpr literal => $"{literal.Value.GetType().Name}:{(literal.Value is CelBytes bytes ? Convert.ToHexString(bytes.Span) : literal.Value)}",
        IdentExpr ident => ident.Name,
        SelectExpr select => $"select({Tree(select.Operand)}, {select.Field})",
        CallExpr { Function: Operators.And or Operators.Or } chain => string.Join($" {chain.Function} ", Terms(chain, chain.Function).Select(term => $"({Tree(term)})")),
        CallExpr call => $"{call.Function}<{(call.Target is null ? "" : Tree(call.Target))}>({string.Join(", ", call.Arguments.Select(Tree))})",
        ListExpr list => $"[{string.Join(", ", list.Elements.Select(element => (element.IsOptional ? "?" : "") + Tree(element.Value)))}]",
        MapExpr map => $"{{{string.Join(", ", map.Entries.Select(entry => (entry.IsOptional ? "?" : "") + Tree(entry.Key) + ": " + Tree(entry.Value)))}}}",
        MessageExpr message => $"{message.TypeName}{{{string.Join(", ", message.Fields.Select(field => (field.IsOptional ? "?" : "") + field.Name + ": " + Tree(field.Value)))}}}",
        _ => throw new ArgumentException("not a parsed tree", nameof(expression)),
    };

    // How a chain of && or || is bracketed says nothing.
    private static IEnumerable<CelExpr> Terms(CelExpr expression, string function) =>
        expression is CallExpr call && call.Function == function ? call.Arguments.SelectMany(argument => Terms(argument, function)) : [expression];

    public static CelExpr Parse(string text)
    {
        var (expression, problem) = Parser.Parse(text);
        Assert.True(expression is not null, problem?.Display(text));
        return expression;
    }
}
