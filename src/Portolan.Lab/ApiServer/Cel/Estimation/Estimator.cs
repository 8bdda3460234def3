using Portolan.Lab.ApiServer.Cel.Syntax;
using Portolan.Lab.ApiServer.Cel.Types;
using Portolan.Lab.ApiServer.Cel.Values;

namespace Portolan.Lab.ApiServer.Cel.Estimation;

/// <summary>The least and the most that evaluating a checked expression can cost, from the sizes its data can have; in Kubernetes' units and by its rules.</summary>
internal sealed class Estimator
{
    private readonly CelEnvironment _environment;
    private readonly Dictionary<CelExpr, Range> _sizes = [];
    private readonly Dictionary<CelExpr, Range> _keySizes = [];
    private readonly Dictionary<CelExpr, Range> _itemSizes = [];
    private readonly Dictionary<CelExpr, DataType> _data = [];
    private readonly Dictionary<CelExpr, DataType> _itemData = [];
    private Local? _locals;

    private Estimator(CelEnvironment environment) => _environment = environment;

    private sealed record Local(string Name, DataType? Data, Range? Size, Range? Item, Local? Outer);

    public static Range Estimate(CelExpr expression, CelEnvironment environment) => new Estimator(environment).Cost(expression);

    private Range Cost(CelExpr expression) => expression switch
    {
        IdentExpr ident => Ident(ident),
        SelectExpr select => Select(select),
        CallExpr call => Call(call),
        ListExpr list => List(list),
        MapExpr map => Map(map),
        ComprehensionExpr loop => Comprehension(loop),
        BindExpr bind => Bind(bind),
        _ => Range.Zero,
    };

    private Range Ident(IdentExpr ident)
    {
        for (var local = _locals; local is not null; local = local.Outer)
        {
            if (local.Name != ident.Name)
                continue;
            Know(ident, local.Data, local.Size, local.Item);
            return Range.One;
        }

        if (_environment.Variables.TryGetValue(ident.Name.TrimStart('.'), out var variable))
            Know(ident, variable.Data, null, null);
        return Range.One;
    }

    private Range Select(SelectExpr select)
    {
        if (select.QualifiedName is not null)
            return Range.One;
        var cost = Cost(select.Operand);
        if (select.IsTest)
            return cost;
        if (_data.TryGetValue(select.Operand, out var data))
            Know(select, data.Kind == DataKind.Map ? data.Element : data.Fields.GetValueOrDefault(select.Field).Type, null, null);
        return cost + Range.One;
    }

    private Range Call(CallExpr call)
    {
        var costs = call.Operands.Select(Cost).ToArray();
        switch (call.Function)
        {
            case Operators.And or Operators.Or:
                return new Range(costs[0].Min, (costs[0] + costs[1]).Max);
            case Operators.Conditional:
                _sizes[call] = Size(call.Arguments[1]).Union(Size(call.Arguments[2]));
                if (_itemSizes.TryGetValue(call.Arguments[1], out var whenTrue) && _itemSizes.TryGetValue(call.Arguments[2], out var whenFalse))
                    _itemSizes[call] = whenTrue.Union(whenFalse);
                return costs[0] + costs[1].Union(costs[2]);
            case Operators.NotStrictlyFalse:
                return costs[0] + Range.One;
            case Operators.OptionalSelect:
                if (_data.TryGetValue(call.Arguments[0], out var data))
                    Know(call, data.Kind == DataKind.Map ? data.Element : data.Fields.GetValueOrDefault((string)((LiteralExpr)call.Arguments[1]).Value).Type, null, null);
                return costs[0] + Range.One;
        }

        var operands = call.Operands.Select(operand => new Measure(Size(operand), Item(operand))).ToArray();
        Range? cost = null, result = null;
        foreach (var overload in call.Overloads)
        {
            var estimate = overload.Cost.Of(operands);
            cost = cost?.Union(estimate.Cost) ?? estimate.Cost;
            result = estimate.Result is { } size ? result?.Union(size) ?? size : result;
        }

        Follow(call, result);
        return costs.Aggregate(cost ?? Range.One, (sum, operand) => sum + operand);
    }

    // What a call's result is known by: the data it reaches into, or the size its rule gives.
    private void Follow(CallExpr call, Range? result)
    {
        var first = call.Operands.Count > 0 ? call.Operands[0] : null;
        switch (call.Function)
        {
            case Operators.Index or Operators.OptionalIndex when first is not null:
                Know(call, ItemData(first), _itemSizes.TryGetValue(first, out var item) ? item : null, null);
                break;
            case "dyn" or "value" or "orValue" or "optional.of" or "optional.ofNonZeroValue" when call.Operands.Count == 1:
                Know(call, _data.GetValueOrDefault(first!), _sizes.TryGetValue(first!, out var size) ? size : null, _itemSizes.TryGetValue(first!, out var inner) ? inner : null);
                break;
            case "orValue" when first is not null:
                if (_data.TryGetValue(first, out var data))
                    _sizes[call] = Range.UpTo(data.MaxElements).Union(Size(call.Operands[1]));
                break;
            case Operators.Add when result is not null:
                _sizes[call] = result.Value;
                if (_itemSizes.TryGetValue(call.Operands[0], out var left) && _itemSizes.TryGetValue(call.Operands[1], out var right))
                    _itemSizes[call] = left.Union(right);
                break;
            default:
                if (result is not null)
                    _sizes[call] = result.Value;
                break;
        }
    }

