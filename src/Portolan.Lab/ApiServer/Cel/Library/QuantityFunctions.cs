using System.Numerics;
using Portolan.Lab.ApiServer.Cel.Estimation;
using Portolan.Lab.ApiServer.Cel.Types;
using Portolan.Lab.ApiServer.Cel.Values;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.Cel.Library;

/// <summary>A resource quantity: an exact number, to the billionth.</summary>
internal sealed record QuantityValue(BigInteger Nanos) : ILibraryValue
{
    public static CelType CelType { get; } = CelType.Opaque("kubernetes.Quantity");

    public CelType Type => CelType;
}

/// <summary>Kubernetes' quantity library.</summary>
internal static class QuantityFunctions
{
    private static readonly BigInteger _one = BigInteger.Pow(10, 9);

    public static void AddTo(FunctionLibrary to)
    {
        var quantity = QuantityValue.CelType;
        to.Function("quantity", quantity, CallCost.ReadFirst, static x => (object?)Parse((string)x[0]) ?? new CelError(Quantity.Rule), CelType.String);
        to.Function("isQuantity", CelType.Bool, CallCost.ReadFirst, static x => Parse((string)x[0]) is not null, CelType.String);
        to.Member("sign", CelType.Int, CallCost.One, static x => (long)Nanos(x[0]).Sign, quantity);
        to.Member("isInteger", CelType.Bool, CallCost.One, static x => AsInteger(Nanos(x[0])) is not null, quantity);
        to.Member("asInteger", CelType.Int, CallCost.One, static x => AsInteger(Nanos(x[0])) ?? (object)new CelError("cannot convert value to integer"), quantity);
        to.Member("asApproximateFloat", CelType.Double, CallCost.One, static x => (double)Nanos(x[0]) / 1e9, quantity);
        to.Member("isGreaterThan", CelType.Bool, CallCost.One, static x => Nanos(x[0]) > Nanos(x[1]), quantity, quantity);
        to.Member("isLessThan", CelType.Bool, CallCost.One, static x => Nanos(x[0]) < Nanos(x[1]), quantity, quantity);
        to.Member("compareTo", CelType.Int, CallCost.One, static x => (long)Math.Sign(Nanos(x[0]).CompareTo(Nanos(x[1]))), quantity, quantity);
        to.Member("add", quantity, CallCost.One, static x => new QuantityValue(Nanos(x[0]) + Nanos(x[1])), quantity, quantity);
        to.Member("add", quantity, CallCost.One, static x => new QuantityValue(Nanos(x[0]) + ((long)x[1] * _one)), quantity, CelType.Int);
        to.Member("sub", quantity, CallCost.One, static x => new QuantityValue(Nanos(x[0]) - Nanos(x[1])), quantity, quantity);
        to.Member("sub", quantity, CallCost.One, static x => new QuantityValue(Nanos(x[0]) - ((long)x[1] * _one)), quantity, CelType.Int);
    }

    private static QuantityValue? Parse(string text) => Quantity.TryParse(text, out var nanos, out _) ? new QuantityValue(nanos) : null;

    private static BigInteger Nanos(object value) => ((QuantityValue)value).Nanos;

    private static long? AsInteger(BigInteger nanos) => (nanos % _one).IsZero && nanos / _one is var whole && whole >= long.MinValue && whole <= long.MaxValue ? (long)whole : null;
}
