using System.Buffers;
using System.IO.Pipelines;
using System.Net;
using System.Runtime.CompilerServices;
using System.Text.Json;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;

namespace Portolan.Kubernetes.Watching;

/// <summary>What a watch reported.</summary>
/// <param name="Kind">Added, Modified or Deleted; <see cref="ChangeKind.Synced"/> marks a bookmark.</param>
/// <param name="Object">The object, or null for a bookmark.</param>
/// <param name="ResourceVersion">Where the watch stands after this event.</param>
/// <typeparam name="T">The object's model.</typeparam>
public readonly record struct WatchEvent<T>(ChangeKind Kind, T? Object, string ResourceVersion);

/// <summary>The watch body: one JSON object per line.</summary>
internal static class WatchStream
{
    // A real object is at most 1.5 MiB in etcd; anything far beyond is not a watch event.
    private const long MaximumLine = 16 << 20;

    public static async IAsyncEnumerable<ReadOnlySequence<byte>> LinesAsync(PipeReader reader, [EnumeratorCancellation] CancellationToken ct)
    {
        while (true)
        {
            var read = await reader.ReadAsync(ct).ConfigureAwait(false);
            var buffer = read.Buffer;
            while (buffer.PositionOf((byte)'\n') is { } end)
            {
                var line = buffer.Slice(0, end);
                buffer = buffer.Slice(buffer.GetPosition(1, end));
                if (!line.IsEmpty)
                    yield return line;
            }

            if (buffer.Length > MaximumLine)
                throw new KubeApiException(HttpStatusCode.OK, "", $"watch: an event of more than {MaximumLine} bytes");
            if (read.IsCompleted)
                yield break;
            reader.AdvanceTo(buffer.Start, buffer.End);
        }
    }

    /// <returns>The event, or null for a type this client does not know.</returns>
    /// <exception cref="KubeApiException">The line is an ERROR event.</exception>
    public static WatchEvent<T>? Parse<T>(ReadOnlySequence<byte> line, ResourceType<T> type)
        where T : class, IKubeObject
    {
        // The type may follow the object, so it is looked up first; objects are read once, from their own start.
        var kind = EventType(line, out var body);
        switch (kind)
        {
            case "ADDED" or "MODIFIED" or "DELETED":
                var reader = new Utf8JsonReader(body);
                var value = JsonSerializer.Deserialize(ref reader, type.Json)!;
                var change = kind switch { "ADDED" => ChangeKind.Added, "MODIFIED" => ChangeKind.Modified, _ => ChangeKind.Deleted };
                return new WatchEvent<T>(change, value, value.Metadata.ResourceVersion ?? "");
            case "BOOKMARK":
                var bookmark = new Utf8JsonReader(body);
                var meta = JsonSerializer.Deserialize(ref bookmark, KubeJson.Default.Bookmark);
                return new WatchEvent<T>(ChangeKind.Synced, null, meta?.Metadata?.ResourceVersion ?? "");
            case "ERROR":
                var error = new Utf8JsonReader(body);
                var status = JsonSerializer.Deserialize(ref error, KubeJson.Default.Status);
                throw new KubeApiException((HttpStatusCode)(status?.Code ?? 500), status?.Reason ?? "", status?.Message ?? "watch failed");
            default:
                return null;
        }
    }

    private static string? EventType(ReadOnlySequence<byte> line, out ReadOnlySequence<byte> body)
    {
        var reader = new Utf8JsonReader(line);
        string? type = null;
        body = default;
        if (!reader.Read() || reader.TokenType is not JsonTokenType.StartObject)
            return null;
        while (reader.Read() && reader.TokenType is JsonTokenType.PropertyName)
        {
            var isType = reader.ValueTextEquals("type"u8);
            var isObject = reader.ValueTextEquals("object"u8);
            reader.Read();
            if (isType)
                type = reader.GetString();
            var start = reader.TokenStartIndex;
            reader.Skip();
            if (isObject)
                body = line.Slice(start, reader.BytesConsumed - start);
        }

        return type;
    }
}