    private Range List(ListExpr list)
    {
        var cost = Range.Exactly(10);
        Range? items = null;
        foreach (var element in list.Elements)
        {
            cost += Cost(element.Value);
            items = items?.Union(Size(element.Value)) ?? Size(element.Value);
        }

        _itemSizes[list] = items ?? Range.Zero;
        return cost;
    }

    private Range Map(MapExpr map)
    {
        var cost = Range.Exactly(30);
        Range? keys = null, values = null;
        foreach (var entry in map.Entries)
        {
            cost += Cost(entry.Key) + Cost(entry.Value);
            keys = keys?.Union(Size(entry.Key)) ?? Size(entry.Key);
            values = values?.Union(Size(entry.Value)) ?? Size(entry.Value);
        }

        _keySizes[map] = keys ?? Range.Zero;
        _itemSizes[map] = values ?? Range.Zero;
        return cost;
    }

    private Range Comprehension(ComprehensionExpr loop)
    {
        var cost = Cost(loop.Range) + Cost(loop.Initial);
        var data = ItemData(loop.Range);
        var isMap = loop.Range.Type.Kind == CelKind.Map;
        Range? item = _itemSizes.TryGetValue(loop.Range, out var known) ? known : null;
        Range? key = _keySizes.TryGetValue(loop.Range, out var knownKey) ? knownKey : isMap && _data.ContainsKey(loop.Range) ? Range.Zero : null;
        var outer = _locals;
        _locals = new Local(ComprehensionExpr.Accumulator, null, loop.Initial is LiteralExpr ? Range.One : null, null, _locals);
        var accumulating = _locals;
        // The keys of data count as nothing, as on a real server: what bounds them is the request.
        var (one, two) = (new Local(loop.Variable, isMap ? null : data, isMap ? key : item, null, _locals), (Local?)null);
        if (loop.SecondVariable is not null)
        {
            one = new Local(loop.Variable, null, isMap ? key : Range.One, null, _locals);
            two = new Local(loop.SecondVariable, data, item, null, one);
        }

        _locals = two ?? one;
        var each = Cost(loop.Condition) + Cost(loop.Step);
        _locals = accumulating;
        cost += Cost(loop.Result);
        _locals = outer;
        var count = Size(loop.Range);
        if (loop.Initial is LiteralExpr)
        {
            _sizes[loop] = Range.One;
        }
        else
        {
            _sizes[loop] = Range.UpTo(count.Max);
            if (Built(loop.Step) is { Elements: [var element] } built)
            {
                _itemSizes[loop] = _itemSizes[built];
                if (_data.TryGetValue(element.Value, out var kept))
                    _itemData[loop] = kept;
            }
        }

        return cost + count * each;
    }

    /// <summary>What the items of a list or the values of a map are.</summary>
    private DataType? ItemData(CelExpr container) => _data.TryGetValue(container, out var data) ? data.Element : _itemData.GetValueOrDefault(container);

    /// <summary>What a step appends to the list that a loop builds.</summary>
    private static ListExpr? Built(CelExpr step) => step switch
    {
        CallExpr { Function: Operators.Conditional } conditional => Built(conditional.Arguments[1]),
        CallExpr { Function: Operators.Add, Arguments: [_, ListExpr list] } => list,
        _ => null,
    };

    private Range Bind(BindExpr bind)
    {
        var cost = Cost(bind.Value);
        var outer = _locals;
        _locals = new Local(bind.Name, _data.GetValueOrDefault(bind.Value), Size(bind.Value), _itemSizes.TryGetValue(bind.Value, out var item) ? item : null, _locals);
        cost += Cost(bind.Result);
        _locals = outer;
        _sizes[bind] = Size(bind.Result);
        return cost;
    }

    private void Know(CelExpr expression, DataType? data, Range? size, Range? item)
    {
        if (data is not null)
            _data[expression] = data;
        if (size is not null)
            _sizes[expression] = size.Value;
        if (item is not null)
            _itemSizes[expression] = item.Value;
    }

    private Range Size(CelExpr expression)
    {
        if (_sizes.TryGetValue(expression, out var known))
            return known;
        switch (expression)
        {
            case LiteralExpr literal:
                return literal.Value switch
                {
                    string text => Range.Exactly((ulong)TextSize.Of(text)),
                    CelBytes bytes => Range.Exactly((ulong)bytes.Count),
                    _ => Range.One,
                };
            case ListExpr list:
                return new Range((ulong)list.Elements.Count(element => !element.IsOptional), (ulong)list.Elements.Count);
            case MapExpr map:
                return new Range((ulong)map.Entries.Count(entry => !entry.IsOptional), (ulong)map.Entries.Count);
        }

        if (expression.Type.IsScalar)
            return Range.One;
        return _data.TryGetValue(expression, out var data) && data.Kind != DataKind.Any ? Range.UpTo(data.MaxElements) : Range.Unknown;
    }

    private Range Item(CelExpr expression)
    {
        if (expression.Type.Kind == CelKind.List && expression.Type.Parameters[0] is { Kind: not (CelKind.String or CelKind.Bytes or CelKind.Dyn) })
            return Range.Zero;
        if (_itemSizes.TryGetValue(expression, out var known))
            return known;
        return _data.TryGetValue(expression, out var data) && data.Element is { } item && data.Kind == DataKind.List ? Range.UpTo(item.MaxElements) : Range.Unknown;
    }
}
