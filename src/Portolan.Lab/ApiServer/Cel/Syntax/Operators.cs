namespace Portolan.Lab.ApiServer.Cel.Syntax;

/// <summary>The names that operators have as functions, in the tree and in messages.</summary>
internal static class Operators
{
    public const string Conditional = "_?_:_";
    public const string And = "_&&_";
    public const string Or = "_||_";
    public const string Not = "!_";
    public const string Negate = "-_";
    public const string Equal = "_==_";
    public const string NotEqual = "_!=_";
    public const string Less = "_<_";
    public const string LessOrEqual = "_<=_";
    public const string Greater = "_>_";
    public const string GreaterOrEqual = "_>=_";
    public const string Add = "_+_";
    public const string Subtract = "_-_";
    public const string Multiply = "_*_";
    public const string Divide = "_/_";
    public const string Modulo = "_%_";
    public const string In = "@in";
    public const string Index = "_[_]";
    public const string OptionalIndex = "_[?_]";
    public const string OptionalSelect = "_?._";

    /// <summary>False for false only: what a loop asks of its accumulator, which may be an error that a later element absorbs.</summary>
    public const string NotStrictlyFalse = "@not_strictly_false";

    /// <summary>Adds an entry to the map that a loop builds.</summary>
    public const string MapInsert = "cel.@mapInsert";
}

/// <summary>A name written with dots, as far as an expression is one.</summary>
internal static class QualifiedName
{
    /// <returns><c>a.b.c</c>; null when the expression is anything but names and dots.</returns>
    public static string? Of(CelExpr expression)
    {
        var parts = new Stack<string>();
        while (expression is SelectExpr { IsTest: false } select)
        {
            parts.Push(select.Field);
            expression = select.Operand;
        }

        if (expression is not IdentExpr root)
            return null;
        parts.Push(root.Name.TrimStart('.'));
        return string.Join('.', parts);
    }

    /// <summary>The first name.</summary>
    public static string Root(CelExpr expression)
    {
        while (expression is SelectExpr select)
            expression = select.Operand;
        return expression is IdentExpr root ? root.Name.TrimStart('.') : "";
    }
}
