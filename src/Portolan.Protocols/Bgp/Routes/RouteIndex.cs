using System.Numerics;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Bgp.Routes;

/// <summary>The entries of a table by their prefixes: a hash table whose chains go through the entries, so that it takes 16 bytes of a route and not 60.</summary>
internal sealed class RouteIndex
{
    private const int Smallest = 16;
    private const ulong Golden = 0x9E37_79B9_7F4A_7C15; // 2^64 / φ, odd: neighbours are spread evenly (Knuth, TAOCP 3 §6.4)

    private RouteEntry?[] _buckets = new RouteEntry?[Smallest];

    /// <summary>How many there are.</summary>
    public int Count { get; private set; }

    /// <summary>The entry of a prefix, or null.</summary>
    public RouteEntry? Find(BgpPrefix prefix)
    {
        var entry = _buckets[Bucket(prefix)];
        while (entry is not null && entry.Prefix != prefix)
            entry = entry.NextInBucket;
        return entry;
    }

    /// <summary>Adds an entry whose prefix has none.</summary>
    public void Add(RouteEntry entry)
    {
        if (Count == _buckets.Length)
            Grow();
        Link(entry);
        Count++;
    }

    /// <summary>Removes an entry that was added.</summary>
    public void Remove(RouteEntry entry)
    {
        ref var place = ref _buckets[Bucket(entry.Prefix)];
        if (place == entry)
        {
            place = entry.NextInBucket;
        }
        else
        {
            var before = place!;
            while (before.NextInBucket != entry)
                before = before.NextInBucket!;
            before.NextInBucket = entry.NextInBucket;
        }

        entry.NextInBucket = null;
        Count--;
    }

    private void Link(RouteEntry entry)
    {
        ref var first = ref _buckets[Bucket(entry.Prefix)];
        (entry.NextInBucket, first) = (first, entry);
    }

    private void Grow()
    {
        var former = _buckets;
        _buckets = new RouteEntry?[2 * former.Length];
        foreach (var first in former)
            for (var entry = first; entry is not null;)
            {
                var next = entry.NextInBucket;
                Link(entry);
                entry = next;
            }
    }

    private int Bucket(BgpPrefix prefix)
    {
        var address = prefix.Address;
        var mixed = (((ulong)(address >> 64) * Golden ^ (ulong)address) + prefix.Length) * Golden;
        return (int)(mixed >> (64 - BitOperations.Log2((uint)_buckets.Length)));
    }
}
