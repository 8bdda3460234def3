using System.Text.Json;
using System.Text.Json.Nodes;

namespace Portolan.Lab.ApiServer.Storage;

/// <summary>Reading back what is stored, however deep it is: bodies are bounded when they come in, and managedFields are a little deeper than what they are about.</summary>
internal static class StoredJson
{
    private const int MaxDepth = 1000;

    public static readonly JsonReaderOptions Reader = new() { MaxDepth = MaxDepth };
    public static readonly JsonDocumentOptions Document = new() { MaxDepth = MaxDepth };

    public static JsonNode? Parse(ReadOnlySpan<byte> json) => JsonNode.Parse(json, documentOptions: Document);
}
