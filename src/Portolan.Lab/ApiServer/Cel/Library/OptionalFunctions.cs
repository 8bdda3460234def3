using Portolan.Lab.ApiServer.Cel.Estimation;
using Portolan.Lab.ApiServer.Cel.Syntax;
using Portolan.Lab.ApiServer.Cel.Types;
using Portolan.Lab.ApiServer.Cel.Values;

namespace Portolan.Lab.ApiServer.Cel.Library;

/// <summary>Values that may not be there.</summary>
internal static class OptionalFunctions
{
    public static void AddTo(FunctionLibrary to)
    {
        var (value, key) = (CelType.Parameter("V"), CelType.Parameter("K"));
        var optional = CelType.Optional(value);
        var (list, map) = (CelType.List(value), CelType.Map(key, value));
        to.Function("optional.of", optional, CallCost.One, static x => new CelOptional(x[0]), value);
        to.Function("optional.ofNonZeroValue", optional, CallCost.One, static x => IsZero(x[0]) ? CelOptional.None : new CelOptional(x[0]), value);
        to.Function("optional.none", optional, CallCost.One, static _ => CelOptional.None);
        to.Member("hasValue", CelType.Bool, CallCost.One, static x => ((CelOptional)x[0]).HasValue, optional);
        to.Member("value", value, CallCost.One, static x => ((CelOptional)x[0]).Value ?? new CelError("optional.none() dereference"), optional);
        to.Member("or", optional, CallCost.One, static x => ((CelOptional)x[0]).HasValue ? x[0] : x[1], optional, optional);
        to.Member("orValue", value, CallCost.One, static x => ((CelOptional)x[0]).Value ?? x[1], optional, value);
        to.Function(Operators.OptionalIndex, optional, CallCost.One, Index, list, CelType.Int);
        to.Function(Operators.OptionalIndex, optional, CallCost.One, Index, map, key);
        foreach (var index in (string[])[Operators.Index, Operators.OptionalIndex])
        {
            to.Function(index, optional, CallCost.One, Index, CelType.Optional(list), CelType.Int);
            to.Function(index, optional, CallCost.One, Index, CelType.Optional(map), key);
        }
    }

    private static object Index(object[] x)
    {
        var container = x[0] is CelOptional optional ? optional.Value : x[0];
        var found = (container, x[1]) switch
        {
            (CelList list, long index) => index >= 0 && index < list.Count ? list[(int)index] : null,
            (CelMap map, _) => map.Find(x[1]),
            _ => null,
        };
        return found switch
        {
            null => CelOptional.None,
            CelError or CelOptional => found,
            _ => new CelOptional(found),
        };
    }

    private static bool IsZero(object value) => value switch
    {
        CelNull => true,
        bool flag => !flag,
        long or ulong or double => Equality.Compare(value, 0L) == 0,
        string text => text.Length == 0,
        CelBytes bytes => bytes.Count == 0,
        CelList list => list.Count == 0,
        CelMap map => map.Count == 0,
        CelDuration duration => duration.Nanoseconds == 0,
        CelTimestamp time => time == new CelTimestamp(CelTimestamp.MinSeconds, 0),
        CelOptional optional => !optional.HasValue,
        _ => false,
    };
}
