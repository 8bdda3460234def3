using System.Buffers.Binary;
using System.Globalization;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Portolan.Lab.ApiServer.Schema;

/// <summary>
/// Reads a request body of content type <c>application/vnd.kubernetes.protobuf</c> as the JSON it stands for: kubectl posts built-in kinds so.
/// Four bytes <c>k8s\0</c>, then an envelope: 1 the type (1 apiVersion, 2 kind), 2 the object.
/// </summary>
internal static class ProtobufDecoder
{
    // No API type nests deeper; a hostile body might.
    private const int MaxDepth = 64;

    private static ReadOnlySpan<byte> Magic => "k8s\0"u8;

    /// <param name="find">The type of an apiVersion and kind; null when there is none such.</param>
    /// <param name="problem">Why the body could not be read; null when it could.</param>
    public static JsonObject? Decode(ReadOnlySpan<byte> body, Func<string, string, TypeDefinition?> find, out string? problem)
    {
        problem = null;
        if (!body.StartsWith(Magic))
        {
            problem = "provided data does not appear to be a protobuf message, expected prefix [107 56 115 0]";
            return null;
        }

        try
        {
            return Envelope(body[Magic.Length..], find, out problem);
        }
        catch (FormatException e)
        {
            problem = e.Message;
            return null;
        }
        catch (JsonException)
        {
            problem = "an embedded object is not valid JSON";
            return null;
        }
    }

    private static JsonObject? Envelope(ReadOnlySpan<byte> body, Func<string, string, TypeDefinition?> find, out string? problem)
    {
        string apiVersion = "", kind = "";
        ReadOnlySpan<byte> raw = default;
        var reader = new ProtobufReader(body);
        while (reader.TryRead(out var field))
        {
            if (field.Number == 2)
                raw = field.Bytes;
            if (field.Number != 1)
                continue;
            var type = new ProtobufReader(field.Bytes);
            while (type.TryRead(out var part))
            {
                if (part.Number == 1)
                    apiVersion = part.Text;
                else if (part.Number == 2)
                    kind = part.Text;
            }
        }

        problem = null;
        if (find(apiVersion, kind) is not { } definition)
        {
            problem = $"no kind \"{kind}\" is registered for version \"{apiVersion}\"";
            return null;
        }

        var result = new JsonObject { ["apiVersion"] = apiVersion, ["kind"] = kind };
        Message(raw, ProtobufLayout.Of(definition), result, 0);
        return result;
    }

    private static void Message(ReadOnlySpan<byte> bytes, ProtobufLayout layout, JsonObject to, int depth)
    {
        if (depth > MaxDepth)
            throw new FormatException("nested too deeply");
        var reader = new ProtobufReader(bytes);
        while (reader.TryRead(out var wire))
        {
            if (layout.Inlined(wire.Number) is { } inner)
                Message(wire.Bytes, inner, to, depth + 1);
            else if (layout.Field(wire.Number) is { } field)
                Read(wire, field, to, depth);
        }
    }

    private static void Read(ProtobufField wire, FieldDefinition field, JsonObject to, int depth)
    {
        switch (field.Type.Shape)
        {
            case ValueShape.List:
                var list = to[field.Name] as JsonArray ?? [];
                if (list.Parent is null)
                    to[field.Name] = list;
                list.Add(Value(wire, field.Type, depth) ?? new JsonObject());
                break;
            case ValueShape.Map:
                var map = to[field.Name] as JsonObject ?? [];
                if (map.Parent is null)
                    to[field.Name] = map;
                ReadEntry(wire.Bytes, field.Type, map, depth);
                break;
            default:
                // A message that holds no value at all stands for "not set": a zero time, an empty quantity.
                if (Value(wire, field.Type, depth) is { } value)
                    to[field.Name] = value;
                break;
        }
    }

    private static void ReadEntry(ReadOnlySpan<byte> bytes, FieldType type, JsonObject map, int depth)
    {
        var key = "";
        JsonNode? value = null;
        var reader = new ProtobufReader(bytes);
        while (reader.TryRead(out var part))
        {
            if (part.Number == 1)
                key = part.Text;
            else if (part.Number == 2)
                value = Value(part, type, depth);
        }

        map[key] = value;
    }

    private static JsonNode? Value(ProtobufField wire, FieldType type, int depth)
    {
        switch (type.Kind)
        {
            case ValueKind.String:
                return JsonValue.Create(wire.Text);
            case ValueKind.Boolean:
                return JsonValue.Create(wire.Whole != 0);
            case ValueKind.Int32:
                return JsonValue.Create((int)wire.Whole);
            case ValueKind.Int64:
                return JsonValue.Create(wire.Whole);
            case ValueKind.Double:
                return JsonValue.Create(BitConverter.Int64BitsToDouble(wire.Whole));
            case ValueKind.Bytes:
                return JsonValue.Create(Convert.ToBase64String(wire.Bytes));
            case ValueKind.Quantity:
                return FirstText(wire.Bytes, 1) is { Length: > 0 } quantity ? JsonValue.Create(quantity) : null;
            case ValueKind.IntOrString:
                return ReadIntOrString(wire.Bytes);
            case ValueKind.Time:
                return ReadTime(wire.Bytes) is { } time ? JsonValue.Create(Timestamps.Format(time)) : null;
            case ValueKind.MicroTime:
                return ReadTime(wire.Bytes) is { } microTime ? JsonValue.Create(Timestamps.FormatMicro(microTime)) : null;
            case ValueKind.Strings:
                return ReadStrings(wire.Bytes);
            case ValueKind.Raw:
                return FirstText(wire.Bytes, 1) is { Length: > 0 } json ? JsonNode.Parse(json) : null;
            case ValueKind.Object:
                var body = new JsonObject();
                Message(wire.Bytes, ProtobufLayout.Of(type.Object), body, depth + 1);
                return body;
            default:
                throw new FormatException($"{type.Name} has no protobuf form");
        }
    }

