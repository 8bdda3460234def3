using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Portolan.Lab.ApiServer.Schema;

/// <summary>
/// Reads a body as a built-in type, as a real server's strict JSON decoder does: wrong types are a failure that names the Go type and field,
/// unknown fields are problems with their full path and are taken out of the body.
/// </summary>
internal sealed class TypedDecoder
{
    private readonly List<string> _problems = [];

    // The field names from the root to here, without list indices and map keys: that is how Go's decoder names a field.
    private readonly List<string> _goPath = [];
    private string _goType = "";
    private string? _failure;

    private TypedDecoder()
    {
    }

    /// <param name="root">The field the body is the value of, when it is only part of an object.</param>
    public static DecodeOutcome Decode(JsonObject body, TypeDefinition type, string root = "")
    {
        var decoder = new TypedDecoder();
        if (root.Length > 0)
            decoder._goPath.Add(root);
        decoder.Struct(body, type, root);
        return new DecodeOutcome(decoder._failure, decoder._problems);
    }

    private void Struct(JsonObject body, TypeDefinition type, string path)
    {
        foreach (var (name, value) in body.ToArray())
        {
            var field = type.Find(name);
            if (field is null)
            {
                if (type.IsObject && name is "apiVersion" or "kind")
                {
                    if (value is null)
                        body.Remove(name);
                    else if (Scalars.AsString(value) is null)
                        Mismatch(value, "string", "TypeMeta", name);
                    continue;
                }

                _problems.Add($"unknown field \"{Join(path, name)}\"");
                body.Remove(name);
                continue;
            }

            if (value is null)
            {
                body.Remove(name);
                continue;
            }

            var outer = _goType;
            _goType = type.Name;
            _goPath.Add(name);
            var read = Field(value, field.Type, Join(path, name));
            if (IsOmitted(read, field))
                body.Remove(name);
            else if (!ReferenceEquals(read, value))
                body[name] = read;
            _goPath.RemoveAt(_goPath.Count - 1);
            _goType = outer;
        }
    }

    /// <summary>
    /// Whether the value is what the field is anyway when not written: a server's typed form does not tell the two apart, so neither may what is stored.
    /// Definitions of custom kinds are kept to the letter: an empty map there can mean something.
    /// </summary>
    private static bool IsOmitted(JsonNode value, FieldDefinition field)
    {
        if (field.Required || field.Type.KeepsZero || field.Numbers.Count == 0)
            return false;
        return value switch
        {
            // An empty list of managed fields says: forget them.
            JsonArray list => list.Count == 0 && field.Name != "managedFields",
            JsonObject body => body.Count == 0 && field.Type.Shape == ValueShape.Map,
            _ => field.Type.Kind switch
            {
                ValueKind.String or ValueKind.Bytes => Scalars.AsString(value) is "",
                ValueKind.Boolean => Scalars.AsBoolean(value) is false,
                ValueKind.Int32 or ValueKind.Int64 or ValueKind.IntOrString => Scalars.AsInteger(value) is 0,
                _ => false,
            },
        };
    }

    private JsonNode Field(JsonNode value, FieldType type, string path)
    {
        switch (type.Shape)
        {
            case ValueShape.List:
                if (value is not JsonArray list)
                    return Mismatch(value, type.FullName);
                for (var i = 0; i < list.Count; i++)
                    Replace(list[i], Element(list[i], type, string.Create(CultureInfo.InvariantCulture, $"{path}[{i}]")), i, static (to, index, read) => to[index] = read, list);
                return list;
            case ValueShape.Map:
                if (value is not JsonObject map)
                    return Mismatch(value, type.FullName);
                foreach (var (key, entry) in map.ToArray())
                    Replace(entry, Element(entry, type, Join(path, key)), key, static (to, name, read) => to[name] = read, map);
                return map;
            default:
                return Element(value, type, path);
        }
    }

    private static void Replace<TContainer, TKey>(JsonNode? before, JsonNode after, TKey key, Action<TContainer, TKey, JsonNode> set, TContainer container)
    {
        if (!ReferenceEquals(before, after))
            set(container, key, after);
    }

    /// <returns>The node itself when it is in form, or what stands in its place.</returns>
    private JsonNode Element(JsonNode? value, FieldType type, string path)
    {
        // A null inside a list or map is the type's zero value.
        if (value is null)
            return Zero(type.Kind);
        switch (type.Kind)
        {
            case ValueKind.String:
                return Scalars.AsString(value) is not null ? value : Mismatch(value, type.Name);
            case ValueKind.Boolean:
                return Scalars.AsBoolean(value) is not null ? value : Mismatch(value, type.Name);
            case ValueKind.Int32:
                return Scalars.AsInteger(value) is >= int.MinValue and <= int.MaxValue ? value : Mismatch(value, type.Name);
            case ValueKind.Int64:
                return Scalars.AsInteger(value) is not null ? value : Mismatch(value, type.Name);
            case ValueKind.Double:
                return Scalars.AsDouble(value) is not null ? value : Mismatch(value, type.Name);
            case ValueKind.Bytes:
                return Bytes(value, type);
            case ValueKind.Quantity:
                return ReadQuantity(value);
            case ValueKind.IntOrString:
                if (Scalars.AsString(value) is null && Scalars.AsInteger(value) is not (>= int.MinValue and <= int.MaxValue))
                    Fail($"json: cannot unmarshal {Describe(value)} into Go value of type int32");
                return value;
            case ValueKind.Time or ValueKind.MicroTime:
                return ReadTime(value, type.Kind);
            case ValueKind.Strings:
                if (value is not JsonArray strings)
                    return Mismatch(value, type.Name);
                foreach (var item in strings)
                {
                    if (item is not null && Scalars.AsString(item) is null)
                        Mismatch(item, "string");
                }

                return strings;
            case ValueKind.Raw:
                return value is JsonObject ? value : Mismatch(value, type.Name);
            case ValueKind.Object:
                if (value is not JsonObject body)
                    return Mismatch(value, type.Name);
                Struct(body, type.Object, path);
                return body;
            case ValueKind.SchemaOrBool or ValueKind.SchemaOrArray or ValueKind.SchemaOrStrings:
                return SchemaUnion(value, type, path);
            default:
                return value;
        }
    }

