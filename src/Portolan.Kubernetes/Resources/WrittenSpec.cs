using System.Text.Json;
using System.Text.Json.Serialization;
using System.Text.Json.Serialization.Metadata;
using Portolan.Core.Cluster;

namespace Portolan.Kubernetes.Resources;

/// <summary>
/// What users write into an object of metallb.io. An object that was stored under another schema may hold what the model cannot: one such
/// object must not make the whole list unreadable, so it is read as an empty specification that says what is wrong.
/// </summary>
public abstract class WrittenSpec
{
    /// <summary>The field that is of another type than the model's, or null.</summary>
    [JsonIgnore]
    public FieldError? Unreadable { get; internal set; }

    /// <summary>Fields this model does not name, kept for the way back.</summary>
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Other { get; set; }

    /// <summary>The specification as it came where it could not be read, kept for the way back.</summary>
    internal JsonElement? Raw { get; set; }
}

/// <summary>Reads and writes a <see cref="WrittenSpec"/>; what cannot be read is kept as it came.</summary>
/// <typeparam name="T">The kind's specification.</typeparam>
internal sealed class WrittenSpecConverter<T> : JsonConverter<T>
    where T : WrittenSpec, new()
{
    private const int LongestValue = 64;

    public override T? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options)
    {
        var attempt = reader;
        try
        {
            var spec = JsonSerializer.Deserialize(ref attempt, Info(options));
            reader = attempt;
            return spec;
        }
        catch (JsonException problem)
        {
            var raw = JsonElement.ParseValue(ref reader);
            var path = problem.Path is ['$', .. var below] ? below : "";
            return new T { Raw = raw, Unreadable = new FieldError("spec" + path, Value(raw, path), "is not of the type that this field has") };
        }
    }

    public override void Write(Utf8JsonWriter writer, T value, JsonSerializerOptions options)
    {
        if (value.Raw is { } raw)
            raw.WriteTo(writer);
        else
            JsonSerializer.Serialize(writer, value, Info(options));
    }

    private static JsonTypeInfo<T> Info(JsonSerializerOptions options) => (JsonTypeInfo<T>)options.GetTypeInfo(typeof(T));

    // What stands at a path such as .nodeSelectors[0].matchLabels.a; empty where that cannot be told.
    private static string Value(JsonElement at, string path)
    {
        foreach (var part in path.Split(['.', '['], StringSplitOptions.RemoveEmptyEntries))
        {
            if (part.EndsWith(']') && int.TryParse(part[..^1], out var index) && at.ValueKind is JsonValueKind.Array && index < at.GetArrayLength())
                at = at[index];
            else if (at.ValueKind is JsonValueKind.Object && at.TryGetProperty(part, out var found))
                at = found;
            else
                return "";
        }

        var text = at.GetRawText();
        return text.Length > LongestValue ? text[..LongestValue] + "…" : text;
    }
}
