using System.Collections.Frozen;
using Portolan.Lab.ApiServer.Schema;

namespace Portolan.Lab.ApiServer.StrategicMerge;

/// <summary>Merge rules of a built-in type.</summary>
internal sealed class TypedMergeRules(TypeDefinition type) : IMergeRules
{
    // Objects that make sense only whole (structType=atomic).
    private static readonly FrozenSet<string> _atomicTypes = new[]
    {
        "LabelSelector", "ObjectReference", "LocalObjectReference", "TypedLocalObjectReference", "SecretReference", "ConfigMapKeySelector", "SecretKeySelector",
        "ObjectFieldSelector", "ResourceFieldSelector", "NodeSelector", "NodeSelectorTerm", "TopologySelectorTerm", "ScopeSelector", "RoleRef", "Subject",
        "IngressClassParametersReference", "ServiceBackendPort", "CrossVersionObjectReference",
    }.ToFrozenSet(StringComparer.Ordinal);

    private static readonly FrozenSet<string> _atomicMaps = new[] { "ServiceSpec.selector", "PodSpec.nodeSelector", "ReplicationControllerSpec.selector", "ScaleStatus.selector" }
        .ToFrozenSet(StringComparer.Ordinal);

    public MergeRule For(string field)
    {
        if (type.Find(field) is not { } definition)
            return new MergeRule(false, ListKind.Atomic, [], null);
        var child = definition.Type is { HasObject: true, Kind: ValueKind.Object } ? definition.Type.Object : null;
        var atomic = definition.Type.Shape switch
        {
            ValueShape.Single => child is null ? definition.Type.Kind == ValueKind.Raw : _atomicTypes.Contains(child.Name),
            ValueShape.Map => _atomicMaps.Contains($"{type.Name}.{field}"),
            _ => definition.List == ListKind.Atomic,
        };
        // The values of a map are merged key by key; below a key nothing is known but the type.
        return new MergeRule(atomic, definition.List, definition.ListKeys, child is null || definition.Type.Shape == ValueShape.Map ? null : new TypedMergeRules(child));
    }
}
