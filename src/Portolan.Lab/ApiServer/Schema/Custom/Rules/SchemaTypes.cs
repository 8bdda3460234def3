using Portolan.Lab.ApiServer.Cel.Types;

namespace Portolan.Lab.ApiServer.Schema.Custom.Rules;

/// <summary>What rules see of a value: the type that its schema gives it, with the bounds from which costs are estimated, as Kubernetes derives them.</summary>
internal static class SchemaTypes
{
    /// <summary>Bytes of the largest request.</summary>
    public const long MaxRequestSize = 3 * 1024 * 1024;

    private static readonly DataType _name = new() { Kind = DataKind.String, Type = CelType.String, MaxElements = MaxRequestSize - 2, MinSize = 2 };

    /// <param name="schema">Of the value.</param>
    /// <param name="isResourceRoot">Whether it is an object of its own, with apiVersion, kind and metadata.</param>
    /// <param name="name">What messages call the type.</param>
    /// <returns>Null for what no rule can look at: a value without type.</returns>
    public static DataType? Of(StructuralSchema schema, bool isResourceRoot, string name) => schema switch
    {
        { IntOrString: true } => new DataType { Kind = DataKind.IntOrString, Type = CelType.Dyn, MaxElements = MaxRequestSize - 2, MinSize = 1, Nullable = schema.Nullable },
        { Type: "array", Items: { } items } => Of(items, items.Embedded, name + "[]") is { } item ? List(schema, item) : null,
        { Type: "object", Values: { } values } => Of(values, values.Embedded, name + "{}") is { } value ? Map(schema, value) : null,
        { Type: "object" } => Object(schema, isResourceRoot, name),
        { Type: "string" } => String(schema),
        { Type: "boolean" } => new DataType { Kind = DataKind.Bool, Type = CelType.Bool, MinSize = 4, Nullable = schema.Nullable },
        { Type: "number" } => new DataType { Kind = DataKind.Double, Type = CelType.Double, MinSize = 1, Nullable = schema.Nullable },
        { Type: "integer" } => new DataType { Kind = DataKind.Int, Type = CelType.Int, MinSize = 1, Nullable = schema.Nullable },
        _ => null,
    };

    private static DataType List(StructuralSchema schema, DataType item) => new()
    {
        Kind = DataKind.List,
        Type = CelType.List(item.Type),
        Element = item,
        MaxElements = Bound(schema.MaxItems) ?? (ulong)((MaxRequestSize - 2) / (item.MinSize + 1)),
        MinSize = 2,
        Nullable = schema.Nullable,
        List = schema.List,
        ListKeys = schema.ListKeys,
    };

    // A key takes at least its quotes, the colon and the comma.
    private static DataType Map(StructuralSchema schema, DataType value) => new()
    {
        Kind = DataKind.Map,
        Type = CelType.Map(CelType.String, value.Type),
        Element = value,
        MaxElements = Bound(schema.MaxProperties) ?? (ulong)((MaxRequestSize - 2) / (value.MinSize + 6)),
        MinSize = 2,
        Nullable = schema.Nullable,
    };

    private static DataType Object(StructuralSchema schema, bool isResourceRoot, string name)
    {
        var fields = new Dictionary<string, DataField>(StringComparer.Ordinal);
        var size = 2L;
        foreach (var (property, child) in schema.Properties)
        {
            if (Of(child, child.Embedded, $"{name}.{property}") is not { } type)
                continue;
            if (Escaping.Escape(property) is { } escaped)
                fields[escaped] = new DataField(property, type);
            if (child.Default is null && schema.Required.Contains(property))
                size += property.Length + type.MinSize + 4;
        }

        if (isResourceRoot)
        {
            fields["apiVersion"] = new DataField("apiVersion", _name);
            fields["kind"] = new DataField("kind", _name);
            fields["metadata"] = new DataField("metadata", Object($"{name}.metadata", new() { ["name"] = new("name", _name), ["generateName"] = new("generateName", _name) }, 2, nullable: false));
        }

        return Object(name, fields, size, schema.Nullable);
    }

    private static DataType Object(string name, Dictionary<string, DataField> fields, long size, bool nullable) => new()
    {
        Kind = DataKind.Object,
        Type = CelType.Object(name, fields.ToDictionary(field => field.Key, field => field.Value.Type.Type)),
        Fields = fields,
        MaxElements = (ulong)fields.Count,
        MinSize = size,
        Nullable = nullable,
    };

    private static DataType String(StructuralSchema schema)
    {
        var characters = Bound(schema.MaxLength);
        return schema.Format switch
        {
            "byte" => new DataType { Kind = DataKind.Bytes, Type = CelType.Bytes, MaxElements = characters ?? MaxRequestSize - 2, MinSize = 2, Nullable = schema.Nullable },
            "duration" => new DataType { Kind = DataKind.Duration, Type = CelType.Duration, MaxElements = 32, MinSize = 3, Nullable = schema.Nullable },
            "date" => new DataType { Kind = DataKind.Date, Type = CelType.Timestamp, MaxElements = 12, MinSize = 12, Nullable = schema.Nullable },
            "date-time" => new DataType { Kind = DataKind.Timestamp, Type = CelType.Timestamp, MaxElements = 32, MinSize = 12, Nullable = schema.Nullable },
            _ => new DataType { Kind = DataKind.String, Type = CelType.String, MaxElements = Longest(schema, characters), MinSize = 2, Nullable = schema.Nullable },
        };
    }

    // A character may take four bytes.
    private static ulong Longest(StructuralSchema schema, ulong? characters) =>
        characters is { } most ? Cel.Estimation.Range.Multiply(most, 4)
        : schema.Enum is { Count: > 0 } values ? (ulong)values.Max(value => Scalars.AsString(value)?.Length ?? 0)
        : MaxRequestSize - 2;

    private static ulong? Bound(long? limit) => limit is { } number ? (ulong)Math.Max(0, number) : null;
}
