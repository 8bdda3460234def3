using Portolan.Lab.ApiServer.Cel.Syntax;
using Portolan.Lab.ApiServer.Cel.Values;

namespace Portolan.Lab.ApiServer.Cel.Types;

/// <summary>
/// Finds the type of every node of an expression whose macros are expanded, and the overloads of its calls; what does not fit is a problem, in a real
/// server's words.
/// </summary>
internal sealed class Checker
{
    private readonly CelEnvironment _environment;
    private readonly Unifier _types = new();
    private readonly List<CelProblem> _problems = [];
    private readonly List<CelExpr> _checked = [];
    private readonly HashSet<string> _references = [];
    private Scope? _scope;
    private bool _mayMix;

    private Checker(CelEnvironment environment) => _environment = environment;

    private sealed record Scope(string Name, CelType Type, Scope? Outer);

    /// <param name="references">Receives the declared variables that the expression uses.</param>
    public static List<CelProblem> Check(CelExpr expression, CelEnvironment environment, out IReadOnlySet<string> references)
    {
        var checker = new Checker(environment);
        checker.Visit(expression);
        foreach (var node in checker._checked)
            node.Type = checker._types.Resolve(node.Type, openIsDyn: true);
        references = checker._references;
        return checker._problems;
    }

    private CelType Visit(CelExpr expression)
    {
        expression.Type = expression switch
        {
            LiteralExpr literal => TypeOfValue.Static(literal.Value),
            IdentExpr ident => Ident(ident),
            SelectExpr select => Select(select),
            CallExpr call => Call(call),
            ListExpr list => List(list),
            MapExpr map => Map(map),
            MessageExpr message => Message(message),
            ComprehensionExpr loop => Comprehension(loop),
            BindExpr bind => Bind(bind),
            _ => CelType.Dyn,
        };
        _checked.Add(expression);
        return expression.Type;
    }

    private CelType Ident(IdentExpr ident)
    {
        for (var scope = _scope; scope is not null; scope = scope.Outer)
        {
            if (scope.Name == ident.Name)
                return scope.Type;
        }

        return Declared(ident.Name.TrimStart('.')) ?? Undeclared(ident.Offset, ident.Name.TrimStart('.'));
    }

    private CelType? Declared(string name)
    {
        if (_environment.Variables.TryGetValue(name, out var variable))
        {
            _references.Add(name);
            return variable.Type;
        }

        return _environment.TypeNames.TryGetValue(name, out var type) ? CelType.TypeOf(type) : null;
    }

    private bool IsLocal(string name)
    {
        for (var scope = _scope; scope is not null; scope = scope.Outer)
        {
            if (scope.Name == name)
                return true;
        }

        return false;
    }

    private CelType Select(SelectExpr select)
    {
        if (!select.IsTest && QualifiedName.Of(select) is { } name && !IsLocal(QualifiedName.Root(select)) && Declared(name) is { } declared)
        {
            select.QualifiedName = name;
            return declared;
        }

        var field = Field(Visit(select.Operand), select.Field, select.Offset);
        return select.IsTest ? CelType.Bool : field;
    }

    private CelType Field(CelType operand, string name, int offset)
    {
        operand = _types.Resolve(operand, openIsDyn: false);
        switch (operand.Kind)
        {
            case CelKind.Object:
                return operand.Field(name) ?? Problem(offset, $"undefined field '{name}'");
            case CelKind.Map:
                return operand.Parameters[1];
            case CelKind.Dyn or CelKind.Parameter:
                return CelType.Dyn;
            case CelKind.Optional:
                var inner = Field(operand.Parameters[0], name, offset);
                return inner.Kind == CelKind.Optional ? inner : CelType.Optional(inner);
            default:
                return Problem(offset, $"type '{operand}' does not support field selection");
        }
    }

    private CelType Call(CallExpr call)
    {
        if (call.Function == Operators.OptionalSelect)
        {
            var field = Field(Visit(call.Arguments[0]), (string)((LiteralExpr)call.Arguments[1]).Value, call.Offset);
            return field.Kind == CelKind.Optional ? field : CelType.Optional(field);
        }

        var function = call.Function.TrimStart('.');
        var isMember = call.Target is not null;
        if (isMember && QualifiedName.Of(call.Target!) is { } prefix && !IsLocal(QualifiedName.Root(call.Target!)) && _environment.Functions.Find($"{prefix}.{function}") is { Count: > 0 })
        {
            function = $"{prefix}.{function}";
            isMember = false;
            call.Operands = call.Arguments;
        }

        var mixed = _mayMix;
        _mayMix |= function == "format";
        var operands = call.Operands.Select(Visit).ToArray();
        _mayMix = mixed;
        var candidates = _environment.Functions.Find(function);
        if (candidates.Count == 0)
            return Undeclared(call.Offset, function);
        var fitting = new List<Overload>();
        CelType? result = null;
        foreach (var overload in candidates)
        {
            if (overload.IsMember != isMember)
                continue;
            var instances = new Dictionary<string, CelType>();
            var parameters = overload.Parameters.Select(parameter => _types.Instantiate(parameter, instances)).ToArray();
            if (!_types.AcceptsAll(parameters, operands))
                continue;
            fitting.Add(overload);
            var found = _types.Resolve(_types.Instantiate(overload.Result, instances), openIsDyn: false);
            result = result is null || result.Equals(found) ? found : CelType.Dyn;
        }

        call.Overloads = fitting;
        return result ?? Problem(call.Offset, $"found no matching overload for '{function}' applied to '{Signature(operands, isMember)}'");
    }

