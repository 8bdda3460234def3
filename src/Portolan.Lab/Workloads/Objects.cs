using System.Text.Json.Nodes;

using Portolan.Core.Cluster;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Resources;

namespace Portolan.Lab.Workloads;

/// <summary>What controllers ask of any object.</summary>
internal static class Objects
{
    public static ObjectKey Key(this UntypedObject value) => new(value.Metadata.Namespace ?? "", value.Metadata.Name ?? "");

    public static string Uid(this UntypedObject value) => value.Metadata.Uid ?? "";

    public static bool IsDeleting(this UntypedObject value) => value.Metadata.DeletionTimestamp is not null;

    public static IReadOnlyDictionary<string, string> Labels(this UntypedObject value) => value.Metadata.Labels ?? [];

    public static string? Annotation(this UntypedObject value, string name) => value.Metadata.Annotations?.GetValueOrDefault(name);

    /// <summary>The one owner that manages the object, or null.</summary>
    public static OwnerReference? Controller(this UntypedObject value) => value.Metadata.OwnerReferences?.Find(o => o.Controller == true);

    public static bool IsOwnedBy(this UntypedObject value, UntypedObject owner) => value.Controller()?.Uid == owner.Uid();

    public static long Generation(this UntypedObject value) => value.Metadata.Generation ?? 0;

    /// <summary>An entry for <c>metadata.ownerReferences</c> of what <paramref name="owner"/> manages.</summary>
    public static JsonObject ReferenceTo<T>(ResourceType<T> type, UntypedObject owner)
        where T : class, IKubeObject => new()
        {
            ["apiVersion"] = type.ApiVersion,
            ["kind"] = type.Kind,
            ["name"] = owner.Metadata.Name,
            ["uid"] = owner.Uid(),
            ["controller"] = true,
            ["blockOwnerDeletion"] = true,
        };

    public static JsonObject? Condition(this UntypedObject value, string type) =>
        value.Json.Objects("status", "conditions").FirstOrDefault(c => c.Text("type") == type);

    public static bool HasCondition(this UntypedObject value, string type, string status = "True") => value.Condition(type).Text("status") == status;

    /// <summary>RFC 3339 in seconds, as the API writes times.</summary>
    public static string Timestamp(this DateTimeOffset time) => time.UtcDateTime.ToString("yyyy-MM-ddTHH:mm:ssZ");
}
