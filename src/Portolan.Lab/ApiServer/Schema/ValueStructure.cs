using System.Collections.Frozen;
using System.Text.Json.Nodes;

namespace Portolan.Lab.ApiServer.Schema;

/// <summary>A field of a <see cref="ValueStructure"/>.</summary>
/// <param name="Structure">How its value is made.</param>
/// <param name="IsAlwaysThere">A server's typed form has the field whether it was written or not, so its appearing is no change.</param>
/// <param name="Default">What the field is when it is not written and tells list items apart.</param>
internal sealed record FieldStructure(ValueStructure Structure, bool IsAlwaysThere = false, JsonNode? Default = null);

/// <summary>
/// Which parts of a value are owned one by one when several managers write it: the fields of granular objects, the items of sets and of lists with keys.
/// Everything else is one field, whatever its size. (Kubernetes: structType, mapType and listType, x-kubernetes-map-type and x-kubernetes-list-type.)
/// </summary>
internal sealed class ValueStructure
{
    /// <summary>One field whatever the value.</summary>
    public static readonly ValueStructure Leaf = new() { IsAtomic = true };

    /// <summary>Without a schema: objects field by field, lists whole.</summary>
    public static readonly ValueStructure Deduced = new() { _values = static () => Deduced! };

    private Func<IReadOnlyDictionary<string, FieldStructure>>? _fields;
    private Func<ValueStructure>? _values;
    private Func<ValueStructure>? _items;
    private FrozenDictionary<string, FieldStructure>? _known;

    /// <summary>An object is one field.</summary>
    public bool IsAtomic { get; private init; }

    /// <summary>How the items of a list are told apart.</summary>
    public ListKind List { get; private init; }

    /// <summary>The fields that do, sorted.</summary>
    public IReadOnlyList<string> Keys { get; private init; } = [];

    /// <summary>The structure of list items.</summary>
    public ValueStructure? Items => _items?.Invoke();

    /// <summary>The structure of members that are not among the named fields; null when there may be none.</summary>
    public ValueStructure? Values => _values?.Invoke();

    public IReadOnlyDictionary<string, FieldStructure> Fields => _known ??= (_fields?.Invoke() ?? FrozenDictionary<string, FieldStructure>.Empty).ToFrozenDictionary(StringComparer.Ordinal);

    /// <summary>An object. Its parts are asked for when first needed: types refer to themselves.</summary>
    public static ValueStructure Object(Func<IReadOnlyDictionary<string, FieldStructure>>? fields, Func<ValueStructure>? values, bool atomic = false) =>
        new() { _fields = fields, _values = values, IsAtomic = atomic };

    public static ValueStructure ListOf(Func<ValueStructure> items, ListKind kind, IEnumerable<string> keys) =>
        new() { _items = items, List = kind, Keys = [.. keys.Order(StringComparer.Ordinal)], IsAtomic = true };

    /// <summary>Whether a value is owned in parts; else it is one field.</summary>
    public bool IsGranular(JsonNode? value) => value switch
    {
        JsonObject => !IsAtomic,
        JsonArray => List != ListKind.Atomic,
        _ => false,
    };

    public FieldStructure? Field(string name) => Fields.GetValueOrDefault(name);

    /// <summary>The structure of a member, <see cref="Leaf"/> when nothing is known of it.</summary>
    public ValueStructure Member(string name) => Field(name)?.Structure ?? Values ?? Leaf;
}
