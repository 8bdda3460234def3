using Portolan.Lab.ApiServer.Cel.Patterns;
using Portolan.Lab.ApiServer.Cel.Syntax;
using Portolan.Lab.ApiServer.Cel.Values;

namespace Portolan.Lab.ApiServer.Cel.Library;

/// <summary>Constants that no evaluation could do anything with: patterns that do not compile, times that are none.</summary>
internal static class LiteralArguments
{
    public static List<CelProblem> Check(CelExpr expression)
    {
        var problems = new List<CelProblem>();
        Visit(expression, problems);
        return problems;
    }

    private static void Visit(CelExpr expression, List<CelProblem> problems)
    {
        switch (expression)
        {
            case SelectExpr select:
                Visit(select.Operand, problems);
                break;
            case CallExpr call:
                foreach (var operand in call.Operands)
                    Visit(operand, problems);
                if (call.Operands.Count > 0 && Invalid(call))
                    problems.Add(new CelProblem(Constant(call).Offset, $"invalid {call.Function} argument"));
                break;
            case ListExpr list:
                foreach (var element in list.Elements)
                    Visit(element.Value, problems);
                break;
            case MapExpr map:
                foreach (var entry in map.Entries)
                {
                    Visit(entry.Key, problems);
                    Visit(entry.Value, problems);
                }

                break;
            case ComprehensionExpr loop:
                foreach (var part in (ReadOnlySpan<CelExpr>)[loop.Range, loop.Initial, loop.Condition, loop.Step, loop.Result])
                    Visit(part, problems);
                break;
            case BindExpr bind:
                Visit(bind.Value, problems);
                Visit(bind.Result, problems);
                break;
        }
    }

    private static CelExpr Constant(CallExpr call) => call.Operands[call.Function is "matches" or "find" or "findAll" && call.Operands.Count > 1 ? 1 : 0];

    private static bool Invalid(CallExpr call) => Constant(call) is LiteralExpr { Value: string text } && call.Function switch
    {
        "matches" or "find" or "findAll" => !Re2.TryKeep(text),
        "timestamp" => CelTimestamp.Parse(text) is null,
        "duration" => CelDuration.Parse(text) is null,
        _ => false,
    };
}
