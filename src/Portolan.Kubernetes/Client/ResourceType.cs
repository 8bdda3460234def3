using System.Text.Json.Serialization.Metadata;
using Portolan.Kubernetes.Resources;

namespace Portolan.Kubernetes.Client;

/// <summary>A kind as the API serves it, and how its objects are read and written.</summary>
/// <param name="Group">Empty for the core group.</param>
/// <param name="Version">E.g. <c>v1</c>.</param>
/// <param name="Plural">The resource name in URLs.</param>
/// <param name="Kind">The kind in objects.</param>
/// <param name="Namespaced">Whether objects live in namespaces.</param>
/// <param name="Json">The source-generated serialiser.</param>
/// <typeparam name="T">The object's model.</typeparam>
public sealed record ResourceType<T>(string Group, string Version, string Plural, string Kind, bool Namespaced, JsonTypeInfo<T> Json)
    where T : class, IKubeObject
{
    /// <summary><c>v1</c> or <c>group/version</c>.</summary>
    public string ApiVersion => Group.Length == 0 ? Version : $"{Group}/{Version}";

    /// <summary>The URL path of the collection (all namespaces when none is given) or of one object.</summary>
    /// <param name="ns">The namespace; ignored for cluster-scoped kinds.</param>
    /// <param name="name">The object, or null for the collection.</param>
    /// <param name="subresource">E.g. <c>status</c>, or null.</param>
    public string Path(string? ns, string? name = null, string? subresource = null)
    {
        var path = Group.Length == 0 ? $"api/{Version}" : $"apis/{Group}/{Version}";
        if (Namespaced && !string.IsNullOrEmpty(ns))
            path += $"/namespaces/{Uri.EscapeDataString(ns)}";
        path += $"/{Plural}";
        if (name is not null)
            path += $"/{Uri.EscapeDataString(name)}";
        return subresource is null ? path : $"{path}/{subresource}";
    }
}

/// <summary>Makes resource types for kinds without a model.</summary>
public static class ResourceType
{
    /// <summary>Any kind, its objects kept as JSON so that nothing in them is lost on the way back.</summary>
    public static ResourceType<UntypedObject> Untyped(string group, string version, string plural, string kind, bool namespaced) =>
        new(group, version, plural, kind, namespaced, KubeJson.Default.UntypedObject);
}
