using Portolan.Lab.ApiServer.Cel.Estimation;
using Portolan.Lab.ApiServer.Cel.Types;
using Portolan.Lab.ApiServer.Cel.Values;

namespace Portolan.Lab.ApiServer.Cel.Library;

/// <summary>Lists as sets.</summary>
internal static class SetFunctions
{
    public static void AddTo(FunctionLibrary to)
    {
        var list = CelType.List(CelType.Parameter("A"));
        to.Function("sets.contains", CelType.Bool, CallCost.Pairs, static x => Holds((CelList)x[0], (CelList)x[1]), list, list);
        to.Function("sets.equivalent", CelType.Bool, CallCost.PairsTwice, static x => Holds((CelList)x[0], (CelList)x[1]) && Holds((CelList)x[1], (CelList)x[0]), list, list);
        to.Function("sets.intersects", CelType.Bool, CallCost.Pairs, static x => CelList.Items((CelList)x[0]).Any(item => Has((CelList)x[1], item)), list, list);
    }

    private static bool Holds(CelList all, CelList some) => CelList.Items(some).All(item => Has(all, item));

    private static bool Has(CelList list, object sought) => CelList.Items(list).Any(item => Equality.Same(item, sought));
}
