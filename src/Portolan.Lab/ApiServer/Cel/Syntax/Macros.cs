using static Portolan.Lab.ApiServer.Cel.Syntax.ComprehensionExpr;

namespace Portolan.Lab.ApiServer.Cel.Syntax;

/// <summary>
/// Replaces macro calls by what they stand for: <c>has</c>, the loops over lists and maps in their one- and two-variable forms, and the two of optional values.
/// The loops have the very steps of a real server's, so that a rule costs the same.
/// </summary>
internal static class Macros
{
    private const string Target = "@target";

    /// <exception cref="SyntaxException">A macro is called with something it cannot take, or the tree becomes too deep.</exception>
    public static CelExpr Expand(CelExpr expression)
    {
        var expanded = expression switch
        {
            SelectExpr select => new SelectExpr(select.Offset, Expand(select.Operand), select.Field, select.IsTest),
            ListExpr list => new ListExpr(list.Offset, [.. list.Elements.Select(element => element with { Value = Expand(element.Value) })]),
            MapExpr map => new MapExpr(map.Offset, [.. map.Entries.Select(entry => entry with { Key = Expand(entry.Key), Value = Expand(entry.Value) })]),
            MessageExpr message => new MessageExpr(message.Offset, message.TypeName, [.. message.Fields.Select(field => field with { Value = Expand(field.Value) })]),
            CallExpr call => Call(call),
            _ => expression,
        };
        return expanded.Depth <= Parser.MaxDepth ? expanded : throw new SyntaxException(expression.Offset, "expression depth limit exceeded");
    }

    private static CelExpr Call(CallExpr call)
    {
        var target = call.Target is null ? null : Expand(call.Target);
        var arguments = call.Arguments.Select(Expand).ToArray();
        if (target is null)
            return call.Function is "has" or ".has" && arguments.Length == 1 ? Has(call.Offset, arguments[0]) : new CallExpr(call.Offset, call.Function, null, arguments);
        var at = call.Offset;
        return (call.Function, arguments.Length) switch
        {
            ("all", 2) => All(at, target, Name(arguments[0]), null, arguments[1]),
            ("all", 3) => All(at, target, Name(arguments[0]), Second(arguments), arguments[2]),
            ("exists", 2) => Exists(at, target, Name(arguments[0]), null, arguments[1]),
            ("exists", 3) => Exists(at, target, Name(arguments[0]), Second(arguments), arguments[2]),
            ("exists_one" or "existsOne", 2) => ExistsOne(at, target, Name(arguments[0]), null, arguments[1]),
            ("exists_one" or "existsOne", 3) => ExistsOne(at, target, Name(arguments[0]), Second(arguments), arguments[2]),
            ("filter", 2) => Map(at, target, Name(arguments[0]), null, arguments[1], new IdentExpr(at, Name(arguments[0]))),
            ("map", 2) => Map(at, target, Name(arguments[0]), null, null, arguments[1]),
            ("map", 3) => Map(at, target, Name(arguments[0]), null, arguments[1], arguments[2]),
            ("transformList", 3) => Map(at, target, Name(arguments[0]), Second(arguments), null, arguments[2]),
            ("transformList", 4) => Map(at, target, Name(arguments[0]), Second(arguments), arguments[2], arguments[3]),
            ("transformMap", 3) => TransformMap(at, target, Name(arguments[0]), Second(arguments), null, [new IdentExpr(at, Name(arguments[0])), arguments[2]]),
            ("transformMap", 4) => TransformMap(at, target, Name(arguments[0]), Second(arguments), arguments[2], [new IdentExpr(at, Name(arguments[0])), arguments[3]]),
            ("transformMapEntry", 3) => TransformMap(at, target, Name(arguments[0]), Second(arguments), null, [arguments[2]]),
            ("transformMapEntry", 4) => TransformMap(at, target, Name(arguments[0]), Second(arguments), arguments[2], [arguments[3]]),
            ("optMap", 2) => Optional(at, target, Name(arguments[0]), new CallExpr(at, "optional.of", null, arguments[1])),
            ("optFlatMap", 2) => Optional(at, target, Name(arguments[0]), arguments[1]),
            _ => new CallExpr(at, call.Function, target, arguments),
        };
    }

    private static SelectExpr Has(int at, CelExpr argument) => argument is SelectExpr { IsTest: false } select
        ? new SelectExpr(select.Offset, select.Operand, select.Field, isTest: true)
        : throw new SyntaxException(at, "invalid argument to has() macro");

    private static string Name(CelExpr argument) => argument is IdentExpr ident && !ident.Name.StartsWith('.')
        ? ident.Name
        : throw new SyntaxException(argument.Offset, "argument must be a simple name");

    private static string Second(CelExpr[] arguments) => Name(arguments[1]) is var name && name != Name(arguments[0])
        ? name
        : throw new SyntaxException(arguments[1].Offset, "duplicate variable name: " + name);

    private static ComprehensionExpr All(int at, CelExpr range, string first, string? second, CelExpr predicate) => new(
        at, range, first, second, new LiteralExpr(at, true),
        new CallExpr(at, Operators.NotStrictlyFalse, null, Total(at)),
        new CallExpr(at, Operators.And, null, Total(at), predicate), Total(at));

    private static ComprehensionExpr Exists(int at, CelExpr range, string first, string? second, CelExpr predicate) => new(
        at, range, first, second, new LiteralExpr(at, false),
        new CallExpr(at, Operators.NotStrictlyFalse, null, new CallExpr(at, Operators.Not, null, Total(at))),
        new CallExpr(at, Operators.Or, null, Total(at), predicate), Total(at));

    private static ComprehensionExpr ExistsOne(int at, CelExpr range, string first, string? second, CelExpr predicate) => new(
        at, range, first, second, new LiteralExpr(at, 0L), new LiteralExpr(at, true),
        new CallExpr(at, Operators.Conditional, null, predicate, new CallExpr(at, Operators.Add, null, Total(at), new LiteralExpr(at, 1L)), Total(at)),
        new CallExpr(at, Operators.Equal, null, Total(at), new LiteralExpr(at, 1L)));

    private static ComprehensionExpr Map(int at, CelExpr range, string first, string? second, CelExpr? filter, CelExpr element) => new(
        at, range, first, second, new ListExpr(at), new LiteralExpr(at, true),
        If(at, filter, new CallExpr(at, Operators.Add, null, Total(at), new ListExpr(at, new ListElement(element, false)))), Total(at));

    private static ComprehensionExpr TransformMap(int at, CelExpr range, string first, string second, CelExpr? filter, CelExpr[] entry) => new(
        at, range, first, second, new MapExpr(at), new LiteralExpr(at, true),
        If(at, filter, new CallExpr(at, Operators.MapInsert, null, [Total(at), .. entry])), Total(at));

    private static CelExpr If(int at, CelExpr? filter, CelExpr step) => filter is null ? step : new CallExpr(at, Operators.Conditional, null, filter, step, Total(at));

    // The optional is named first, so that it is evaluated once; then: it.hasValue() ? (the result, with the name bound to it.value()) : optional.none()
    private static BindExpr Optional(int at, CelExpr target, string name, CelExpr result) => new(at, Target, target, new CallExpr(
        at, Operators.Conditional, null,
        new CallExpr(at, "hasValue", new IdentExpr(at, Target)),
        new BindExpr(at, name, new CallExpr(at, "value", new IdentExpr(at, Target)), result),
        new CallExpr(at, "optional.none", null)));

    private static IdentExpr Total(int at) => new(at, Accumulator);
}
