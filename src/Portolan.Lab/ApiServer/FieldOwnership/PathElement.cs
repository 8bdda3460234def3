using System.Buffers;
using System.Collections.Concurrent;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.ApiServer.FieldOwnership;

/// <summary>
/// The steps of a field path in their wire form: <c>f:name</c> a field, <c>k:{"name":"a"}</c> the item of a list with these keys,
/// <c>v:"a"</c> the item of a set, <c>i:0</c> the item of a list by position.
/// </summary>
internal static class PathElement
{
    public const string FieldPrefix = "f:";
    private const int MaxNames = 4096;

    // Nothing of these is ever escaped.
    private static readonly SearchValues<char> Plain = SearchValues.Create("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-._/:");

    // Field names repeat in every object; map keys that do not are not kept beyond this many.
    private static readonly ConcurrentDictionary<string, string> Fields = new(StringComparer.Ordinal);

    public static string Field(string name)
    {
        if (Fields.TryGetValue(name, out var element)) return element;
        element = FieldPrefix + name;
        if (Fields.Count < MaxNames) Fields[name] = element;
        return element;
    }

    public static bool IsField(string element) => element.StartsWith(FieldPrefix, StringComparison.Ordinal);

    public static string FieldName(string element) => element[FieldPrefix.Length..];

    /// <summary>The element of an item in a list whose items are told apart.</summary>
    /// <exception cref="FormatException">The item cannot be told apart from others; the message says why.</exception>
    public static string OfItem(JsonNode? item, ValueStructure list)
    {
        if (list.List == ListKind.Set)
        {
            return item switch
            {
                JsonObject => throw new FormatException("associative list without keys has an element that's a map type"),
                JsonArray => throw new FormatException("not supported: associative list with lists as elements"),
                null => throw new FormatException("associative list without keys has an element that's an explicit null"),
                _ => "v:" + Scalar(item),
            };
        }

        if (item is null) throw new FormatException("associative list with keys may not have a null element");
        if (item is not JsonObject body) throw new FormatException("associative list with keys may not have non-map elements");
        var text = new StringBuilder("k:{");
        foreach (var key in list.Keys)
        {
            if (!body.TryGetPropertyValue(key, out var value) && (value = list.Items?.Field(key)?.Default) is null) continue;
            if (text.Length > 3) text.Append(',');
            text.Append(Text(key)).Append(':').Append(Scalar(value));
        }

        if (text.Length == 3)
        {
            var keys = string.Join(' ', list.Keys.Select(k => $"\"{k}\""));
            throw new FormatException($"associative list with keys has an element that omits all key fields [{keys}] (and doesn't have default values for any key fields)");
        }

        return text.Append('}').ToString();
    }

    /// <summary>An element as clients may write it, as we do.</summary>
    /// <exception cref="FormatException">It is no path element.</exception>
    public static string Canonical(string element)
    {
        if (element.Length < 2 || element[1] != ':') throw new FormatException($"fieldsV1: \"{element}\" is not a path element");
        var rest = element[2..];
        try
        {
            switch (element[0])
            {
                case 'f':
                    return Field(rest);
                case 'v':
                    return "v:" + Scalar(JsonNode.Parse(rest, documentOptions: StoredJson.Document));
                case 'k':
                    var keys = JsonNode.Parse(rest, documentOptions: StoredJson.Document) as JsonObject ?? throw new FormatException($"fieldsV1: \"{element}\" names no keys");
                    return "k:{" + string.Join(',', keys.OrderBy(k => k.Key, StringComparer.Ordinal).Select(k => $"{Text(k.Key)}:{Scalar(k.Value)}")) + "}";
                case 'i' when int.TryParse(rest, NumberStyles.None, CultureInfo.InvariantCulture, out var index):
                    return string.Create(CultureInfo.InvariantCulture, $"i:{index}");
                default:
                    throw new FormatException($"fieldsV1: \"{element}\" is not a path element");
            }
        }
        catch (JsonException e)
        {
            throw new FormatException($"fieldsV1: \"{element}\": {e.Message}", e);
        }
    }

    /// <summary>A path as users read it: <c>.spec.ports[port=80,protocol="TCP"].targetPort</c>.</summary>
    public static string Display(IEnumerable<string> path)
    {
        var text = new StringBuilder();
        foreach (var element in path)
        {
            var rest = element[2..];
            switch (element[0])
            {
                case 'f':
                    text.Append('.').Append(rest);
                    break;
                case 'k':
                    var keys = ((JsonObject)JsonNode.Parse(rest, documentOptions: StoredJson.Document)!).Select(k => $"{k.Key}={Scalar(k.Value)}");
                    text.Append('[').AppendJoin(',', keys).Append(']');
                    break;
                case 'v':
                    text.Append("[=").Append(rest).Append(']');
                    break;
                default:
                    text.Append('[').Append(rest).Append(']');
                    break;
            }
        }

        return text.ToString();
    }

    private static string Scalar(JsonNode? value)
    {
        if (value is null) return "null";
        if (Scalars.AsString(value) is { } text) return Text(text);
        if (Scalars.AsInteger(value) is { } whole) return whole.ToString(CultureInfo.InvariantCulture);
        return value.ToJsonString();
    }

    private static string Text(string text)
    {
        if (!text.AsSpan().ContainsAnyExcept(Plain)) return $"\"{text}\"";
        var buffer = new ArrayBufferWriter<byte>(text.Length + 2);
        using (var writer = new Utf8JsonWriter(buffer, ObjectWriter.Options)) writer.WriteStringValue(text);
        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }
}
