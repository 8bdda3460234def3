using Portolan.Lab.ApiServer.Cel.Estimation;
using Portolan.Lab.ApiServer.Cel.Syntax;
using Portolan.Lab.ApiServer.Cel.Types;
using Portolan.Lab.ApiServer.Cel.Values;

namespace Portolan.Lab.ApiServer.Cel.Evaluation;

/// <summary>Evaluates a checked expression once, counting what it costs.</summary>
internal sealed class Evaluator(IReadOnlyDictionary<string, object> variables, CelEnvironment environment, ulong costLimit)
{
    private const ulong ListCost = 10;
    private const ulong MapCost = 30;

    private sealed class Scope(string name, object value, Scope? outer)
    {
        public string Name => name;
        public object Value { get; set; } = value;
        public Scope? Outer => outer;
    }

    public ulong Cost { get; private set; }

    /// <returns>A value or a <see cref="CelError"/>.</returns>
    /// <exception cref="CostExceededException">The limit is passed.</exception>
    public object Evaluate(CelExpr expression) => Evaluate(expression, null);

    private object Evaluate(CelExpr expression, Scope? scope) => expression switch
    {
        LiteralExpr literal => literal.Value,
        IdentExpr ident => Ident(ident.Name, scope),
        SelectExpr select => Select(select, scope),
        CallExpr call => Call(call, scope),
        ComprehensionExpr loop => Comprehension(loop, scope),
        ListExpr list => List(list, scope),
        MapExpr map => Map(map, scope),
        BindExpr bind => Evaluate(bind.Value, scope) is var value && value is CelError ? value : Evaluate(bind.Result, new Scope(bind.Name, value, scope)),
        _ => new CelError("unsupported expression"),
    };

    private object Ident(string name, Scope? scope)
    {
        Charge(1);
        for (; scope is not null; scope = scope.Outer)
        {
            if (scope.Name == name)
                return scope.Value;
        }

        return Declared(name[0] == '.' ? name[1..] : name);
    }

    private object Declared(string name) =>
        variables.TryGetValue(name, out var value) ? value
        : environment.TypeNames.TryGetValue(name, out var type) ? type
        : new CelError($"no such attribute(s): {name}");

    private object Select(SelectExpr select, Scope? scope)
    {
        if (select.QualifiedName is { } name)
        {
            Charge(1);
            return Declared(name);
        }

        var operand = Evaluate(select.Operand, scope);
        if (select.IsTest)
            return Has(operand, select.Field);
        Charge(1);
        return Field(operand, select.Field);
    }

    private static object Has(object operand, string field) => operand switch
    {
        CelError => operand,
        CelMap map => map.Find(field) is not null,
        CelOptional optional => optional.HasValue ? Has(optional.Value, field) : false,
        _ => CelError.NoSuchOverload,
    };

    private static object Field(object operand, string field) => operand switch
    {
        CelError => operand,
        CelMap map => map.Find(field) ?? CelError.NoSuchKey(field),
        CelOptional => Optional(operand, field),
        _ => CelError.NoSuchOverload,
    };

    private static object Optional(object operand, string field)
    {
        if (operand is CelOptional optional)
        {
            if (!optional.HasValue)
                return optional;
            operand = optional.Value;
        }

        return operand switch
        {
            CelError => operand,
            CelMap map => map.Find(field) switch
            {
                null => CelOptional.None,
                CelError error => error,
                CelOptional found => found,
                var found => new CelOptional(found),
            },
            _ => CelError.NoSuchOverload,
        };
    }

    private object Call(CallExpr call, Scope? scope)
    {
        var operands = call.Operands;
        switch (call.Function)
        {
            case Operators.And or Operators.Or:
                return Logical(operands, call.Function == Operators.Or, scope);
            case Operators.Conditional:
                return Evaluate(operands[0], scope) switch
                {
                    true => Evaluate(operands[1], scope),
                    false => Evaluate(operands[2], scope),
                    CelError error => error,
                    _ => CelError.NoSuchOverload,
                };
            case Operators.NotStrictlyFalse:
                Charge(1);
                return Evaluate(operands[0], scope) is not false;
            case Operators.OptionalSelect:
                Charge(1);
                return Optional(Evaluate(operands[0], scope), (string)((LiteralExpr)operands[1]).Value);
            case Operators.Add when operands is [IdentExpr { Name: ComprehensionExpr.Accumulator }, ListExpr step]:
                return Ident(ComprehensionExpr.Accumulator, scope) is ArrayList built ? Append(built, List(step, scope)) : CelError.NoSuchOverload;
        }

        var values = new object[operands.Count];
        for (var i = 0; i < values.Length; i++)
        {
            values[i] = Evaluate(operands[i], scope);
            if (values[i] is CelError)
                return values[i];
        }

        foreach (var overload in call.Overloads)
        {
            if (!Fits(values, overload.Parameters))
                continue;
            ChargeCall(overload.Cost, values);
            return overload.Body(values);
        }

        return CelError.NoSuchOverload;
    }

