using Portolan.Lab.ApiServer.Cel.Library;
using Portolan.Lab.ApiServer.Cel.Types;

namespace Portolan.Lab.ApiServer.Cel.Values;

/// <summary>The types of values: what a literal has, what <c>type(x)</c> gives, and whether a value is of a parameter's type.</summary>
internal static class TypeOfValue
{
    private static readonly CelType _list = CelType.List(CelType.Dyn);
    private static readonly CelType _map = CelType.Map(CelType.Dyn, CelType.Dyn);
    private static readonly CelType _optional = CelType.Optional(CelType.Dyn);
    private static readonly CelType _type = CelType.TypeOf(CelType.Dyn);

    public static CelType Static(object literal) => Dynamic(literal);

    public static CelType Dynamic(object value) => value switch
    {
        bool => CelType.Bool,
        long => CelType.Int,
        ulong => CelType.Uint,
        double => CelType.Double,
        string => CelType.String,
        CelBytes => CelType.Bytes,
        CelTimestamp => CelType.Timestamp,
        CelDuration => CelType.Duration,
        CelList => _list,
        CelMap => _map,
        CelOptional => _optional,
        CelType => _type,
        ILibraryValue special => special.Type,
        _ => CelType.Null,
    };

    /// <summary>Whether an overload's parameter takes the value; what is in lists and maps is not looked at.</summary>
    public static bool Fits(object value, CelType parameter) => parameter.Kind switch
    {
        CelKind.Dyn or CelKind.Parameter => true,
        CelKind.Bool => value is bool,
        CelKind.Int => value is long,
        CelKind.Uint => value is ulong,
        CelKind.Double => value is double,
        CelKind.String => value is string,
        CelKind.Bytes => value is CelBytes,
        CelKind.Timestamp => value is CelTimestamp,
        CelKind.Duration => value is CelDuration,
        CelKind.List => value is CelList,
        CelKind.Map or CelKind.Object => value is CelMap,
        CelKind.Optional => value is CelOptional,
        CelKind.Type => value is CelType,
        CelKind.Opaque => value is ILibraryValue special && special.Type.Equals(parameter),
        _ => value is CelNull,
    };
}
