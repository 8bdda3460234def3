using Portolan.Lab.ApiServer.Cel.Estimation;
using Portolan.Lab.ApiServer.Cel.Types;

namespace Portolan.Lab.ApiServer.Cel.Library;

/// <summary>All functions by name: those of the language and those that Kubernetes adds, up to its version 1.33.</summary>
internal sealed class FunctionLibrary
{
    private readonly Dictionary<string, List<Overload>> _functions = new(StringComparer.Ordinal);

    private FunctionLibrary()
    {
        StandardFunctions.AddTo(this);
        Comparisons.AddTo(this);
        Arithmetic.AddTo(this);
        Conversions.AddTo(this);
        TimeFunctions.AddTo(this);
        StringFunctions.AddTo(this);
        ListFunctions.AddTo(this);
        RegexFunctions.AddTo(this);
        UrlFunctions.AddTo(this);
        QuantityFunctions.AddTo(this);
        AddressFunctions.AddTo(this);
        SetFunctions.AddTo(this);
        OptionalFunctions.AddTo(this);
        FormatFunctions.AddTo(this);
        VersionFunctions.AddTo(this);
    }

    public static FunctionLibrary Kubernetes { get; } = new();

    /// <summary>Types that expressions can name, as in <c>type(x) == string</c>.</summary>
    public static IReadOnlyDictionary<string, CelType> TypeNames { get; } = new[]
    {
        CelType.Bool, CelType.Int, CelType.Uint, CelType.Double, CelType.String, CelType.Bytes, CelType.Timestamp, CelType.Duration, CelType.Null,
        CelType.AnyList, CelType.AnyMap, CelType.TypeOf(CelType.Dyn), CelType.Optional(CelType.Dyn),
        UrlValue.CelType, QuantityValue.CelType, AddressValue.CelType, PrefixValue.CelType, NamedFormat.CelType, VersionValue.CelType,
    }.ToDictionary(type => type.Name);

    public IReadOnlyList<Overload> Find(string name) => _functions.TryGetValue(name, out var overloads) ? overloads : [];

    public void Function(string name, CelType result, CallCost cost, Func<object[], object> body, params CelType[] parameters) =>
        Add(new Overload(name, false, parameters, result, body, cost));

    /// <param name="parameters">The first is what the method is called on.</param>
    public void Member(string name, CelType result, CallCost cost, Func<object[], object> body, params CelType[] parameters) =>
        Add(new Overload(name, true, parameters, result, body, cost));

    private void Add(Overload overload)
    {
        if (!_functions.TryGetValue(overload.Function, out var overloads))
            _functions[overload.Function] = overloads = [];
        overloads.Add(overload);
    }
}
