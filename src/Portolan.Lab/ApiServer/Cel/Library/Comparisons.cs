using Portolan.Lab.ApiServer.Cel.Estimation;
using Portolan.Lab.ApiServer.Cel.Syntax;
using Portolan.Lab.ApiServer.Cel.Types;
using Portolan.Lab.ApiServer.Cel.Values;

namespace Portolan.Lab.ApiServer.Cel.Library;

/// <summary>Equality of any two values of a type, order of those that have one; numbers compare across their types.</summary>
internal static class Comparisons
{
    public static void AddTo(FunctionLibrary to)
    {
        var any = CelType.Parameter("A");
        to.Function(Operators.Equal, CelType.Bool, CallCost.Compare, static x => Equality.Same(x[0], x[1]), any, any);
        to.Function(Operators.NotEqual, CelType.Bool, CallCost.Compare, static x => !Equality.Same(x[0], x[1]), any, any);
        CelType[] numbers = [CelType.Int, CelType.Uint, CelType.Double];
        foreach (var left in (CelType[])[CelType.Bool, CelType.Int, CelType.Uint, CelType.Double, CelType.String, CelType.Bytes, CelType.Timestamp, CelType.Duration])
        {
            foreach (var right in numbers.Contains(left) ? numbers : [left])
            {
                var cost = left.Kind is CelKind.String or CelKind.Bytes ? CallCost.Compare : CallCost.One;
                to.Function(Operators.Less, CelType.Bool, cost, static x => Equality.Compare(x[0], x[1]) < 0, left, right);
                to.Function(Operators.LessOrEqual, CelType.Bool, cost, static x => Equality.Compare(x[0], x[1]) <= 0, left, right);
                to.Function(Operators.Greater, CelType.Bool, cost, static x => Equality.Compare(x[0], x[1]) > 0, left, right);
                to.Function(Operators.GreaterOrEqual, CelType.Bool, cost, static x => Equality.Compare(x[0], x[1]) >= 0, left, right);
            }
        }
    }
}
