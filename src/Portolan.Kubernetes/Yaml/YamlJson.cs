using System.Globalization;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Portolan.Kubernetes.Yaml;

/// <summary>Reads YAML the way Kubernetes does: through JSON, with the scalar types of the YAML 1.2 core schema.</summary>
public static class YamlJson
{
    private const int MaximumDepth = 200;
    private const int MaximumNodes = 1_000_000;

    /// <summary>Every document of a stream; empty documents are left out. JSON is YAML too.</summary>
    /// <exception cref="FormatException">The text is not YAML; the message names line and column.</exception>
    public static IReadOnlyList<JsonNode> Documents(string text)
    {
        var stream = new YamlStream();
        var documents = new List<JsonNode>();
        try
        {
            stream.Load(new StringReader(text));
        }
        catch (YamlException e)
        {
            throw new FormatException($"line {e.Start.Line}, column {e.Start.Column}: {e.Message}", e);
        }
        catch (Exception e) when (e is InvalidOperationException or ArgumentException or IndexOutOfRangeException or KeyNotFoundException)
        {
            // The scanner stumbles over some malformed input instead of naming the place.
            throw new FormatException($"this is not YAML: {e.Message}", e);
        }

        var budget = MaximumNodes;
        foreach (var document in stream.Documents)
            if (ToJson(document.RootNode, 0, ref budget) is { } node)
                documents.Add(node);
        return documents;
    }

    /// <summary>The only document of a stream.</summary>
    /// <exception cref="FormatException">There is none, or more than one, or the text is not YAML.</exception>
    public static JsonNode Document(string text)
    {
        var documents = Documents(text);
        return documents.Count switch
        {
            0 => throw new FormatException("there is no document"),
            1 => documents[0],
            _ => throw new FormatException("there is more than one document"),
        };
    }

    // Aliases can make a small text a huge or an endless tree.
    private static JsonNode? ToJson(YamlNode node, int depth, ref int budget)
    {
        if (depth > MaximumDepth || --budget < 0)
            throw new FormatException($"line {node.Start.Line}: more than {MaximumDepth} levels or {MaximumNodes} values");
        switch (node)
        {
            case YamlScalarNode scalar:
                return ToJson(scalar);
            case YamlSequenceNode sequence:
                var array = new JsonArray();
                foreach (var item in sequence.Children)
                    array.Add(ToJson(item, depth + 1, ref budget));
                return array;
            case YamlMappingNode mapping:
                var result = new JsonObject();
                foreach (var (key, value) in mapping.Children)
                    result[key is YamlScalarNode { Value: { } name } ? name : throw new FormatException($"line {key.Start.Line}: a key must be a scalar")] = ToJson(value, depth + 1, ref budget);
                return result;
            default:
                throw new FormatException($"line {node.Start.Line}: unexpected {node.NodeType}");
        }
    }

    private static JsonNode? ToJson(YamlScalarNode scalar)
    {
        var text = scalar.Value ?? "";
        if (scalar.Style is ScalarStyle.SingleQuoted or ScalarStyle.DoubleQuoted or ScalarStyle.Literal or ScalarStyle.Folded || scalar.Tag == "tag:yaml.org,2002:str")
            return JsonValue.Create(text);
        switch (text)
        {
            case "" or "~" or "null" or "Null" or "NULL":
                return null;
            case "true" or "True" or "TRUE":
                return JsonValue.Create(true);
            case "false" or "False" or "FALSE":
                return JsonValue.Create(false);
        }

        if (text.StartsWith("0x", StringComparison.Ordinal) && long.TryParse(text.AsSpan(2), NumberStyles.AllowHexSpecifier, CultureInfo.InvariantCulture, out var hex))
            return JsonValue.Create(hex);
        if (long.TryParse(text, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var integer))
            return JsonValue.Create(integer);
        // A number has a digit where the core schema wants one; "1.2.3.4", "e5" and "Infinity" stay text.
        if ((char.IsAsciiDigit(text[0]) || text[0] is '-' or '+' or '.') && text.AsSpan().ContainsAny(".eE")
            && double.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var real) && double.IsFinite(real))
            return JsonValue.Create(real);
        return JsonValue.Create(text);
    }
}
