using System.Collections.Concurrent;
using System.Collections.Frozen;
using System.Text.Json.Nodes;

namespace Portolan.Lab.ApiServer.Schema;

/// <summary>The structure of built-in types, from the library's list facts and the published atomic structs and maps.</summary>
internal static class TypedStructure
{
    // Objects that make sense only whole (structType=atomic).
    private static readonly FrozenSet<string> AtomicTypes = new[]
    {
        "LabelSelector", "OwnerReference", "ObjectReference", "LocalObjectReference", "TypedLocalObjectReference", "SecretReference", "ConfigMapKeySelector", "SecretKeySelector",
        "ObjectFieldSelector", "ResourceFieldSelector", "NodeSelector", "NodeSelectorTerm", "TopologySelectorTerm", "ScopeSelector", "RoleRef", "Subject",
        "ServiceBackendPort", "CrossVersionObjectReference", "EndpointAddress", "EndpointPort",
    }.ToFrozenSet(StringComparer.Ordinal);

    private static readonly FrozenSet<string> AtomicMaps = new[] { "ServiceSpec.selector", "PodSpec.nodeSelector", "ReplicationControllerSpec.selector", "ScaleStatus.selector" }
        .ToFrozenSet(StringComparer.Ordinal);

    // Structs that Go holds by value: the typed form of an object has them even when nothing of them was written.
    private static readonly FrozenSet<string> ByValue = new[]
    {
        "metadata", "spec", "status", "template", "strategy", "updateStrategy", "jobTemplate", "resources", "loadBalancer", "nodeInfo", "daemonEndpoints", "kubeletEndpoint",
        "clientConfig", "names", "acceptedNames", "involvedObject", "regarding", "source", "deprecatedSource", "podSelector", "roleRef", "scaleTargetRef",
    }.ToFrozenSet(StringComparer.Ordinal);

    private static readonly ConcurrentDictionary<TypeDefinition, ValueStructure> Known = new();

    public static ValueStructure Of(TypeDefinition type) => Known.GetOrAdd(type, static type =>
        ValueStructure.Object(() => Fields(type), values: null, AtomicTypes.Contains(type.Name)));

    private static Dictionary<string, FieldStructure> Fields(TypeDefinition type)
    {
        var fields = new Dictionary<string, FieldStructure>(StringComparer.Ordinal);
        if (type.IsObject) fields["apiVersion"] = fields["kind"] = new(ValueStructure.Leaf);
        foreach (var field in type.Fields)
            fields[field.Name] = new(OfField(type, field), IsAlwaysThere(type, field), KeyDefault(type, field));
        return fields;
    }

    private static ValueStructure OfField(TypeDefinition owner, FieldDefinition field)
    {
        var element = Element(field.Type);
        return field.Type.Shape switch
        {
            ValueShape.List => ValueStructure.ListOf(() => element, field.List, field.ListKeys),
            ValueShape.Map => ValueStructure.Object(null, () => element, AtomicMaps.Contains($"{owner.Name}.{field.Name}")),
            _ => element,
        };
    }

    private static ValueStructure Element(FieldType type) => type.Kind switch
    {
        ValueKind.Object => Of(type.Object),
        // Their schema says nothing of what they hold.
        ValueKind.Any or ValueKind.SchemaOrBool or ValueKind.SchemaOrArray or ValueKind.SchemaOrStrings => ValueStructure.Deduced,
        _ => ValueStructure.Leaf,
    };

    private static bool IsAlwaysThere(TypeDefinition owner, FieldDefinition field) => field.Type.Shape switch
    {
        ValueShape.Single => field.Type.Kind == ValueKind.Object && ByValue.Contains(field.Name) && (owner.Name, field.Name) is not ("ReplicationControllerSpec", "template"),
        _ => field.Required,
    };

    // Ports are told apart by number and protocol, and the protocol is TCP when not written.
    private static JsonValue? KeyDefault(TypeDefinition owner, FieldDefinition field) =>
        field.Name == "protocol" && owner.Name is "ContainerPort" or "ServicePort" ? JsonValue.Create("TCP") : null;
}
