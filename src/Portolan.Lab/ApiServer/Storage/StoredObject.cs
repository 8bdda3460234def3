using System.Buffers.Text;
using System.Text.Json;
using Portolan.Core.Cluster;

namespace Portolan.Lab.ApiServer.Storage;

/// <summary>
/// An object as it is kept: its JSON bytes, and just enough beside them to find it. The JSON always begins
/// <c>{"apiVersion":…,"kind":…,"metadata":{…}</c>, so that a reply can take the metadata alone, or put another apiVersion in front, without parsing.
/// </summary>
internal sealed class StoredObject
{
    public required string Resource { get; init; }
    public required ObjectKey Key { get; init; }
    public required long Revision { get; init; }
    public required byte[] Json { get; init; }

    /// <summary>Where the value of <c>metadata</c> lies in <see cref="Json"/>.</summary>
    public required Range Metadata { get; init; }

    public ReadOnlySpan<byte> MetadataJson => Json.AsSpan(Metadata);

    /// <summary>Read anew each time: kept for every object they would cost more memory than reading them costs time.</summary>
    public IReadOnlyList<KeyValuePair<string, string>> Labels
    {
        get
        {
            var labels = new List<KeyValuePair<string, string>>();
            var reader = LabelsReader();
            while (reader.Read() && reader.TokenType == JsonTokenType.PropertyName)
            {
                var name = reader.GetString()!;
                reader.Read();
                labels.Add(new(name, reader.GetString() ?? ""));
            }

            return labels;
        }
    }

    /// <summary>A reader standing on the opening brace of <c>metadata.labels</c>, or at its end when there are none.</summary>
    public Utf8JsonReader LabelsReader()
    {
        var reader = new Utf8JsonReader(MetadataJson, StoredJson.Reader);
        return reader.MoveToMember("labels"u8) && reader.TokenType == JsonTokenType.StartObject ? reader : default;
    }

    /// <summary>Whether <c>metadata.deletionTimestamp</c> is set: the object waits to go.</summary>
    public bool IsMarkedForDeletion
    {
        get
        {
            var reader = new Utf8JsonReader(MetadataJson, StoredJson.Reader);
            return reader.MoveToMember("deletionTimestamp"u8) && reader.TokenType != JsonTokenType.Null;
        }
    }

    /// <summary>The same state under another revision: what a watch sends when an object leaves its selection.</summary>
    public StoredObject AtRevision(long revision)
    {
        var reader = new Utf8JsonReader(MetadataJson, StoredJson.Reader);
        if (!reader.MoveToMember("resourceVersion"u8)) return this;
        var at = Metadata.Start.Value + (int)reader.TokenStartIndex + 1;
        var length = reader.ValueSpan.Length;
        byte[] open = [.. Json.AsSpan(0, at), (byte)'0', .. Json.AsSpan(at + length)];
        return new UnversionedObject(open, at, new(Metadata.Start, Metadata.End.Value - length + 1)).WithRevision(Resource, Key, revision);
    }

    /// <summary>Finds the metadata of bytes that were stored before (they begin as described above).</summary>
    /// <exception cref="JsonException">The bytes are not an object with metadata.</exception>
    public static StoredObject Load(string resource, ObjectKey key, long revision, byte[] json)
    {
        var reader = new Utf8JsonReader(json, StoredJson.Reader);
        if (reader.MoveToMember("metadata"u8))
        {
            var start = (int)reader.TokenStartIndex;
            reader.Skip();
            return new() { Resource = resource, Key = key, Revision = revision, Json = json, Metadata = new(start, (int)reader.BytesConsumed) };
        }

        throw new JsonException($"{resource} {key}: stored bytes have no metadata");
    }
}

/// <summary>An object ready to be stored but for its resourceVersion, which is known only when its turn to be written comes.</summary>
internal sealed class UnversionedObject(byte[] json, int versionAt, Range metadata)
{
    /// <summary>The JSON with one placeholder byte where the digits of the resourceVersion go.</summary>
    public byte[] Json { get; } = json;

    public StoredObject WithRevision(string resource, ObjectKey key, long revision)
    {
        Span<byte> digits = stackalloc byte[20];
        Utf8Formatter.TryFormat(revision, digits, out var length);
        var final = new byte[Json.Length - 1 + length];
        Json.AsSpan(0, versionAt).CopyTo(final);
        digits[..length].CopyTo(final.AsSpan(versionAt));
        Json.AsSpan(versionAt + 1).CopyTo(final.AsSpan(versionAt + length));
        return new()
        {
            Resource = resource,
            Key = key,
            Revision = revision,
            Json = final,
            Metadata = new(metadata.Start, metadata.End.Value + length - 1),
        };
    }
}
