using Portolan.Core.Addresses;

namespace Portolan.Core.Announcements;

/// <summary>
/// The order of all nodes for one address, of which only the beginning is kept: the winner is nearly always there, and hashing a thousand nodes
/// for each of thousands of addresses at every change would take a second.
/// </summary>
internal sealed class AddressOrder(IpAddress address, NodeTable nodes)
{
    private const int Kept = 16;

    private readonly string _salt = "#" + address;
    private (ulong Digest, int Node)[] _first = [];
    private int _count;
    private int _known;
    private bool _filled;

    // Every node's digest by number: only where the beginning was often not enough.
    private ulong[]? _all;

    /// <summary>The node of a set that comes first, or -1 when the set is empty.</summary>
    /// <param name="set">By number.</param>
    /// <param name="count">How many are in it.</param>
    public int First(bool[] set, int count)
    {
        // A few of many nodes are seldom among the first of all.
        if (!_filled && count <= Kept / 2 && nodes.ByName.Count > 4 * Kept)
            return FirstByHashing(set);
        Fill();
        for (var i = 0; i < _count; i++)
            if (set[_first[i].Node])
                return _first[i].Node;
        return _count == _known ? -1 : FirstByHashing(set);
    }

    /// <summary>The node that comes first of those in both sets, or -1. Asked often, it remembers all digests.</summary>
    public int First(bool[] set, bool[] and)
    {
        Fill();
        for (var i = 0; i < _count; i++)
            if (_first[i].Node is var node && set[node] && and[node])
                return node;
        return _count == _known ? -1 : FirstOfAll(set, and);
    }

    /// <summary>A node appeared.</summary>
    public void Added(int node)
    {
        if (!_filled)
            return;
        _all = null;
        // Beyond a beginning that is not the whole there may be nodes that come before this one.
        var digest = NodeOrder.Of(nodes[node]!.Name, _salt);
        var isWhole = _count == _known++;
        if (isWhole || Before(digest, node, _first[_count - 1]))
            Insert(digest, node);
    }

    /// <summary>A node is gone; its number may be another's soon.</summary>
    public void Removed(int node)
    {
        if (!_filled)
            return;
        _all = null;
        _known--;
        for (var i = 0; i < _count; i++)
        {
            if (_first[i].Node != node)
                continue;
            _first.AsSpan(i + 1, _count - i - 1).CopyTo(_first.AsSpan(i));
            // What is left is the beginning still, until nothing is.
            _filled = --_count >= Kept / 2 || _count == _known;
            return;
        }
    }

    private void Fill()
    {
        if (_filled)
            return;
        (_filled, _count, _known) = (true, 0, nodes.ByName.Count);
        foreach (var node in nodes.ByName)
            Insert(NodeOrder.Of(nodes[node]!.Name, _salt), node);
    }

    private void Insert(ulong digest, int node)
    {
        var at = _count;
        while (at > 0 && Before(digest, node, _first[at - 1]))
            at--;
        if (at == Kept)
            return;
        if (_count == _first.Length && _count < Kept)
            Array.Resize(ref _first, Math.Min(Kept, Math.Max(4, 2 * _count)));
        if (_count < Kept)
            _count++;
        _first.AsSpan(at, _count - at - 1).CopyTo(_first.AsSpan(at + 1));
        _first[at] = (digest, node);
    }

    private bool Before(ulong digest, int node, (ulong Digest, int Node) other) =>
        digest != other.Digest ? digest < other.Digest : NodeOrder.Compare(nodes[node]!.Name, nodes[other.Node]!.Name, _salt) < 0;

    private int FirstByHashing(bool[] set)
    {
        var (first, least) = (-1, 0UL);
        foreach (var node in nodes.ByName)
        {
            if (!set[node])
                continue;
            var digest = NodeOrder.Of(nodes[node]!.Name, _salt);
            if (first < 0 || Before(digest, node, (least, first)))
                (first, least) = (node, digest);
        }

        return first;
    }

    private int FirstOfAll(bool[] set, bool[] and)
    {
        if (_all is null)
        {
            _all = new ulong[nodes.Bound];
            foreach (var node in nodes.ByName)
                _all[node] = NodeOrder.Of(nodes[node]!.Name, _salt);
        }

        var (first, least) = (-1, 0UL);
        foreach (var node in nodes.ByName)
            if (set[node] && and[node] && (first < 0 || Before(_all[node], node, (least, first))))
                (first, least) = (node, _all[node]);
        return first;
    }
}
