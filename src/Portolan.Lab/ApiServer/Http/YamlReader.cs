using System.Text;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.Core.Events;

namespace Portolan.Lab.ApiServer.Http;

/// <summary>
/// Reads one YAML document as JSON, anchors, aliases and merge keys (<c>&lt;&lt;</c>) included. An alias is a copy; what copies add is bounded, so that a few lines cannot become
/// gigabytes.
/// </summary>
internal sealed class YamlReader
{
    private readonly IParser _parser;
    private readonly DuplicateFields _duplicates = new();
    private readonly Dictionary<string, JsonNode?> _anchors = new(StringComparer.Ordinal);
    private int _copied;

    private YamlReader(byte[] bytes) => _parser = new Parser(new StreamReader(new MemoryStream(bytes), Encoding.UTF8));

    /// <exception cref="ApiException">400: it is not well-formed.</exception>
    public static ParsedBody Read(byte[] bytes)
    {
        var reader = new YamlReader(bytes);
        try
        {
            reader._parser.Consume<StreamStart>();
            if (reader._parser.Accept<StreamEnd>(out _)) return new(null, []);
            reader._parser.Consume<DocumentStart>();
            return new(reader.Value(0), reader._duplicates.Found);
        }
        catch (YamlException e)
        {
            throw ApiErrors.BadRequest($"error converting YAML to JSON: yaml: line {e.Start.Line}: {e.Message}");
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException)
        {
            // The parser's other ways to say so: of a flow collection that never ends, of a tag that is no URI.
            throw ApiErrors.BadRequest($"error converting YAML to JSON: yaml: {e.Message}");
        }
    }

    private JsonNode? Value(int depth)
    {
        if (depth > BodyReader.MaxDepth) throw new YamlException("nested too deeply");
        if (_parser.TryConsume<AnchorAlias>(out var alias)) return Copy(alias);
        if (!_parser.Accept<NodeEvent>(out var node)) throw new YamlException("a value is missing");
        JsonNode? value = _parser.TryConsume<MappingStart>(out _) ? Mapping(depth)
            : _parser.TryConsume<SequenceStart>(out _) ? Sequence(depth)
            : YamlScalar.ToJson(_parser.Consume<Scalar>());
        if (!node.Anchor.IsEmpty) _anchors[node.Anchor.Value] = value;
        return value;
    }

    private JsonObject Mapping(int depth)
    {
        var obj = new JsonObject();
        var merged = new List<JsonObject>();
        while (!_parser.TryConsume<MappingEnd>(out _))
        {
            var key = _parser.Consume<Scalar>();
            if (!key.Anchor.IsEmpty) _anchors[key.Anchor.Value] = JsonValue.Create(key.Value);
            if (key is { Value: "<<", Style: ScalarStyle.Plain })
            {
                Collect(Value(depth + 1), key, merged);
                continue;
            }

            if (obj.ContainsKey(key.Value)) _duplicates.Report(key.Value);
            _duplicates.Enter(key.Value);
            obj[key.Value] = Value(depth + 1);
            _duplicates.Leave();
        }

        // What the mapping itself says wins, then the earlier of those merged into it.
        foreach (var from in merged)
            foreach (var (name, value) in from)
                if (!obj.ContainsKey(name))
                    obj[name] = Bounded(value);
        return obj;
    }

    private static void Collect(JsonNode? value, Scalar key, List<JsonObject> merged)
    {
        foreach (var part in value is JsonArray list ? (IEnumerable<JsonNode?>)list : [value])
            merged.Add(part as JsonObject ?? throw new YamlException(key.Start, key.End, "map merge requires map or sequence of maps as the value"));
    }

    private JsonArray Sequence(int depth)
    {
        var array = new JsonArray();
        while (!_parser.TryConsume<SequenceEnd>(out _))
        {
            _duplicates.Enter(array.Count);
            array.Add(Value(depth + 1));
            _duplicates.Leave();
        }

        return array;
    }

    private JsonNode? Copy(AnchorAlias alias) => _anchors.TryGetValue(alias.Value.Value, out var value)
        ? Bounded(value)
        : throw new YamlException(alias.Start, alias.End, $"unknown anchor '{alias.Value.Value}' referenced");

    private JsonNode? Bounded(JsonNode? value)
    {
        _copied += value?.ToJsonString().Length ?? 4;
        return _copied <= BodyReader.MaxBytes ? value?.DeepClone() : throw new YamlException("document contains excessive aliasing");
    }
}
