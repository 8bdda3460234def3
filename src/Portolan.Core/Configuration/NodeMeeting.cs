using System.Collections.Immutable;
using Portolan.Core.Cluster;

namespace Portolan.Core.Configuration;

/// <summary>Which objects meet on some node. While the nodes are not known, any two may.</summary>
/// <param name="nodes">The labels of each Node, or null while they are not known.</param>
internal sealed class NodeMeeting(ImmutableDictionary<string, IReadOnlyDictionary<string, string>>? nodes)
{
    private readonly Dictionary<string, HashSet<string>> _selected = new(StringComparer.Ordinal);

    /// <summary>Whether a node is selected by both lists; an empty list selects every node.</summary>
    public bool Meet(IReadOnlyList<LabelSelector> one, IReadOnlyList<LabelSelector> other)
    {
        if (nodes is null)
            return true;
        if (one.Count == 0 || other.Count == 0)
            return one.Count + other.Count == 0 ? !nodes.IsEmpty : Selected(one.Count == 0 ? other : one).Count > 0;
        return Selected(one).Overlaps(Selected(other));
    }

    private HashSet<string> Selected(IReadOnlyList<LabelSelector> selectors)
    {
        var text = string.Join('|', selectors);
        if (!_selected.TryGetValue(text, out var names))
            _selected[text] = names = [.. nodes!.Where(node => FieldRules.Selects(selectors, node.Value)).Select(node => node.Key)];
        return names;
    }
}
