using System.Text.Json;
using System.Text.Json.Serialization;

namespace Portolan.Kubernetes.Resources;

/// <summary>What every object of the API has.</summary>
public interface IKubeObject
{
    /// <summary><c>apiVersion</c>.</summary>
    string? ApiVersion { get; set; }

    /// <summary><c>kind</c>.</summary>
    string? Kind { get; set; }

    /// <summary><c>metadata</c>.</summary>
    ObjectMeta Metadata { get; set; }
}

/// <summary>An object with metadata only, and the base of the models.</summary>
public abstract class KubeObject : IKubeObject
{
    /// <inheritdoc/>
    [JsonPropertyOrder(-3)]
    public string? ApiVersion { get; set; }

    /// <inheritdoc/>
    [JsonPropertyOrder(-2)]
    public string? Kind { get; set; }

    /// <inheritdoc/>
    [JsonPropertyOrder(-1)]
    public ObjectMeta Metadata { get; set; } = new();
}

/// <summary><c>meta/v1 ObjectMeta</c>.</summary>
public sealed class ObjectMeta
{
    /// <summary>The name, unique in its namespace.</summary>
    public string? Name { get; set; }

    /// <summary>The prefix the server makes a name from.</summary>
    public string? GenerateName { get; set; }

    /// <summary>The namespace, or null for cluster-scoped objects.</summary>
    public string? Namespace { get; set; }

    /// <summary>Unique in time and space.</summary>
    public string? Uid { get; set; }

    /// <summary>The version of the object: compare for equality only.</summary>
    public string? ResourceVersion { get; set; }

    /// <summary>Counts changes of the specification.</summary>
    public long? Generation { get; set; }

    /// <summary>When it was created.</summary>
    public DateTimeOffset? CreationTimestamp { get; set; }

    /// <summary>When it will go; set means it is going.</summary>
    public DateTimeOffset? DeletionTimestamp { get; set; }

    /// <summary>Seconds between the request to delete and the deletion.</summary>
    public long? DeletionGracePeriodSeconds { get; set; }

    /// <summary>Labels.</summary>
    public Dictionary<string, string>? Labels { get; set; }

    /// <summary>Annotations.</summary>
    public Dictionary<string, string>? Annotations { get; set; }

    /// <summary>Who owns the object.</summary>
    public List<OwnerReference>? OwnerReferences { get; set; }

    /// <summary>Who must act before it can go.</summary>
    public List<string>? Finalizers { get; set; }

    /// <summary>
    /// Who wrote last. Which fields is half of many objects, and nothing we ask about: it is not kept. Nor is any of this sent back, which a server
    /// takes as saying nothing about it.
    /// </summary>
    [JsonIgnore(Condition = JsonIgnoreCondition.WhenWriting)]
    public List<ManagedFieldsEntry>? ManagedFields { get; set; }

    /// <summary>Fields this model does not name, kept for the way back.</summary>
    [JsonExtensionData]
    public Dictionary<string, JsonElement>? Other { get; set; }
}

/// <summary><c>meta/v1 ManagedFieldsEntry</c> without the fields.</summary>
public sealed class ManagedFieldsEntry
{
    /// <summary>The writer's name.</summary>
    public string? Manager { get; set; }

    /// <summary>Which subresource it wrote, or null for the object itself.</summary>
    public string? Subresource { get; set; }

    /// <summary>When, in RFC 3339.</summary>
    public string? Time { get; set; }
}

/// <summary><c>meta/v1 OwnerReference</c>.</summary>
public sealed class OwnerReference
{
    /// <summary>The owner's API version.</summary>
    public string? ApiVersion { get; set; }

    /// <summary>The owner's kind.</summary>
    public string? Kind { get; set; }

    /// <summary>The owner's name.</summary>
    public string? Name { get; set; }

    /// <summary>The owner's uid.</summary>
    public string? Uid { get; set; }

    /// <summary>The one owner that manages the object.</summary>
    public bool? Controller { get; set; }

    /// <summary>The owner waits for the object to go.</summary>
    public bool? BlockOwnerDeletion { get; set; }
}

/// <summary><c>meta/v1 LabelSelector</c> as written.</summary>
public sealed class LabelSelectorSpec
{
    /// <summary>All of these.</summary>
    public Dictionary<string, string>? MatchLabels { get; set; }

    /// <summary>And all of these.</summary>
    public List<LabelSelectorExpression>? MatchExpressions { get; set; }
}

/// <summary><c>meta/v1 LabelSelectorRequirement</c>.</summary>
public sealed class LabelSelectorExpression
{
    /// <summary>The label's key.</summary>
    public string? Key { get; set; }

    /// <summary>In, NotIn, Exists, DoesNotExist.</summary>
    public string? Operator { get; set; }

    /// <summary>For In and NotIn.</summary>
    public List<string>? Values { get; set; }
}

/// <summary><c>meta/v1 Condition</c>.</summary>
public sealed class Condition
{
    /// <summary>What it is about.</summary>
    public string? Type { get; set; }

    /// <summary>True, False, Unknown.</summary>
    public string? Status { get; set; }

    /// <summary>The generation it was seen at.</summary>
    public long? ObservedGeneration { get; set; }

    /// <summary>When the status last changed.</summary>
    public DateTimeOffset? LastTransitionTime { get; set; }

    /// <summary>Why, in one word.</summary>
    public string? Reason { get; set; }

    /// <summary>Why, in a sentence.</summary>
    public string? Message { get; set; }
}

/// <summary><c>meta/v1 Status</c>: how the server says no.</summary>
internal sealed class Status
{
    public string? Reason { get; set; }

    public string? Message { get; set; }

    public int? Code { get; set; }
}

/// <summary><c>meta/v1 ListMeta</c>.</summary>
internal sealed class ListMeta
{
    public string? ResourceVersion { get; set; }

    public string? Continue { get; set; }
}

/// <summary>The object of a BOOKMARK event: nothing but its resource version counts.</summary>
internal sealed class Bookmark
{
    public ObjectMeta? Metadata { get; set; }
}
