namespace Portolan.Lab.ApiServer.Schema.Custom;

/// <summary>The structure of custom kinds, from their schemas. Below a schema that preserves unknown fields, what it does not name is deduced from the value.</summary>
internal static class CustomStructure
{
    public static ValueStructure OfRoot(StructuralSchema schema) => OfObject(schema, schema.PreserveUnknown, isRoot: true);

    private static ValueStructure Of(StructuralSchema schema, bool preserving)
    {
        preserving |= schema.PreserveUnknown;
        return schema.Type switch
        {
            "object" => OfObject(schema, preserving, isRoot: false),
            "array" => ValueStructure.ListOf(() => schema.Items is { } items ? Of(items, preserving) : ValueStructure.Deduced, schema.List, schema.ListKeys),
            "" when !schema.IntOrString => OfObject(schema, preserving, isRoot: false),
            _ => ValueStructure.Leaf,
        };
    }

    private static ValueStructure OfObject(StructuralSchema schema, bool preserving, bool isRoot)
    {
        Func<ValueStructure>? values = schema.Values is { } of ? () => Of(of, preserving)
            : schema.AnyValues || preserving || schema.Properties.Count == 0 ? static () => ValueStructure.Deduced
            : null;
        return ValueStructure.Object(() => Fields(schema, preserving, isRoot || schema.Embedded), values, schema.AtomicMap);
    }

    private static Dictionary<string, FieldStructure> Fields(StructuralSchema schema, bool preserving, bool isObject)
    {
        var fields = schema.Properties.ToDictionary(p => p.Key, p => new FieldStructure(Of(p.Value, preserving), Default: p.Value.Default), StringComparer.Ordinal);
        if (!isObject) return fields;
        fields["apiVersion"] = fields["kind"] = new(ValueStructure.Leaf);
        fields["metadata"] = new(TypedStructure.Of(TypeLibrary.Instance.Get("meta/v1.ObjectMeta")));
        return fields;
    }
}
