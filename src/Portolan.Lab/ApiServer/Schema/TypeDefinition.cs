namespace Portolan.Lab.ApiServer.Schema;

/// <summary>What one JSON value may be.</summary>
internal enum ValueKind
{
    String,
    Int32,
    Int64,
    Boolean,
    Double,
    Bytes,
    Quantity,
    IntOrString,
    Time,
    MicroTime,

    /// <summary>A list of strings that protobuf wraps in a message of its own.</summary>
    Strings,

    /// <summary>Any JSON object, kept as it is.</summary>
    Raw,

    /// <summary>Any JSON value, kept as it is.</summary>
    Any,

    /// <summary>A type of the library.</summary>
    Object,

    SchemaOrBool,
    SchemaOrArray,
    SchemaOrStrings,
}

internal enum ValueShape
{
    Single,
    List,
    Map,
}

/// <summary>How two writers' lists come together (x-kubernetes-list-type).</summary>
internal enum ListKind
{
    Atomic,
    Set,
    Map,
}

/// <summary>What a strategic merge patch does with a field; lists without <see cref="Merge"/> are replaced.</summary>
[Flags]
internal enum PatchStrategy
{
    None = 0,
    Merge = 1,
    Replace = 2,
    RetainKeys = 4,
}

/// <summary>A value's type: scalar or object, alone, in a list, or in a map with string keys.</summary>
/// <param name="name">What a type error calls the element: <c>int32</c>, <c>v1.ServicePort</c>.</param>
internal sealed class FieldType(ValueShape shape, ValueKind kind, string name)
{
    private string? _reference;
    private TypeDefinition? _object;

    public ValueShape Shape => shape;
    public ValueKind Kind => kind;
    public string Name => name;

    /// <summary>A scalar whose zero value ("", 0, false) is something its author said, not the same as saying nothing.</summary>
    public bool KeepsZero { get; init; }

    /// <summary>The element's type when <see cref="Kind"/> is an object.</summary>
    public TypeDefinition Object => _object ?? throw new InvalidOperationException($"{Name} has no fields.");

    public bool HasObject => _object is not null;

    /// <summary>The whole type as Go writes it.</summary>
    public string FullName => Shape switch
    {
        ValueShape.List => "[]" + Name,
        ValueShape.Map => "map[string]" + Name,
        _ => Name,
    };

    internal static FieldType ToObject(ValueShape shape, ValueKind kind, string name, string reference) => new(shape, kind, name) { _reference = reference };

    internal void Resolve(Func<string, TypeDefinition> find)
    {
        if (_reference is not null)
            _object = find(_reference);
    }
}

/// <summary>One field of a built-in type.</summary>
/// <param name="numbers">The protobuf field number, after those of the embedded messages it lies in; empty when the type has no protobuf form.</param>
internal sealed class FieldDefinition(
    string name, FieldType type, bool required, IReadOnlyList<int> numbers, ListKind list, IReadOnlyList<string> listKeys, PatchStrategy patch, string? mergeKey)
{
    public string Name => name;
    public FieldType Type => type;
    public bool Required => required;
    public IReadOnlyList<int> Numbers => numbers;
    public ListKind List => list;

    /// <summary>The fields that tell the elements of a <see cref="ListKind.Map"/> apart.</summary>
    public IReadOnlyList<string> ListKeys => listKeys;

    public PatchStrategy Patch => patch;

    /// <summary>The one field by which a strategic merge patch finds an element; null for lists of scalars.</summary>
    public string? MergeKey => mergeKey;
}

/// <summary>A built-in type: its fields by JSON name.</summary>
/// <param name="package">The API package: <c>core/v1</c>, <c>meta/v1</c>.</param>
/// <param name="isObject">It carries apiVersion and kind.</param>
internal sealed class TypeDefinition(string package, string name, bool isObject, IReadOnlyList<FieldDefinition> fields)
{
    private readonly Dictionary<string, FieldDefinition> _byName = fields.ToDictionary(field => field.Name, StringComparer.Ordinal);

    public string Package => package;
    public string Name => name;
    public bool IsObject => isObject;
    public IReadOnlyList<FieldDefinition> Fields => fields;

    /// <summary>The name OpenAPI documents use: <c>io.k8s.api.core.v1.ServiceSpec</c>.</summary>
    public string OpenApiName => OpenApiPackage(Package) + "." + Name;

    public FieldDefinition? Find(string name) => _byName.GetValueOrDefault(name);

    private static string OpenApiPackage(string package)
    {
        var dotted = package.Replace('/', '.');
        return package switch
        {
            "meta/v1" => "io.k8s.apimachinery.pkg.apis." + dotted,
            "apiextensions/v1" => "io.k8s.apiextensions-apiserver.pkg.apis." + dotted,
            _ => "io.k8s.api." + dotted,
        };
    }
}
