using Portolan.Lab.ApiServer.Cel.Estimation;
using Portolan.Lab.ApiServer.Cel.Types;
using Portolan.Lab.ApiServer.Cel.Values;

namespace Portolan.Lab.ApiServer.Cel.Library;

/// <summary>Kubernetes' list library.</summary>
internal static class ListFunctions
{
    public static void AddTo(FunctionLibrary to)
    {
        foreach (var item in (CelType[])[CelType.Int, CelType.Uint, CelType.Double, CelType.Bool, CelType.String, CelType.Bytes, CelType.Timestamp, CelType.Duration])
        {
            var list = CelType.List(item);
            to.Member("isSorted", CelType.Bool, CallCost.ScanList, static x => IsSorted((CelList)x[0]), list);
            to.Member("min", item, CallCost.ScanList, static x => Extreme((CelList)x[0], -1, "min"), list);
            to.Member("max", item, CallCost.ScanList, static x => Extreme((CelList)x[0], 1, "max"), list);
        }

        Sum(to, CelType.Int, 0L);
        Sum(to, CelType.Uint, 0UL);
        Sum(to, CelType.Double, 0.0);
        Sum(to, CelType.Duration, new CelDuration(0));
        var any = CelType.Parameter("A");
        to.Member("indexOf", CelType.Int, CallCost.ScanList, static x => (long)CelList.Items((CelList)x[0]).ToList().FindIndex(item => Equality.Same(item, x[1])), CelType.List(any), any);
        to.Member("lastIndexOf", CelType.Int, CallCost.ScanList, static x => (long)CelList.Items((CelList)x[0]).ToList().FindLastIndex(item => Equality.Same(item, x[1])), CelType.List(any), any);
    }

    private static void Sum(FunctionLibrary to, CelType item, object zero)
    {
        var add = Adding(item);
        to.Member("sum", item, CallCost.ScanList, x => Sum((CelList)x[0], zero, add), CelType.List(item));
    }

    private static Func<object, object, object> Adding(CelType item) => item.Kind switch
    {
        CelKind.Int => static (a, b) => (Int128)(long)a + (long)b is var sum && sum >= long.MinValue && sum <= long.MaxValue ? (long)sum : new CelError("integer overflow"),
        CelKind.Uint => static (a, b) => (UInt128)(ulong)a + (ulong)b is var sum && sum <= ulong.MaxValue ? (ulong)sum : new CelError("unsigned integer overflow"),
        CelKind.Double => static (a, b) => (double)a + (double)b,
        _ => static (a, b) => (Int128)((CelDuration)a).Nanoseconds + ((CelDuration)b).Nanoseconds is var sum && sum >= long.MinValue && sum <= long.MaxValue ? new CelDuration((long)sum) : new CelError("duration overflow"),
    };

    private static object Sum(CelList list, object zero, Func<object, object, object> add)
    {
        var sum = zero;
        foreach (var item in CelList.Items(list))
        {
            if (item.GetType() != zero.GetType())
                return CelError.NoSuchOverload;
            sum = add(sum, item);
            if (sum is CelError)
                return sum;
        }

        return sum;
    }

    private static object IsSorted(CelList list)
    {
        for (var i = 1; i < list.Count; i++)
        {
            if (Equality.Compare(list[i - 1], list[i]) is not { } order)
                return CelError.NoSuchOverload;
            if (order > 0)
                return false;
        }

        return true;
    }

    private static object Extreme(CelList list, int direction, string name)
    {
        if (list.Count == 0)
            return new CelError($"{name} called on empty list");
        var best = list[0];
        for (var i = 1; i < list.Count; i++)
        {
            if (Equality.Compare(list[i], best) is not { } order)
                return CelError.NoSuchOverload;
            if (Math.Sign(order) == direction)
                best = list[i];
        }

        return best;
    }
}
