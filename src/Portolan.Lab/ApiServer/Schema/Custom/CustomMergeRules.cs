using Portolan.Lab.ApiServer.StrategicMerge;

namespace Portolan.Lab.ApiServer.Schema.Custom;

/// <summary>Merge rules of a custom kind: its schema says which lists are maps and sets; metadata is every object's.</summary>
internal sealed class CustomMergeRules(StructuralSchema schema, bool isRoot) : IMergeRules
{
    private static readonly MergeRule _metadata = new(false, ListKind.Atomic, [], new TypedMergeRules(TypeLibrary.Instance.Get("meta/v1.ObjectMeta")));

    public MergeRule For(string field)
    {
        if (isRoot && field == "metadata")
            return _metadata;
        if ((schema.Properties.GetValueOrDefault(field) ?? schema.Values) is not { } child)
            return new MergeRule(false, ListKind.Atomic, [], null);
        var inner = child.Type == "array" ? child.Items : child;
        return new MergeRule(child.AtomicMap, child.List, child.ListKeys, inner is null ? null : new CustomMergeRules(inner, isRoot: false));
    }
}