    // A loop's own list grows in place: nothing else can see it before the loop ends.
    private object Append(ArrayList built, object step)
    {
        Charge(1);
        if (step is not CelList items)
            return step;
        foreach (var item in CelList.Items(items))
            built.Append(item);
        return built;
    }

    private static bool Fits(object[] values, IReadOnlyList<CelType> parameters)
    {
        for (var i = 0; i < values.Length; i++)
        {
            if (!TypeOfValue.Fits(values[i], parameters[i]))
                return false;
        }

        return true;
    }

    // Either side may decide alone, whatever became of the other.
    private object Logical(IReadOnlyList<CelExpr> operands, bool deciding, Scope? scope)
    {
        var left = Evaluate(operands[0], scope);
        if (left is bool decided && decided == deciding)
            return left;
        var right = Evaluate(operands[1], scope);
        if (right is bool other && other == deciding)
            return right;
        return left is CelError ? left
            : right is CelError ? right
            : left is bool && right is bool ? !deciding
            : CelError.NoSuchOverload;
    }

    private object List(ListExpr list, Scope? scope)
    {
        var items = new List<object>(list.Elements.Count);
        foreach (var element in list.Elements)
        {
            var value = Evaluate(element.Value, scope);
            if (value is CelError)
                return value;
            if (!element.IsOptional)
                items.Add(value);
            else if (value is not CelOptional optional)
                return CelError.NoSuchOverload;
            else if (optional.HasValue)
                items.Add(optional.Value);
        }

        Charge(ListCost);
        return new ArrayList(items);
    }

    private object Map(MapExpr map, Scope? scope)
    {
        var built = new HashMap();
        foreach (var entry in map.Entries)
        {
            var key = Evaluate(entry.Key, scope);
            if (key is CelError)
                return key;
            var value = Evaluate(entry.Value, scope);
            if (value is CelError)
                return value;
            if (entry.IsOptional)
            {
                if (value is not CelOptional optional)
                    return CelError.NoSuchOverload;
                if (!optional.HasValue)
                    continue;
                value = optional.Value;
            }

            if (!built.TryAdd(key, value))
                return new CelError(Equality.MapKey(key) is null ? "unsupported key type" : $"Failed with repeated key {TextOf.Value(key)}");
        }

        Charge(MapCost);
        return built;
    }

    private object Comprehension(ComprehensionExpr loop, Scope? scope)
    {
        var range = Evaluate(loop.Range, scope);
        if (range is CelError)
            return range;
        var total = new Scope(ComprehensionExpr.Accumulator, Evaluate(loop.Initial, scope), scope);
        var first = new Scope(loop.Variable, CelNull.Value, total);
        var second = loop.SecondVariable is null ? null : new Scope(loop.SecondVariable, CelNull.Value, first);
        switch (range)
        {
            case CelList list:
                for (var i = 0; i < list.Count && Goes(); i++)
                {
                    first.Value = second is null ? list[i] : (long)i;
                    if (second is not null)
                        second.Value = list[i];
                    Step();
                }

                break;
            case CelMap map:
                foreach (var key in map.Keys)
                {
                    if (!Goes())
                        break;
                    first.Value = key;
                    if (second is not null)
                        second.Value = map.Find(key) ?? CelError.NoSuchKey(key);
                    Step();
                }

                break;
            default:
                return new CelError($"got '{TypeOfValue.Dynamic(range)}', expected iterable type");
        }

        return Evaluate(loop.Result, total);

        // An error so far goes on only in the loops whose later elements may absorb it.
        bool Goes() => (total.Value is not CelError || loop.Condition is CallExpr) && Evaluate(loop.Condition, second ?? first) is true;

        void Step() => total.Value = Evaluate(loop.Step, second ?? first);
    }

    private void ChargeCall(CallCost cost, object[] values)
    {
        if (cost == CallCost.One)
        {
            Charge(1);
            return;
        }

        var measures = new Measure[values.Length];
        for (var i = 0; i < values.Length; i++)
            measures[i] = new Measure(Estimation.Range.Exactly(SizeOf(values[i])), cost.LooksAtItems && values[i] is CelList list ? LargestText(list) : Estimation.Range.Zero);
        Charge(cost.Of(measures).Cost.Max);
    }

    private static Estimation.Range LargestText(CelList list) =>
        Estimation.Range.Exactly(CelList.Items(list).Select(item => item is string or CelBytes ? SizeOf(item) : 0).DefaultIfEmpty().Max());

    private static ulong SizeOf(object value) => value switch
    {
        string text => (ulong)TextSize.Of(text),
        CelBytes bytes => (ulong)bytes.Count,
        CelList list => (ulong)list.Count,
        CelMap map => (ulong)map.Count,
        _ => 1,
    };

    private void Charge(ulong cost)
    {
        Cost = Estimation.Range.Add(Cost, cost);
        if (Cost > costLimit)
            throw new CostExceededException();
    }
}

/// <summary>An evaluation is stopped because it is too dear.</summary>
internal sealed class CostExceededException() : Exception("operation cancelled: actual cost limit exceeded");
