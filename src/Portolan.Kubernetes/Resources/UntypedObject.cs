using System.Text.Json;
using System.Text.Json.Nodes;
using System.Text.Json.Serialization;

namespace Portolan.Kubernetes.Resources;

/// <summary>An object of any kind, kept as JSON: nothing in it is lost.</summary>
[JsonConverter(typeof(UntypedObjectConverter))]
public sealed class UntypedObject(JsonObject json) : IKubeObject
{
    private ObjectMeta? _metadata;

    /// <summary>The object as it is. Changing <c>metadata</c> here is not seen by an already read <see cref="Metadata"/>.</summary>
    public JsonObject Json { get; } = json;

    /// <inheritdoc/>
    public string? ApiVersion
    {
        get => (string?)Json["apiVersion"];
        set => Json["apiVersion"] = value;
    }

    /// <inheritdoc/>
    public string? Kind
    {
        get => (string?)Json["kind"];
        set => Json["kind"] = value;
    }

    /// <summary>The metadata, read when first asked for; set it to change it in the JSON.</summary>
    public ObjectMeta Metadata
    {
        get => _metadata ??= Json["metadata"].Deserialize(KubeJson.Default.ObjectMeta) ?? new ObjectMeta();
        set
        {
            _metadata = value;
            Json["metadata"] = JsonSerializer.SerializeToNode(value, KubeJson.Default.ObjectMeta);
        }
    }

    /// <summary><c>spec</c>, or null.</summary>
    public JsonObject? Spec => Json["spec"] as JsonObject;

    /// <summary><c>status</c>, or null.</summary>
    public JsonObject? Status => Json["status"] as JsonObject;
}

internal sealed class UntypedObjectConverter : JsonConverter<UntypedObject>
{
    public override UntypedObject? Read(ref Utf8JsonReader reader, Type typeToConvert, JsonSerializerOptions options) =>
        JsonNode.Parse(ref reader) is JsonObject json ? new UntypedObject(json) : null;

    public override void Write(Utf8JsonWriter writer, UntypedObject value, JsonSerializerOptions options) => value.Json.WriteTo(writer);
}
