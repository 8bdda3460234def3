using System.Text.Json;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Cel.Types;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.Cel.Values;

/// <summary>JSON as values of the language, converted when looked at.</summary>
internal static class JsonValues
{
    /// <summary>A value, or an error when the JSON is not of the type.</summary>
    public static object Of(JsonNode? node, DataType type)
    {
        if (node is null)
            return type.Nullable || type.Kind == DataKind.Any ? CelNull.Value : new CelError("invalid data, got null for schema with nullable=false");
        return type.Kind switch
        {
            DataKind.Any => Untyped(node),
            DataKind.List when node is JsonArray list => new JsonList(list, type),
            DataKind.Map when node is JsonObject map => new JsonMap(map, type.Element!),
            DataKind.Object when node is JsonObject body => new JsonFields(body, type),
            DataKind.Bool => (object?)Scalars.AsBoolean(node) ?? Mismatch(node, "bool"),
            DataKind.Int => (object?)Scalars.AsInteger(node) ?? WholeDouble(node) ?? Mismatch(node, "int"),
            DataKind.Double => (object?)Scalars.AsDouble(node) ?? Mismatch(node, "double"),
            DataKind.IntOrString => (object?)Scalars.AsString(node) ?? (object?)Scalars.AsInteger(node) ?? Mismatch(node, "XIntOrString value"),
            _ => Scalars.AsString(node) is { } text ? Text(text, type.Kind) : Mismatch(node, type.Type.ToString()),
        };
    }

    private static object? WholeDouble(JsonNode node) =>
        Scalars.AsDouble(node) is { } number && Math.Floor(number) == number && Math.Abs(number) < 9.2e18 ? (long)number : null;

    private static object Text(string text, DataKind kind)
    {
        switch (kind)
        {
            case DataKind.String:
                return text;
            case DataKind.Duration:
                return (object?)CelDuration.Parse(text) ?? new CelError($"Invalid duration {text}");
            case DataKind.Date:
                return (object?)CelTimestamp.Parse(text + "T00:00:00Z") ?? new CelError($"Invalid date formatted string {text}");
            case DataKind.Timestamp:
                return (object?)CelTimestamp.Parse(text) ?? new CelError($"Invalid date-time formatted string {text}");
            case DataKind.Bytes:
                var bytes = new byte[text.Length];
                return Convert.TryFromBase64String(text, bytes, out var length) ? new CelBytes(bytes[..length]) : new CelError($"Invalid byte formatted string {text}");
            default:
                return new CelError($"invalid data, expected {kind}");
        }
    }

    private static object Untyped(JsonNode node) => node switch
    {
        JsonObject map => new JsonMap(map, DataType.Any),
        JsonArray list => new JsonList(list, DataType.Any),
        _ => node.GetValueKind() switch
        {
            JsonValueKind.String => Scalars.AsString(node)!,
            JsonValueKind.True => true,
            JsonValueKind.False => false,
            _ => (object?)Scalars.AsInteger(node) ?? Scalars.AsDouble(node) ?? double.NaN,
        },
    };

    private static CelError Mismatch(JsonNode node, string wanted) => new($"invalid data, expected {wanted}, got {Scalars.GoName(node)}");

    private sealed class JsonMap(JsonObject map, DataType values) : CelMap
    {
        public override int Count => map.Count;

        public override IEnumerable<object> Keys => map.Select(entry => entry.Key);

        public override object? Find(object key) => key is string name && map.TryGetPropertyValue(name, out var value) ? Of(value, values) : null;
    }

    /// <summary>An object as its schema declares it: what is not declared is not there.</summary>
    private sealed class JsonFields(JsonObject body, DataType type) : CelMap
    {
        public override int Count => Keys.Count();

        public override IEnumerable<object> Keys => type.Fields.Where(known => body.ContainsKey(known.Value.JsonName)).Select(known => known.Key);

        public override object? Find(object key) =>
            key is string name && type.Fields.TryGetValue(name, out var known) && body.TryGetPropertyValue(known.JsonName, out var value) ? Of(value, known.Type) : null;
    }

    private sealed class JsonList(JsonArray list, DataType type) : CelList
    {
        private readonly DataType _items = type.Element ?? DataType.Any;

        public override int Count => list.Count;

        public override object this[int index] => Of(list[index], _items);

        public override bool SameAs(CelList other)
        {
            if (type.List == ListKind.Atomic || Count != other.Count)
                return base.SameAs(other);
            var there = new Dictionary<object, object>();
            for (var i = 0; i < other.Count; i++)
                there[Identity(other[i])] = other[i];
            return Items(this).All(item => there.TryGetValue(Identity(item), out var match) && Equality.Same(item, match));
        }

        /// <summary>Sets unite; in map lists an item of the other takes the place of the one with its keys.</summary>
        public override CelList Concat(CelList other)
        {
            if (type.List == ListKind.Atomic)
                return base.Concat(other);
            var items = Items(this).ToList();
            var places = new Dictionary<object, int>();
            for (var i = 0; i < items.Count; i++)
                places[Identity(items[i])] = i;
            foreach (var item in Items(other))
            {
                var identity = Identity(item);
                if (!places.TryGetValue(identity, out var at))
                {
                    places[identity] = items.Count;
                    items.Add(item);
                }
                else if (type.List == ListKind.Map)
                {
                    items[at] = item;
                }
            }

            return new ArrayList(items);
        }

        // A text that is the same for what counts as the same item.
        private string Identity(object item) => type.List == ListKind.Map && item is CelMap map
            ? string.Join('\0', type.ListKeys.Select(key => Shown(map.Find(Escaping.Escape(key) ?? key))))
            : Shown(item);

        private static string Shown(object? item) => item switch
        {
            null => "",
            CelList items => $"[{string.Join('\0', Items(items).Select(Shown))}]",
            CelMap map => $"{{{string.Join('\0', map.Keys.Select(TextOf.Value).Order(StringComparer.Ordinal).Select(key => key + '\0' + Shown(map.Find(key))))}}}",
            CelBytes bytes => Convert.ToHexString(bytes.Span),
            _ => $"{item.GetType().Name}:{TextOf.Value(item)}",
        };
    }
}