    private static JsonArray ReadStrings(ReadOnlySpan<byte> bytes)
    {
        var items = new JsonArray();
        var reader = new ProtobufReader(bytes);
        while (reader.TryRead(out var part))
        {
            if (part.Number == 1)
                items.Add((JsonNode)part.Text);
        }

        return items;
    }

    // 1: which of the two it is, 2 the number, 3 the text.
    private static JsonValue ReadIntOrString(ReadOnlySpan<byte> bytes)
    {
        long isText = 0, number = 0;
        var text = "";
        var reader = new ProtobufReader(bytes);
        while (reader.TryRead(out var part))
        {
            switch (part.Number)
            {
                case 1:
                    isText = part.Whole;
                    break;
                case 2:
                    number = part.Whole;
                    break;
                case 3:
                    text = part.Text;
                    break;
            }
        }

        return isText == 1 ? JsonValue.Create(text) : JsonValue.Create((int)number);
    }

    private static DateTimeOffset? ReadTime(ReadOnlySpan<byte> bytes)
    {
        if (bytes.IsEmpty)
            return null;
        long seconds = 0, nanos = 0;
        var reader = new ProtobufReader(bytes);
        while (reader.TryRead(out var part))
        {
            if (part.Number == 1)
                seconds = part.Whole;
            else if (part.Number == 2)
                nanos = part.Whole;
        }

        if (seconds is < -62135596800 or > 253402300799 || nanos is < 0 or > 999_999_999)
            throw new FormatException("a time is out of range");
        return seconds == 0 && nanos == 0 ? null : DateTimeOffset.FromUnixTimeSeconds(seconds).AddTicks(nanos / 100);
    }

    private static string FirstText(ReadOnlySpan<byte> bytes, int number)
    {
        var reader = new ProtobufReader(bytes);
        while (reader.TryRead(out var part))
        {
            if (part.Number == number)
                return part.Text;
        }

        return "";
    }
}

/// <summary>One field off the wire: a number (varint or fixed), or bytes.</summary>
internal readonly ref struct ProtobufField(int number, long whole, ReadOnlySpan<byte> bytes)
{
    public int Number => number;
    public long Whole => whole;
    public ReadOnlySpan<byte> Bytes { get; } = bytes;

    /// <exception cref="FormatException">The bytes are not UTF-8.</exception>
    public string Text
    {
        get
        {
            try
            {
                return _strict.GetString(Bytes);
            }
            catch (DecoderFallbackException)
            {
                throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"field {Number} is not UTF-8"));
            }
        }
    }

    private static readonly UTF8Encoding _strict = new(encoderShouldEmitUTF8Identifier: false, throwOnInvalidBytes: true);
}

/// <summary>Walks the fields of a protobuf message; never reads past its end.</summary>
internal ref struct ProtobufReader(ReadOnlySpan<byte> bytes)
{
    private ReadOnlySpan<byte> _rest = bytes;

    /// <exception cref="FormatException">The message is cut short or holds an unknown wire type.</exception>
    public bool TryRead(out ProtobufField field)
    {
        field = default;
        if (_rest.IsEmpty)
            return false;
        var tag = Varint();
        var number = (int)(tag >> 3);
        switch (tag & 7)
        {
            case 0:
                field = new ProtobufField(number, (long)Varint(), default);
                return true;
            case 1:
                field = new ProtobufField(number, BinaryPrimitives.ReadInt64LittleEndian(Take(8)), default);
                return true;
            case 2:
                var length = Varint();
                if (length > (ulong)_rest.Length)
                    throw new FormatException("unexpected EOF");
                field = new ProtobufField(number, 0, Take((int)length));
                return true;
            case 5:
                field = new ProtobufField(number, BinaryPrimitives.ReadInt32LittleEndian(Take(4)), default);
                return true;
            default:
                throw new FormatException(string.Create(CultureInfo.InvariantCulture, $"illegal wireType {tag & 7}"));
        }
    }

    private ReadOnlySpan<byte> Take(int count)
    {
        if (count > _rest.Length)
            throw new FormatException("unexpected EOF");
        var taken = _rest[..count];
        _rest = _rest[count..];
        return taken;
    }

    private ulong Varint()
    {
        ulong value = 0;
        for (var shift = 0; shift < 64; shift += 7)
        {
            var next = Take(1)[0];
            value |= (ulong)(next & 0x7f) << shift;
            if (next < 0x80)
                return value;
        }

        throw new FormatException("integer overflow");
    }
}
