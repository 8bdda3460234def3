using System.Globalization;
using System.Text.Json.Nodes;
using YamlDotNet.Core;
using YamlDotNet.RepresentationModel;

namespace Portolan.Kubernetes.Yaml;

/// <summary>Reads YAML the way Kubernetes does: through JSON, with the scalar types of the YAML 1.2 core schema.</summary>
public static class YamlJson
{
    /// <summary>Every document of a stream; empty documents are left out. JSON is YAML too.</summary>
    /// <exception cref="FormatException">The text is not YAML; the message names line and column.</exception>
    public static IEnumerable<JsonNode> Documents(string text)
    {
        var stream = new YamlStream();
        try
        {
            stream.Load(new StringReader(text));
        }
        catch (YamlException e)
        {
            throw new FormatException($"line {e.Start.Line}, column {e.Start.Column}: {e.Message}", e);
        }

        foreach (var document in stream.Documents)
            if (ToJson(document.RootNode) is { } node)
                yield return node;
    }

    /// <summary>The only document of a stream.</summary>
    /// <exception cref="FormatException">There is none, or more than one, or the text is not YAML.</exception>
    public static JsonNode Document(string text)
    {
        using var documents = Documents(text).GetEnumerator();
        if (!documents.MoveNext())
            throw new FormatException("there is no document");
        var only = documents.Current;
        return documents.MoveNext() ? throw new FormatException("there is more than one document") : only;
    }

    private static JsonNode? ToJson(YamlNode node) => node switch
    {
        YamlMappingNode mapping => ToJson(mapping),
        YamlSequenceNode sequence => new JsonArray([.. sequence.Children.Select(ToJson)]),
        YamlScalarNode scalar => ToJson(scalar),
        _ => throw new FormatException($"line {node.Start.Line}: unexpected {node.NodeType}"),
    };

    private static JsonObject ToJson(YamlMappingNode mapping)
    {
        var result = new JsonObject();
        foreach (var (key, value) in mapping.Children)
        {
            if (key is not YamlScalarNode { Value: { } name })
                throw new FormatException($"line {key.Start.Line}: a key must be a scalar");
            result[name] = ToJson(value);
        }

        return result;
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