    private string Signature(CelType[] operands, bool isMember)
    {
        var shown = operands.Select(operand => _types.Resolve(operand, openIsDyn: true).ToString()).ToArray();
        return isMember ? $"{shown[0]}.({string.Join(", ", shown[1..])})" : $"({string.Join(", ", shown)})";
    }

    private CelType List(ListExpr list)
    {
        var item = _types.Fresh();
        CelType? joined = null;
        foreach (var element in list.Elements)
        {
            var type = Unwrapped(Visit(element.Value), element.IsOptional, element.Value.Offset);
            joined = Join(joined, type, element.Value.Offset);
        }

        return CelType.List(joined ?? item);
    }

    private CelType Map(MapExpr map)
    {
        CelType? keys = null, values = null;
        foreach (var entry in map.Entries)
        {
            var key = _types.Resolve(Visit(entry.Key), openIsDyn: true);
            if (key.Kind is not (CelKind.String or CelKind.Int or CelKind.Uint or CelKind.Bool or CelKind.Dyn))
                Problem(entry.Key.Offset, $"unsupported key type: {key}");
            keys = Join(keys, key, entry.Key.Offset);
            values = Join(values, Unwrapped(Visit(entry.Value), entry.IsOptional, entry.Value.Offset), entry.Value.Offset);
        }

        return CelType.Map(keys ?? _types.Fresh(), values ?? _types.Fresh());
    }

    private CelType Unwrapped(CelType type, bool isOptional, int offset)
    {
        if (!isOptional)
            return type;
        var inner = _types.Fresh();
        return _types.Accepts(CelType.Optional(inner), type) ? inner : Problem(offset, $"expected type 'optional_type({CelType.Dyn})' but found '{_types.Resolve(type, openIsDyn: true)}'");
    }

    // Literals hold values of one type, those apart that are formatted: a real server does not let rules mix them.
    private CelType Join(CelType? joined, CelType type, int offset)
    {
        if (joined is null || _types.Accepts(joined, type))
            return joined ?? type;
        return _types.Accepts(type, joined) ? type
            : _mayMix ? CelType.Dyn
            : Problem(offset, $"expected type '{_types.Resolve(joined, openIsDyn: true)}' but found '{_types.Resolve(type, openIsDyn: true)}'");
    }

    private CelType Message(MessageExpr message)
    {
        foreach (var field in message.Fields)
            Visit(field.Value);
        return _environment.TypeNames.ContainsKey(message.TypeName) ? Problem(message.Offset, $"'{message.TypeName}' is not a message type") : Undeclared(message.Offset, message.TypeName);
    }

    private CelType Comprehension(ComprehensionExpr loop)
    {
        var range = _types.Resolve(Visit(loop.Range), openIsDyn: false);
        var (first, second) = (CelType.Dyn, CelType.Dyn);
        switch (range.Kind)
        {
            case CelKind.List:
                (first, second) = loop.SecondVariable is null ? (range.Parameters[0], CelType.Dyn) : (CelType.Int, range.Parameters[0]);
                break;
            case CelKind.Map:
                (first, second) = (range.Parameters[0], range.Parameters[1]);
                break;
            case CelKind.Dyn or CelKind.Parameter:
                break;
            default:
                Problem(loop.Range.Offset, $"expression of type '{range}' cannot be range of a comprehension (must be list, map, or dynamic)");
                break;
        }

        var total = Visit(loop.Initial);
        var outer = _scope;
        _scope = new Scope(ComprehensionExpr.Accumulator, total, _scope);
        var accumulating = _scope;
        _scope = new Scope(loop.Variable, first, _scope);
        if (loop.SecondVariable is not null)
            _scope = new Scope(loop.SecondVariable, second, _scope);
        Visit(loop.Condition);
        var step = Visit(loop.Step);
        if (!_types.Accepts(total, step))
            Problem(loop.Step.Offset, $"expected type '{_types.Resolve(total, openIsDyn: true)}' but found '{_types.Resolve(step, openIsDyn: true)}'");
        _scope = accumulating;
        var result = Visit(loop.Result);
        _scope = outer;
        return result;
    }

    private CelType Bind(BindExpr bind)
    {
        var outer = _scope;
        _scope = new Scope(bind.Name, Visit(bind.Value), _scope);
        var result = Visit(bind.Result);
        _scope = outer;
        return result;
    }

    private CelType Undeclared(int offset, string name) => Problem(offset, $"undeclared reference to '{name}' (in container '')");

    private CelType Problem(int offset, string message)
    {
        _problems.Add(new CelProblem(offset, message));
        return CelType.Dyn;
    }
}