    private JsonNode SchemaUnion(JsonNode value, FieldType type, string path)
    {
        switch (value)
        {
            case JsonObject body:
                Struct(body, type.Object, path);
                break;
            case JsonArray list when type.Kind == ValueKind.SchemaOrArray:
                for (var i = 0; i < list.Count; i++)
                {
                    if (list[i] is JsonObject item)
                        Struct(item, type.Object, string.Create(CultureInfo.InvariantCulture, $"{path}[{i}]"));
                    else
                        Mismatch(list[i], "v1.JSONSchemaProps");
                }

                break;
            case JsonArray when type.Kind == ValueKind.SchemaOrStrings:
            case JsonValue when type.Kind == ValueKind.SchemaOrBool && Scalars.AsBoolean(value) is not null:
                break;
            default:
                Fail(type.Kind switch
                {
                    ValueKind.SchemaOrBool => "boolean or JSON schema expected",
                    ValueKind.SchemaOrArray => "JSON schema or list of JSON schemas expected",
                    _ => "JSON schema or list of strings expected",
                });
                break;
        }

        return value;
    }

    private JsonNode Bytes(JsonNode value, FieldType type)
    {
        if (Scalars.AsString(value) is not { } text)
            return Mismatch(value, type.Name);
        var buffer = new byte[text.Length];
        if (!Convert.TryFromBase64String(text, buffer, out _))
            Fail($"illegal base64 data at input byte {FirstBadBase64(text)}");
        return value;
    }

    private static int FirstBadBase64(string text)
    {
        for (var i = 0; i < text.Length; i++)
        {
            if (!char.IsAsciiLetterOrDigit(text[i]) && text[i] is not ('+' or '/' or '=' or '\n' or '\r'))
                return i;
        }

        return text.Length / 4 * 4;
    }

    private JsonNode ReadQuantity(JsonNode value)
    {
        var text = value.GetValueKind() == JsonValueKind.Number ? value.ToJsonString() : Scalars.AsString(value);
        if (text is not null && Quantity.TryParse(text, out _, out var canonical))
            return canonical == Scalars.AsString(value) ? value : JsonValue.Create(canonical);
        Fail(Quantity.Rule);
        return value;
    }

    private JsonNode ReadTime(JsonNode value, ValueKind kind)
    {
        if (Scalars.AsString(value) is not { } text)
        {
            Fail($"json: cannot unmarshal {Describe(value)} into Go value of type string");
            return value;
        }

        if (!Timestamps.TryParse(text, out var instant))
        {
            var layout = kind == ValueKind.Time ? "2006-01-02T15:04:05Z07:00" : "2006-01-02T15:04:05.000000Z07:00";
            Fail($"parsing time \"{text}\" as \"{layout}\": cannot parse \"{text}\" as \"2006\"");
            return value;
        }

        var canonical = kind == ValueKind.Time ? Timestamps.Format(instant) : Timestamps.FormatMicro(instant);
        return canonical == text ? value : JsonValue.Create(canonical);
    }

    private static JsonNode Zero(ValueKind kind) => kind switch
    {
        ValueKind.String or ValueKind.Bytes => JsonValue.Create(""),
        ValueKind.Boolean => JsonValue.Create(false),
        ValueKind.Int32 or ValueKind.Int64 or ValueKind.Double or ValueKind.IntOrString => JsonValue.Create(0),
        ValueKind.Quantity => JsonValue.Create("0"),
        ValueKind.Strings => new JsonArray(),
        _ => new JsonObject(),
    };

    private JsonNode Mismatch(JsonNode? value, string expected)
    {
        Fail($"json: cannot unmarshal {Describe(value)} into Go struct field {_goType}.{string.Join('.', _goPath)} of type {expected}");
        return value ?? new JsonObject();
    }

    private void Mismatch(JsonNode value, string expected, string goType, string name)
    {
        var path = _goPath.Count == 0 ? name : $"{string.Join('.', _goPath)}.{name}";
        Fail($"json: cannot unmarshal {Describe(value)} into Go struct field {goType}.{path} of type {expected}");
    }

    // Go names the number only where a number was wanted and this one does not fit.
    private static string Describe(JsonNode? value)
    {
        var name = Scalars.GoName(value);
        return name == "number" && Scalars.AsInteger(value) is not (>= int.MinValue and <= int.MaxValue) ? $"number {value!.ToJsonString()}" : name;
    }

    // The decoder keeps the first failure and goes on.
    private void Fail(string message) => _failure ??= message;

    private static string Join(string path, string name) => path.Length == 0 ? name : $"{path}.{name}";
}
