using Portolan.Core.Cluster;

namespace Portolan.Core.Announcements;

/// <summary>The cluster's nodes by small numbers, so that sets of nodes are arrays. A node keeps its number while it is there; numbers are used again.</summary>
internal sealed class NodeTable
{
    private readonly Dictionary<string, int> _numbers = new(StringComparer.Ordinal);
    private readonly List<NodeFacts?> _nodes = [];
    private readonly Stack<int> _free = new();
    private readonly List<int> _byName = [];

    /// <summary>Above every number in use.</summary>
    public int Bound => _nodes.Count;

    /// <summary>The numbers in use, in the order of the nodes' names: the only order that all speakers share.</summary>
    public IReadOnlyList<int> ByName => _byName;

    /// <summary>The node of this number, or null.</summary>
    public NodeFacts? this[int number] => _nodes[number];

    /// <summary>The number of a node, or -1.</summary>
    public int Find(string name) => _numbers.TryGetValue(name, out var number) ? number : -1;

    /// <summary>Takes the nodes as they are now; of two of one name the later counts.</summary>
    /// <param name="nodes">All of them.</param>
    /// <param name="added">Where the numbers of new nodes are added.</param>
    /// <param name="removed">Where the numbers of nodes that are gone are added, before any of them is used again.</param>
    public void Update(IReadOnlyList<NodeFacts> nodes, List<int> added, List<int> removed)
    {
        var present = new HashSet<string>(nodes.Count, StringComparer.Ordinal);
        foreach (var node in nodes)
            present.Add(node.Name);
        foreach (var (name, number) in _numbers)
            if (!present.Contains(name))
                removed.Add(number);
        foreach (var number in removed)
        {
            _numbers.Remove(_nodes[number]!.Name);
            _nodes[number] = null;
        }

        foreach (var node in nodes)
        {
            if (!_numbers.TryGetValue(node.Name, out var number))
            {
                if (!_free.TryPop(out number))
                {
                    number = _nodes.Count;
                    _nodes.Add(null);
                }

                _numbers[node.Name] = number;
                added.Add(number);
            }

            _nodes[number] = node;
        }

        foreach (var number in removed)
            _free.Push(number);
        if (added.Count + removed.Count == 0)
            return;
        _byName.Clear();
        _byName.AddRange(_numbers.Values);
        _byName.Sort((a, b) => string.CompareOrdinal(_nodes[a]!.Name, _nodes[b]!.Name));
    }
}
