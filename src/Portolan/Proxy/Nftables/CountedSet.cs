namespace Portolan.Proxy.Nftables;

/// <summary>A set whose members are there as long as somebody wants them, and which knows what came and went since it was last asked.</summary>
internal sealed class CountedSet<T>
    where T : notnull
{
    // The first comparison touches every member, an event a few.
    private const int MostKept = 1024;
    private readonly Dictionary<T, int> _counts = [];
    private readonly Dictionary<T, bool> _wasThere = [];
    private bool _isFilling;

    internal Dictionary<T, int>.KeyCollection Members => _counts.Keys;

    internal bool Contains(T member) => _counts.ContainsKey(member);

    internal void Add(T member)
    {
        ref var count = ref System.Runtime.InteropServices.CollectionsMarshal.GetValueRefOrAddDefault(_counts, member, out var there);
        if (!_isFilling)
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

    /// <summary>Starts again without anything. Until <see cref="EndFilling"/> what comes is not noted as a change.</summary>
    /// <param name="capacity">How many members may come.</param>
    internal void BeginFilling(int capacity)
    {
        Clear();
        _counts.EnsureCapacity(capacity);
        _isFilling = true;
    }

    /// <summary>From now on changes are noted.</summary>
    internal void EndFilling()
    {
        _isFilling = false;
        // There may be far fewer than came: many Services of the same endpoints.
        if (_counts.Capacity > 2 * _counts.Count)
            _counts.TrimExcess();
    }

    /// <summary>Adds the members that were not found. Those that were are taken away from what was found: the rest there must go.</summary>
    internal void AddTo(HashSet<T> contents, HashSet<T> found)
    {
        foreach (var member in _counts.Keys)
        {
            if (!found.Remove(member))
                contents.Add(member);
        }
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
