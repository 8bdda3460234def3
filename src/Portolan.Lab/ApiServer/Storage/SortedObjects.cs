using System.Runtime.InteropServices;
using Portolan.Core.Cluster;

namespace Portolan.Lab.ApiServer.Storage;

/// <summary>
/// Objects in key order, in leaves of bounded size. A snapshot shares the leaves; one that is shared is copied before it changes, so a list of
/// many thousands costs a list of leaves, and a write during it one leaf. Not thread-safe, snapshots are.
/// </summary>
internal sealed class SortedObjects
{
    private const int LeafSize = 256;
    private readonly List<Leaf> _leaves = [];

    public int Count { get; private set; }

    public StoredObject? Find(ObjectKey key)
    {
        if (_leaves.Count == 0) return null;
        var leaf = _leaves[LeafOf(CollectionsMarshal.AsSpan(_leaves), key)];
        var at = leaf.IndexOf(key);
        return at < leaf.Count && leaf.Items[at].Key == key ? leaf.Items[at] : null;
    }

    public void Put(StoredObject obj)
    {
        if (_leaves.Count == 0) _leaves.Add(new(new StoredObject[8], 0));
        var which = LeafOf(CollectionsMarshal.AsSpan(_leaves), obj.Key);
        var leaf = Own(which);
        var at = leaf.IndexOf(obj.Key);
        if (at < leaf.Count && leaf.Items[at].Key == obj.Key)
        {
            leaf.Items[at] = obj;
            return;
        }

        if (leaf.Count == LeafSize)
        {
            var half = LeafSize / 2;
            var right = new Leaf(new StoredObject[LeafSize], LeafSize - half);
            Array.Copy(leaf.Items, half, right.Items, 0, right.Count);
            Array.Clear(leaf.Items, half, leaf.Count - half);
            leaf.Count = half;
            _leaves.Insert(which + 1, right);
            if (at > half) (leaf, at) = (right, at - half);
        }

        leaf.Insert(at, obj);
        Count++;
    }

    public void Remove(ObjectKey key)
    {
        if (_leaves.Count == 0) return;
        var which = LeafOf(CollectionsMarshal.AsSpan(_leaves), key);
        var at = _leaves[which].IndexOf(key);
        if (at == _leaves[which].Count || _leaves[which].Items[at].Key != key) return;
        var leaf = Own(which);
        Array.Copy(leaf.Items, at + 1, leaf.Items, at, leaf.Count - at - 1);
        leaf.Items[--leaf.Count] = null!;
        if (leaf.Count == 0) _leaves.RemoveAt(which);
        Count--;
    }

    public Snapshot Share()
    {
        foreach (var leaf in _leaves) leaf.Shared = true;
        return new([.. _leaves]);
    }

    private Leaf Own(int which)
    {
        var leaf = _leaves[which];
        if (leaf.Shared) _leaves[which] = leaf = new((StoredObject[])leaf.Items.Clone(), leaf.Count);
        return leaf;
    }

    /// <summary>The last leaf that begins at or before a key, the first one when none does.</summary>
    private static int LeafOf(ReadOnlySpan<Leaf> leaves, ObjectKey key)
    {
        int low = 1, high = leaves.Length;
        while (low < high)
        {
            var middle = (low + high) >>> 1;
            if (leaves[middle].Items[0].Key.CompareTo(key) <= 0) low = middle + 1;
            else high = middle;
        }

        return low - 1;
    }

    /// <summary>The objects at one moment; may be read by any thread.</summary>
    public readonly struct Snapshot
    {
        private readonly Leaf[] _leaves;

        internal Snapshot(Leaf[] leaves) => _leaves = leaves;

        /// <summary>Those from a key on (itself included), in order.</summary>
        public IEnumerable<StoredObject> From(ObjectKey start)
        {
            if (_leaves.Length == 0) yield break;
            var which = LeafOf(_leaves, start);
            for (var at = _leaves[which].IndexOf(start); which < _leaves.Length; which++, at = 0)
                for (; at < _leaves[which].Count; at++)
                    yield return _leaves[which].Items[at];
        }
    }

    internal sealed class Leaf(StoredObject[] items, int count)
    {
        public StoredObject[] Items { get; private set; } = items;
        public int Count { get; set; } = count;
        public bool Shared { get; set; }

        /// <summary>Where a key is, or would be.</summary>
        public int IndexOf(ObjectKey key)
        {
            int low = 0, high = Count;
            while (low < high)
            {
                var middle = (low + high) >>> 1;
                if (Items[middle].Key.CompareTo(key) < 0) low = middle + 1;
                else high = middle;
            }

            return low;
        }

        public void Insert(int at, StoredObject obj)
        {
            if (Count == Items.Length)
            {
                var larger = new StoredObject[Math.Min(Count * 2, LeafSize)];
                Items.CopyTo(larger, 0);
                Items = larger;
            }

            Array.Copy(Items, at, Items, at + 1, Count - at);
            Items[at] = obj;
            Count++;
        }
    }
}
