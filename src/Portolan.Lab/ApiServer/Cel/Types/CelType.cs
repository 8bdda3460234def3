namespace Portolan.Lab.ApiServer.Cel.Types;

internal enum CelKind
{
    Dyn,
    Null,
    Bool,
    Int,
    Uint,
    Double,
    String,
    Bytes,
    Timestamp,
    Duration,
    List,
    Map,
    Object,
    Optional,
    Opaque,
    Type,

    /// <summary>Stands for a type in a function's declaration, or one that is not known yet.</summary>
    Parameter,
}

/// <summary>A type of the language; also a value of it, which <c>type(x)</c> gives. Equal when all that is said of them is.</summary>
internal sealed class CelType : IEquatable<CelType>
{
    private readonly IReadOnlyDictionary<string, CelType>? _fields;

    private CelType(CelKind kind, string name, IReadOnlyList<CelType> parameters, IReadOnlyDictionary<string, CelType>? fields = null) =>
        (Kind, Name, Parameters, _fields) = (kind, name, parameters, fields);

    public static CelType Dyn { get; } = new(CelKind.Dyn, "dyn", []);
    public static CelType Null { get; } = new(CelKind.Null, "null_type", []);
    public static CelType Bool { get; } = new(CelKind.Bool, "bool", []);
    public static CelType Int { get; } = new(CelKind.Int, "int", []);
    public static CelType Uint { get; } = new(CelKind.Uint, "uint", []);
    public static CelType Double { get; } = new(CelKind.Double, "double", []);
    public static CelType String { get; } = new(CelKind.String, "string", []);
    public static CelType Bytes { get; } = new(CelKind.Bytes, "bytes", []);
    public static CelType Timestamp { get; } = new(CelKind.Timestamp, "google.protobuf.Timestamp", []);
    public static CelType Duration { get; } = new(CelKind.Duration, "google.protobuf.Duration", []);
    public static CelType AnyList { get; } = List(Dyn);
    public static CelType AnyMap { get; } = Map(Dyn, Dyn);

    public CelKind Kind { get; }

    /// <summary>As <c>type(x)</c> has it: <c>list</c>, <c>google.protobuf.Timestamp</c>.</summary>
    public string Name { get; }

    public IReadOnlyList<CelType> Parameters { get; }

    public static CelType List(CelType element) => new(CelKind.List, "list", [element]);

    public static CelType Map(CelType key, CelType value) => new(CelKind.Map, "map", [key, value]);

    public static CelType Optional(CelType value) => new(CelKind.Optional, "optional_type", [value]);

    public static CelType TypeOf(CelType type) => new(CelKind.Type, "type", [type]);

    /// <summary>A type of a library that only its functions look into.</summary>
    public static CelType Opaque(string name) => new(CelKind.Opaque, name, []);

    public static CelType Parameter(string name) => new(CelKind.Parameter, name, []);

    public static CelType Object(string name, IReadOnlyDictionary<string, CelType> fields) => new(CelKind.Object, name, [], fields);

    /// <returns>Null when an object has no such field.</returns>
    public CelType? Field(string name) => _fields?.GetValueOrDefault(name);

    /// <summary>Whether its values have no size of their own, and count as one.</summary>
    public bool IsScalar => Kind is CelKind.Bool or CelKind.Int or CelKind.Uint or CelKind.Double or CelKind.Timestamp or CelKind.Duration or CelKind.Null or CelKind.Type or CelKind.Opaque
        || (Kind == CelKind.Optional && Parameters[0].IsScalar);

    public bool Equals(CelType? other) =>
        other is not null && (ReferenceEquals(this, other) || (Kind == other.Kind && Name == other.Name && Parameters.SequenceEqual(other.Parameters)));

    public override bool Equals(object? obj) => Equals(obj as CelType);

    public override int GetHashCode() => HashCode.Combine(Kind, Name);

    /// <summary>As in messages: <c>list(int)</c>.</summary>
    public override string ToString() => Parameters.Count == 0
        ? Kind switch
        {
            CelKind.Null => "null",
            CelKind.Timestamp => "timestamp",
            CelKind.Duration => "duration",
            _ => Name,
        }
        : $"{Name}({string.Join(", ", Parameters)})";
}
