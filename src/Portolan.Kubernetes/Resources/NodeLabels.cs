using System.Text.Json.Serialization;

namespace Portolan.Kubernetes.Resources;

/// <summary>
/// <c>v1 Node</c>, only its name and labels: of thousands of nodes nothing else is kept, and a heartbeat changes nothing here.
/// </summary>
public sealed class NodeLabels : IKubeObject
{
    private ObjectMeta _metadata = new();

    /// <inheritdoc/>
    [JsonPropertyOrder(-3)]
    public string? ApiVersion { get; set; }

    /// <inheritdoc/>
    [JsonPropertyOrder(-2)]
    public string? Kind { get; set; }

    /// <inheritdoc/>
    [JsonPropertyOrder(-1)]
    public ObjectMeta Metadata
    {
        get => _metadata;
        set => _metadata = new ObjectMeta { Name = value.Name, Uid = value.Uid, ResourceVersion = value.ResourceVersion, Labels = value.Labels };
    }
}
