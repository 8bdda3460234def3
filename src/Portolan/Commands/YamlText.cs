using System.Globalization;
using System.Text;
using System.Text.Encodings.Web;
using System.Text.Json;
using System.Text.Json.Nodes;

namespace Portolan.Commands;

/// <summary>Writes JSON as block YAML that every YAML reader reads back as the same JSON.</summary>
internal static class YamlText
{
    private static readonly JsonSerializerOptions Quoting = new() { Encoder = JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    /// <summary>The documents, separated by <c>---</c>.</summary>
    public static string Documents(IEnumerable<JsonObject> documents) => string.Join("---\n", documents.Select(document => Document(document)));

    public static string Document(JsonObject document)
    {
        var text = new StringBuilder();
        Fields(text, document, 0, indentFirst: true);
        return text.ToString();
    }

    private static void Fields(StringBuilder text, JsonObject fields, int depth, bool indentFirst)
    {
        foreach (var (name, value) in fields)
        {
            if (indentFirst)
                text.Append(' ', depth);
            indentFirst = true;
            text.Append(Scalar(name)).Append(':');
            Value(text, value, depth, inList: false);
        }
    }

    private static void Value(StringBuilder text, JsonNode? value, int depth, bool inList)
    {
        switch (value)
        {
            case JsonObject { Count: > 0 } fields:
                text.Append(inList ? " " : "\n");
                Fields(text, fields, depth + 2, indentFirst: !inList);
                break;
            case JsonArray { Count: > 0 } items:
                text.Append('\n');
                foreach (var item in items)
                {
                    text.Append(' ', inList ? depth + 2 : depth).Append('-');
                    Value(text, item, inList ? depth + 2 : depth, inList: true);
                }

                break;
            case JsonObject:
                text.Append(" {}\n");
                break;
            case JsonArray:
                text.Append(" []\n");
                break;
            case null:
                text.Append(" null\n");
                break;
            default:
                text.Append(' ').Append(value.GetValueKind() is JsonValueKind.String ? Scalar((string)value!) : value.ToJsonString()).Append('\n');
                break;
        }
    }

    // Plain where nothing in it can be taken for something else; otherwise a JSON string, which is YAML too.
    private static string Scalar(string text)
    {
        var isPlain = text.Length > 0 && char.IsAsciiLetter(text[0]) && !text.EndsWith(' ') && !text.EndsWith(':')
            && text.All(c => char.IsAsciiLetterOrDigit(c) || "._-/ ,()".Contains(c, StringComparison.Ordinal) || c is ':' or '=')
            && !text.Contains(": ", StringComparison.Ordinal)
            && !text.Contains(" #", StringComparison.Ordinal)
            && text.ToLower(CultureInfo.InvariantCulture) is not ("true" or "false" or "null" or "yes" or "no" or "on" or "off" or "y" or "n");
        return isPlain ? text : JsonValue.Create(text).ToJsonString(Quoting);
    }
}
