using System.Buffers;
using System.Text;
using System.Text.Json;
using System.Text.Json.Nodes;
using Microsoft.AspNetCore.Http;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.Http;

/// <summary>A request body as JSON, with what strict decoding has against its syntax.</summary>
internal readonly record struct ParsedBody(JsonNode? Root, IReadOnlyList<string> Duplicates)
{
    /// <exception cref="ApiException">The body is not an object.</exception>
    public JsonObject Object => Root as JsonObject
        ?? throw ApiErrors.BadRequest("the object provided is unrecognized (must be of type Object): couldn't get version/kind; json parse error: not an object");
}

/// <summary>Reads request bodies in JSON or YAML, bounded in size and depth. The last of duplicate keys wins, and all are reported.</summary>
internal static class BodyReader
{
    public const int MaxBytes = 3 * 1024 * 1024;

    /// <summary>Beyond this a connection is cut without ceremony.</summary>
    public const int MaxDrained = 64 * 1024 * 1024;

    /// <summary>How deep a body may be nested.</summary>
    public const int MaxDepth = 256;

    public static async Task<byte[]> ReadBytesAsync(HttpRequest request, CancellationToken cancellation)
    {
        if (request.ContentLength > MaxBytes) await DrainAsync(request, cancellation);
        while (true)
        {
            var result = await request.BodyReader.ReadAsync(cancellation);
            if (result.Buffer.Length > MaxBytes)
            {
                request.BodyReader.AdvanceTo(result.Buffer.End);
                await DrainAsync(request, cancellation);
            }

            if (result.IsCompleted)
            {
                var bytes = result.Buffer.ToArray();
                request.BodyReader.AdvanceTo(result.Buffer.End);
                return bytes;
            }

            request.BodyReader.AdvanceTo(result.Buffer.Start, result.Buffer.End);
        }
    }

    // A client that is still sending would see a broken connection instead of the answer: take what it sends, up to Kestrel's own limit.
    private static async Task DrainAsync(HttpRequest request, CancellationToken cancellation)
    {
        while (true)
        {
            var result = await request.BodyReader.ReadAsync(cancellation);
            request.BodyReader.AdvanceTo(result.Buffer.End);
            if (result.IsCompleted) throw ApiErrors.TooLargeBody();
        }
    }

    /// <exception cref="ApiException">The media type is not one we read, or the text is not well-formed.</exception>
    public static ParsedBody Parse(byte[] bytes, string? contentType)
    {
        var type = MediaType(contentType);
        return type switch
        {
            "application/yaml" or "application/x-yaml" or "text/yaml" => ParseYaml(bytes),
            "" or "application/json" or "*/*" => ParseJson(bytes),
            "application/vnd.kubernetes.protobuf" => ParseProtobuf(bytes),
            _ => throw ApiErrors.UnsupportedMediaType(type, "application/json", "application/yaml", "application/vnd.kubernetes.protobuf"),
        };
    }

    /// <summary><c>application/json; charset=utf-8</c> → <c>application/json</c>; empty when there is none.</summary>
    public static string MediaType(string? contentType)
    {
        if (contentType is null) return "";
        var end = contentType.IndexOf(';');
#pragma warning disable CA1308 // media types are compared in lower case
        return (end < 0 ? contentType : contentType[..end]).Trim().ToLowerInvariant();
#pragma warning restore CA1308
    }

    public static ParsedBody ParseJson(ReadOnlySpan<byte> bytes)
    {
        var duplicates = new DuplicateFields();
        try
        {
            var reader = new Utf8JsonReader(bytes, new JsonReaderOptions { MaxDepth = MaxDepth });
            if (!reader.Read()) throw new JsonException("unexpected end of JSON input");
            var root = ReadValue(ref reader, duplicates);
            if (reader.Read()) throw new JsonException("invalid character after top-level value");
            return new(root, duplicates.Found);
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw ApiErrors.BadRequest($"the object provided is unrecognized (must be of type JSON): {e.Message}");
        }
    }

    private static ParsedBody ParseProtobuf(byte[] bytes)
    {
        var body = ProtobufDecoder.Decode(bytes, BuiltInKinds.FindType, out var problem);
        return body is null ? throw ApiErrors.BadRequest($"the object provided is unrecognized (must be of type protobuf): {problem}") : new(body, []);
    }

    private static JsonNode? ReadValue(ref Utf8JsonReader reader, DuplicateFields duplicates)
    {
        switch (reader.TokenType)
        {
            case JsonTokenType.StartObject:
                var obj = new JsonObject();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndObject)
                {
                    var name = reader.GetString()!;
                    if (obj.ContainsKey(name)) duplicates.Report(name);
                    reader.Read();
                    duplicates.Enter(name);
                    obj[name] = ReadValue(ref reader, duplicates);
                    duplicates.Leave();
                }

                return obj;
            case JsonTokenType.StartArray:
                var array = new JsonArray();
                while (reader.Read() && reader.TokenType != JsonTokenType.EndArray)
                {
                    duplicates.Enter(array.Count);
                    array.Add(ReadValue(ref reader, duplicates));
                    duplicates.Leave();
                }

                return array;
            case JsonTokenType.String:
                return JsonValue.Create(reader.GetString());
            case JsonTokenType.Number:
                if (reader.TryGetInt64(out var whole)) return JsonValue.Create(whole);
                var real = reader.GetDouble();
                return double.IsFinite(real) ? JsonValue.Create(real) : throw new JsonException($"number {Encoding.ASCII.GetString(reader.ValueSpan)} is out of range");
            case JsonTokenType.True:
                return JsonValue.Create(true);
            case JsonTokenType.False:
                return JsonValue.Create(false);
            default:
                return null;
        }
    }

    /// <exception cref="ApiException">400: it is not well-formed.</exception>
    public static ParsedBody ParseYaml(byte[] bytes) => YamlReader.Read(bytes);
}
