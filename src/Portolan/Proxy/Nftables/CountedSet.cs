namespace Portolan.Proxy.Nftables;

/// <summary>A set whose members are there as long as somebody wants them, and which knows what came and went since it was last asked.</summary>
internal sealed class CountedSet<T>
    where T : notnull
{
    // The first comparison touches every member, an event a few.
    private const int MostKept = 1024;
    private readonly Dictionary<T, int> _counts = [];
    private readonly Dictionary<T, bool> _wasThere = [];

    internal IReadOnlyCollection<T> Members => _counts.Keys;

    internal bool Contains(T member) => _counts.ContainsKey(member);

    internal void Add(T member)
    {
        ref var count = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(_counts, member, out var there);
        _wasThere.TryAdd(member, there);
        count++;
    }

    /// <summary>One of those who wanted it does not any more.</summary>
    internal void Remove(T member)
    {
        _wasThere.TryAdd(member, true);
        if (--_counts[member] == 0)
            _counts.Remove(member);
    }

    internal void Clear()
    {
        _counts.Clear();
        _wasThere.Clear();
    }

    /// <summary>Tells what was touched since the last call, as far as it was there then and is there now.</summary>
    internal void TakeChanges(ICollection<T> before, ICollection<T> after)
    {
        foreach (var (member, wasThere) in _wasThere)
        {
            if (wasThere)
                before.Add(member);
            if (_counts.ContainsKey(member))
                after.Add(member);
        }

        _wasThere.Clear();
        if (_wasThere.Capacity > MostKept)
            _wasThere.TrimExcess();
    }
}
