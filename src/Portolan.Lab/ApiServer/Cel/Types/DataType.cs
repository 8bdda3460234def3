using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.Cel.Types;

/// <summary>How a JSON value becomes a value of the language.</summary>
internal enum DataKind
{
    /// <summary>Whatever it is, without types.</summary>
    Any,
    Bool,
    Int,
    Double,
    String,
    Bytes,
    Date,
    Timestamp,
    Duration,
    IntOrString,
    List,
    Map,
    Object,
}

/// <summary>A member of an object: its name in JSON, which an expression may have to escape, and its type.</summary>
internal readonly record struct DataField(string JsonName, DataType Type);

/// <summary>The type of JSON data that expressions see, and how large it can be.</summary>
internal sealed class DataType
{
    private static readonly Dictionary<string, DataField> _noFields = [];

    public static DataType Any { get; } = new() { Kind = DataKind.Any, Type = CelType.Dyn };

    public required DataKind Kind { get; init; }
    public required CelType Type { get; init; }

    /// <summary>Most characters, bytes, items or entries.</summary>
    public ulong MaxElements { get; init; } = 1;

    /// <summary>Fewest bytes of JSON, from which the most that fit into a request follow.</summary>
    public long MinSize { get; init; }

    public bool Nullable { get; init; }

    /// <summary>Of a list the items, of a map the values.</summary>
    public DataType? Element { get; init; }

    /// <summary>By the name that expressions use.</summary>
    public IReadOnlyDictionary<string, DataField> Fields { get; init; } = _noFields;

    /// <summary>Sets and maps have no order, and are added as such.</summary>
    public ListKind List { get; init; } = ListKind.Atomic;

    /// <summary>The fields that identify an item of a map list, by their names in JSON.</summary>
    public IReadOnlyList<string> ListKeys { get; init; } = [];
}
