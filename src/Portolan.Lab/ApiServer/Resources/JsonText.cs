using System.Buffers;
using System.Globalization;
using System.Text.Json;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.ApiServer.Resources;

/// <summary>JSON trees and text, in the forms Kubernetes uses.</summary>
internal static class JsonText
{
    public static byte[] ToBytes(JsonNode node)
    {
        var buffer = new ArrayBufferWriter<byte>(512);
        using (var writer = new Utf8JsonWriter(buffer, ObjectWriter.Options)) node.WriteTo(writer);
        return buffer.WrittenSpan.ToArray();
    }

    /// <summary>RFC 3339 in UTC with whole seconds, the form of <c>metav1.Time</c>.</summary>
    public static string Time(DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-dd'T'HH:mm:ss'Z'", CultureInfo.InvariantCulture);

    public static JsonArray Strings(IEnumerable<string> values) => new([.. values.Select(v => (JsonNode)v)]);

    public static JsonObject Child(this JsonObject obj, string name)
    {
        if (obj[name] is JsonObject child) return child;
        obj[name] = child = [];
        return child;
    }

    /// <summary>A string member, null when absent or of another type.</summary>
    public static string? Text(this JsonObject? obj, string name) => obj?[name] is JsonValue value && value.TryGetValue<string>(out var text) ? text : null;

    public static long? Whole(this JsonObject? obj, string name) => obj?[name] is JsonValue value && TryWhole(value, out var whole) ? whole : null;

    public static bool? Flag(this JsonObject? obj, string name) => obj?[name] is JsonValue value && value.TryGetValue<bool>(out var flag) ? flag : null;

    private static bool TryWhole(JsonValue value, out long whole)
    {
        if (value.TryGetValue(out whole)) return true;
        if (!value.TryGetValue<int>(out var small)) return false;
        whole = small;
        return true;
    }
}
