using Portolan.Lab.ApiServer.Cel.Types;

namespace Portolan.Lab.ApiServer.Cel.Syntax;

/// <summary>A node of an expression's syntax tree.</summary>
/// <param name="offset">Where it is in the text: its operator, bracket or first token, as a real server counts.</param>
/// <param name="depth">Nodes on the longest way down from here, this one included.</param>
internal abstract class CelExpr(int offset, int depth)
{
    public int Offset => offset;
    public int Depth => depth;

    /// <summary>What the checker found; dyn before it ran.</summary>
    public CelType Type { get; set; } = CelType.Dyn;

    protected static int Above(CelExpr? first, params ReadOnlySpan<CelExpr> others)
    {
        var deepest = first?.Depth ?? 0;
        foreach (var other in others)
            deepest = Math.Max(deepest, other.Depth);
        return deepest + 1;
    }
}

/// <summary>A constant: null, bool, int, uint, double, string or bytes.</summary>
internal sealed class LiteralExpr(int offset, object value) : CelExpr(offset, 1)
{
    public object Value => value;
}

/// <summary>A name. It may begin with a dot, which in a flat name space says nothing.</summary>
internal sealed class IdentExpr(int offset, string name) : CelExpr(offset, 1)
{
    public string Name => name;
}

/// <summary><c>operand.field</c>, or as a test, <c>has(operand.field)</c>.</summary>
internal sealed class SelectExpr(int offset, CelExpr operand, string name, bool isTest = false) : CelExpr(offset, Above(operand))
{
    public CelExpr Operand => operand;
    public string Field { get; } = name;
    public bool IsTest => isTest;

    /// <summary>Set by the checker when the whole path is one declared name, such as <c>google.protobuf.Timestamp</c>.</summary>
    public string? QualifiedName { get; set; }
}

/// <summary>A function, method or operator (<c>_+_</c>, <c>_[_]</c>, <c>_?_:_</c>) and what it is applied to.</summary>
internal sealed class CallExpr(int offset, string function, CelExpr? target, params CelExpr[] arguments) : CelExpr(offset, Above(target, arguments))
{
    public string Function => function;
    public CelExpr? Target => target;
    public IReadOnlyList<CelExpr> Arguments => arguments;

    /// <summary>The target, if there is one, and the arguments: what the overload is called with.</summary>
    public IReadOnlyList<CelExpr> Operands { get => field ??= target is null ? arguments : [target, .. arguments]; set; }

    /// <summary>The overloads that the operands' types leave; more than one when a type is known at run time only.</summary>
    public IReadOnlyList<Overload> Overloads { get; set; } = [];
}

/// <summary>An element of a list literal; <c>[?x]</c> is there when the optional has a value.</summary>
internal readonly record struct ListElement(CelExpr Value, bool IsOptional);

internal sealed class ListExpr(int offset, params ListElement[] elements) : CelExpr(offset, Above(null, [.. elements.Select(element => element.Value)]))
{
    public IReadOnlyList<ListElement> Elements => elements;
}

/// <summary>An entry of a map literal; <c>{?k: v}</c> is there when the optional has a value.</summary>
internal readonly record struct MapEntry(CelExpr Key, CelExpr Value, bool IsOptional);

internal sealed class MapExpr(int offset, params MapEntry[] entries) : CelExpr(offset, Above(null, [.. entries.SelectMany(entry => (CelExpr[])[entry.Key, entry.Value])]))
{
    public IReadOnlyList<MapEntry> Entries => entries;
}

/// <summary>A field of a message literal.</summary>
internal readonly record struct MessageField(string Name, CelExpr Value, bool IsOptional);

/// <summary><c>a.b.Name{field: value}</c>.</summary>
internal sealed class MessageExpr(int offset, string typeName, params MessageField[] fields) : CelExpr(offset, Above(null, [.. fields.Select(entry => entry.Value)]))
{
    public string TypeName => typeName;
    public IReadOnlyList<MessageField> Fields => fields;
}

/// <summary>A loop over a list or the keys of a map, which all macros that iterate become.</summary>
internal sealed class ComprehensionExpr(
    int offset, CelExpr range, string variable, string? secondVariable, CelExpr initial, CelExpr condition, CelExpr step, CelExpr result)
    : CelExpr(offset, Above(range, initial, condition, step, result))
{
    /// <summary>The accumulator's name; no expression can spell it.</summary>
    public const string Accumulator = "@result";

    public CelExpr Range => range;

    /// <summary>The element (of a map: the key); with a second variable, the index or key.</summary>
    public string Variable => variable;

    /// <summary>The element or value in the two-variable forms.</summary>
    public string? SecondVariable => secondVariable;

    public CelExpr Initial => initial;
    public CelExpr Condition => condition;
    public CelExpr Step => step;
    public CelExpr Result => result;
}

/// <summary>A value given a name inside another expression, which <c>optMap</c> needs.</summary>
internal sealed class BindExpr(int offset, string name, CelExpr value, CelExpr result) : CelExpr(offset, Above(value, result))
{
    public string Name => name;
    public CelExpr Value => value;
    public CelExpr Result => result;
}
