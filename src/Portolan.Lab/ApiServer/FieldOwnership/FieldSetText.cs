using System.Buffers;
using System.Collections.Concurrent;
using System.Text;
using System.Text.Json;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.ApiServer.FieldOwnership;

/// <summary>Field sets as text: <c>{"f:metadata":{"f:labels":{".":{},"f:app":{}}}}</c>.</summary>
internal static class FieldSetText
{
    /// <summary>As deep as a request body may be.</summary>
    private const int MaxDepth = 512;

    private const int MaxRemembered = 512;

    // What one writer manages in one kind of object is nearly always the same set.
    private static readonly ConcurrentDictionary<string, FieldSet> Remembered = new(StringComparer.Ordinal);

    public static string Write(FieldSet set)
    {
        var buffer = new ArrayBufferWriter<byte>(256);
        using (var writer = new Utf8JsonWriter(buffer, ObjectWriter.Options))
        {
            writer.WriteStartObject();
            Write(writer, set);
            writer.WriteEndObject();
        }

        return Encoding.UTF8.GetString(buffer.WrittenSpan);
    }

    /// <exception cref="FormatException">The text is not a field set.</exception>
    public static FieldSet Read(string text)
    {
        if (Remembered.TryGetValue(text, out var known)) return known;
        FieldSet set;
        try
        {
            var reader = new Utf8JsonReader(Encoding.UTF8.GetBytes(text), new JsonReaderOptions { MaxDepth = MaxDepth });
            reader.Read();
            set = ReadObject(ref reader).Below;
        }
        catch (Exception e) when (e is JsonException or InvalidOperationException)
        {
            throw new FormatException($"fieldsV1: {e.Message}", e);
        }

        if (Remembered.Count >= MaxRemembered) Remembered.Clear();
        Remembered[text] = set;
        return set;
    }

    private static void Write(Utf8JsonWriter writer, FieldSet set)
    {
        foreach (var entry in set.Entries)
        {
            writer.WriteStartObject(entry.Element);
            if (entry.IsMember && !entry.Below.IsEmpty)
            {
                writer.WriteStartObject("."u8);
                writer.WriteEndObject();
            }

            Write(writer, entry.Below);
            writer.WriteEndObject();
        }
    }

    private static (bool Self, FieldSet Below) ReadObject(ref Utf8JsonReader reader)
    {
        if (reader.TokenType != JsonTokenType.StartObject) throw new FormatException("fieldsV1: a field is not an object");
        var self = false;
        var entries = new Dictionary<string, FieldSet.Entry>(StringComparer.Ordinal);
        while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
        {
            var name = reader.GetString()!;
            reader.Read();
            if (name == ".")
            {
                self = true;
                reader.Skip();
                continue;
            }

            var element = PathElement.Canonical(name);
            var (member, below) = ReadObject(ref reader);
            // An element with nothing in it is a path that ends there.
            entries[element] = new(element, member || below.IsEmpty, below);
        }

        return (self, FieldSet.Of([.. entries.Values]));
    }
}
