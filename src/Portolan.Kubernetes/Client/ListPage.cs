using System.Buffers;
using System.Text.Json;
using System.Text.Json.Serialization.Metadata;
using Portolan.Kubernetes.Resources;

namespace Portolan.Kubernetes.Client;

/// <summary>Reads a page of a collection object by object: a page of a big collection is megabytes, and is not held twice.</summary>
internal static class ListPage
{
    /// <exception cref="JsonException">Not a list of such objects.</exception>
    public static ObjectList<T> Parse<T>(ReadOnlySequence<byte> body, JsonTypeInfo<T> type)
        where T : class, IKubeObject
    {
        var items = new List<T>();
        ListMeta? meta = null;
        var reader = new Utf8JsonReader(body);
        if (!reader.Read() || reader.TokenType is not JsonTokenType.StartObject)
            throw new JsonException("a list is a JSON object");
        while (reader.Read() && reader.TokenType is JsonTokenType.PropertyName)
        {
            var (isItems, isMeta) = (reader.ValueTextEquals("items"u8), reader.ValueTextEquals("metadata"u8));
            reader.Read();
            if (isItems && reader.TokenType is JsonTokenType.StartArray)
                while (reader.Read() && reader.TokenType is not JsonTokenType.EndArray)
                    items.Add(JsonSerializer.Deserialize(ref reader, type) ?? throw new JsonException("an object of a list is null"));
            else if (isMeta)
                meta = JsonSerializer.Deserialize(ref reader, KubeJson.Default.ListMeta);
            else
                reader.Skip();
        }

        return new ObjectList<T>(items, meta?.ResourceVersion ?? "", meta?.Continue ?? "");
    }
}
