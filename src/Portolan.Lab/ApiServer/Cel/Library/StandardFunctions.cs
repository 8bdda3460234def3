using Portolan.Lab.ApiServer.Cel.Estimation;
using Portolan.Lab.ApiServer.Cel.Syntax;
using Portolan.Lab.ApiServer.Cel.Types;
using Portolan.Lab.ApiServer.Cel.Values;

namespace Portolan.Lab.ApiServer.Cel.Library;

/// <summary>Logic, membership, indexing and sizes. What decides early is evaluated by the evaluator and declared here.</summary>
internal static class StandardFunctions
{
    private static readonly CelType _a = CelType.Parameter("A");
    private static readonly CelType _b = CelType.Parameter("B");
    private static readonly CelType _list = CelType.List(_a);
    private static readonly CelType _map = CelType.Map(_a, _b);

    public static void AddTo(FunctionLibrary to)
    {
        to.Function(Operators.And, CelType.Bool, CallCost.Nothing, Unevaluated, CelType.Bool, CelType.Bool);
        to.Function(Operators.Or, CelType.Bool, CallCost.Nothing, Unevaluated, CelType.Bool, CelType.Bool);
        to.Function(Operators.Conditional, _a, CallCost.Nothing, Unevaluated, CelType.Bool, _a, _a);
        to.Function(Operators.NotStrictlyFalse, CelType.Bool, CallCost.One, Unevaluated, CelType.Bool);
        to.Function(Operators.Not, CelType.Bool, CallCost.One, static x => !(bool)x[0], CelType.Bool);
        to.Function(Operators.In, CelType.Bool, CallCost.InList, static x => CelList.Items((CelList)x[1]).Any(item => Equality.Same(item, x[0])), _a, _list);
        to.Function(Operators.In, CelType.Bool, CallCost.One, static x => ((CelMap)x[1]).Find(x[0]) is not null, _a, _map);
        to.Function(Operators.Index, _a, CallCost.One, static x => Item((CelList)x[0], (long)x[1]), _list, CelType.Int);
        to.Function(Operators.Index, _b, CallCost.One, static x => ((CelMap)x[0]).Find(x[1]) ?? CelError.NoSuchKey(x[1]), _map, _a);
        to.Function(Operators.MapInsert, _map, CallCost.One, static x => Insert((HashMap)x[0], x[1], x[2]), _map, _a, _b);
        to.Function(Operators.MapInsert, _map, CallCost.One, static x => InsertAll((HashMap)x[0], (CelMap)x[1]), _map, _map);
        to.Function("type", CelType.TypeOf(_a), CallCost.One, static x => TypeOfValue.Dynamic(x[0]), _a);
        to.Function("dyn", CelType.Dyn, CallCost.One, static x => x[0], _a);
        foreach (var type in (CelType[])[CelType.String, CelType.Bytes, _list, _map])
        {
            to.Function("size", CelType.Int, CallCost.One, Size, type);
            to.Member("size", CelType.Int, CallCost.One, Size, type);
        }
    }

    private static object Size(object[] x) => x[0] switch
    {
        string text => (long)TextSize.Of(text),
        CelBytes bytes => (long)bytes.Count,
        CelList list => (long)list.Count,
        CelMap map => (long)map.Count,
        _ => CelError.NoSuchOverload,
    };

    private static object Item(CelList list, long index) => index >= 0 && index < list.Count ? list[(int)index] : new CelError($"index out of bounds: {index}");

    private static object Insert(HashMap map, object key, object value) => map.TryAdd(key, value) ? map : new CelError($"insert failed: key {TextOf.Value(key)} already exists");

    private static object InsertAll(HashMap map, CelMap entries)
    {
        foreach (var key in entries.Keys)
        {
            if (Insert(map, key, entries.Find(key)!) is CelError error)
                return error;
        }

        return map;
    }

    private static object Unevaluated(object[] x) => CelError.NoSuchOverload;
}
