using Portolan.Lab.ApiServer.Cel.Estimation;
using Portolan.Lab.ApiServer.Cel.Syntax;
using Portolan.Lab.ApiServer.Cel.Types;
using Portolan.Lab.ApiServer.Cel.Values;

namespace Portolan.Lab.ApiServer.Cel.Library;

/// <summary>Sums, products and joining. Whole numbers do not wrap around: what does not fit is an error.</summary>
internal static class Arithmetic
{
    private static readonly CelError _signed = new("integer overflow");
    private static readonly CelError _unsigned = new("unsigned integer overflow");
    private static readonly CelError _division = new("division by zero");
    private static readonly CelError _modulus = new("modulus by zero");
    private static readonly CelError _time = new("timestamp overflow");
    private static readonly CelError _span = new("duration overflow");

    public static void AddTo(FunctionLibrary to)
    {
        Signed(to);
        Unsigned(to);
        Floating(to);
        Times(to);
        var list = CelType.List(CelType.Parameter("A"));
        to.Function(Operators.Add, CelType.String, CallCost.AddText, static x => TextLimits.Concat((string)x[0], (string)x[1]), CelType.String, CelType.String);
        to.Function(Operators.Add, CelType.Bytes, CallCost.AddText, static x => new CelBytes([.. ((CelBytes)x[0]).Span, .. ((CelBytes)x[1]).Span]), CelType.Bytes, CelType.Bytes);
        to.Function(Operators.Add, list, CallCost.AddLists, static x => AddLists((CelList)x[0], (CelList)x[1]), list, list);
    }

    private static object AddLists(CelList left, CelList right) =>
        (long)left.Count + right.Count > TextLimits.MaxItems ? new CelError("list too long") : left.Concat(right);

    private static void Signed(FunctionLibrary to)
    {
        Whole(to, Operators.Add, static (a, b) => a + b);
        Whole(to, Operators.Subtract, static (a, b) => a - b);
        Whole(to, Operators.Multiply, static (a, b) => a * b);
        to.Function(Operators.Divide, CelType.Int, CallCost.One, static x => (long)x[1] == 0 ? _division : (long)x[1] == -1 ? Negated((long)x[0]) : (long)x[0] / (long)x[1], CelType.Int, CelType.Int);
        to.Function(Operators.Modulo, CelType.Int, CallCost.One, static x => (long)x[1] == 0 ? _modulus : (long)x[1] == -1 ? (long)x[0] == long.MinValue ? _signed : 0L : (long)x[0] % (long)x[1], CelType.Int, CelType.Int);
        to.Function(Operators.Negate, CelType.Int, CallCost.One, static x => Negated((long)x[0]), CelType.Int);
    }

    private static void Whole(FunctionLibrary to, string name, Func<Int128, Int128, Int128> exact) => to.Function(
        name, CelType.Int, CallCost.One, x => exact((long)x[0], (long)x[1]) is var result && result >= long.MinValue && result <= long.MaxValue ? (long)result : _signed, CelType.Int, CelType.Int);

    private static object Negated(long number) => number == long.MinValue ? _signed : -number;

    private static void Unsigned(FunctionLibrary to)
    {
        foreach (var (name, exact) in (ReadOnlySpan<(string, Func<Int128, Int128, Int128>)>)[(Operators.Add, static (a, b) => a + b), (Operators.Subtract, static (a, b) => a - b)])
            to.Function(name, CelType.Uint, CallCost.One, x => exact((ulong)x[0], (ulong)x[1]) is var result && result >= 0 && result <= ulong.MaxValue ? (ulong)result : _unsigned, CelType.Uint, CelType.Uint);
        to.Function(Operators.Multiply, CelType.Uint, CallCost.One, static x => (UInt128)(ulong)x[0] * (ulong)x[1] is var result && result <= ulong.MaxValue ? (ulong)result : _unsigned, CelType.Uint, CelType.Uint);
        to.Function(Operators.Divide, CelType.Uint, CallCost.One, static x => (ulong)x[1] == 0 ? _division : (ulong)x[0] / (ulong)x[1], CelType.Uint, CelType.Uint);
        to.Function(Operators.Modulo, CelType.Uint, CallCost.One, static x => (ulong)x[1] == 0 ? _modulus : (ulong)x[0] % (ulong)x[1], CelType.Uint, CelType.Uint);
    }

    private static void Floating(FunctionLibrary to)
    {
        to.Function(Operators.Add, CelType.Double, CallCost.One, static x => (double)x[0] + (double)x[1], CelType.Double, CelType.Double);
        to.Function(Operators.Subtract, CelType.Double, CallCost.One, static x => (double)x[0] - (double)x[1], CelType.Double, CelType.Double);
        to.Function(Operators.Multiply, CelType.Double, CallCost.One, static x => (double)x[0] * (double)x[1], CelType.Double, CelType.Double);
        to.Function(Operators.Divide, CelType.Double, CallCost.One, static x => (double)x[0] / (double)x[1], CelType.Double, CelType.Double);
        to.Function(Operators.Negate, CelType.Double, CallCost.One, static x => -(double)x[0], CelType.Double);
    }

    private static void Times(FunctionLibrary to)
    {
        to.Function(Operators.Add, CelType.Timestamp, CallCost.One, static x => Moved(x[0], x[1], 1), CelType.Timestamp, CelType.Duration);
        to.Function(Operators.Add, CelType.Timestamp, CallCost.One, static x => Moved(x[1], x[0], 1), CelType.Duration, CelType.Timestamp);
        to.Function(Operators.Subtract, CelType.Timestamp, CallCost.One, static x => Moved(x[0], x[1], -1), CelType.Timestamp, CelType.Duration);
        to.Function(Operators.Subtract, CelType.Duration, CallCost.One, static x => Span(((CelTimestamp)x[0]).Since((CelTimestamp)x[1])), CelType.Timestamp, CelType.Timestamp);
        to.Function(Operators.Add, CelType.Duration, CallCost.One, static x => Span((Int128)((CelDuration)x[0]).Nanoseconds + ((CelDuration)x[1]).Nanoseconds), CelType.Duration, CelType.Duration);
        to.Function(Operators.Subtract, CelType.Duration, CallCost.One, static x => Span((Int128)((CelDuration)x[0]).Nanoseconds - ((CelDuration)x[1]).Nanoseconds), CelType.Duration, CelType.Duration);
    }

    private static object Moved(object time, object by, int direction) => (object?)((CelTimestamp)time).Add((Int128)((CelDuration)by).Nanoseconds * direction) ?? _time;

    private static object Span(Int128 nanoseconds) => nanoseconds >= long.MinValue && nanoseconds <= long.MaxValue ? new CelDuration((long)nanoseconds) : _span;
}
