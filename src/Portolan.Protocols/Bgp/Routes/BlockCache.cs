namespace Portolan.Protocols.Bgp.Routes;

/// <summary>The blocks that other readers may still come for, a few at most; and some that nobody needs, to be written again.</summary>
internal sealed class BlockCache
{
    private const int MaxCached = 8;
    private const int MaxSpare = 4;

    /// <summary>A longer array is not kept, bytes.</summary>
    public const int LargestSpare = 64 * 1024;

    private readonly List<UpdateBlock> _cached = new(MaxCached);
    private readonly Stack<UpdateBlock> _spare = new(MaxSpare);

    /// <summary>The block for a reader, if it has been written.</summary>
    public UpdateBlock? Find(in BlockKey key)
    {
        foreach (var block in _cached)
            if (block.Key == key)
                return block;
        return null;
    }

    /// <summary>A block to write.</summary>
    public UpdateBlock Take() => _spare.TryPop(out var block) ? block : new UpdateBlock();

    /// <summary>Keeps a block that was written; the oldest makes room.</summary>
    public void Add(UpdateBlock block)
    {
        if (_cached.Count == MaxCached)
            RemoveAt(0);
        block.IsCached = true;
        _cached.Add(block);
    }

    /// <summary>An entry of this version has changed: blocks with it are no longer true.</summary>
    public void Changed(long version)
    {
        for (var i = _cached.Count - 1; i >= 0; i--)
            if (_cached[i].Key.First <= version && version <= _cached[i].LastVersion)
                RemoveAt(i);
    }

    /// <summary>All readers have passed what is up to this version.</summary>
    public void Passed(long version)
    {
        for (var i = _cached.Count - 1; i >= 0; i--)
            if (_cached[i].Key.First <= version)
                RemoveAt(i);
    }

    /// <summary>Takes back a block from a reader, or from the cache, if it was the last to have it.</summary>
    public void Release(UpdateBlock block)
    {
        if (block.Users > 0 || block.IsCached)
            return;
        block.Clear();
        if (_spare.Count < MaxSpare && block.Capacity <= LargestSpare)
            _spare.Push(block);
    }

    private void RemoveAt(int index)
    {
        var block = _cached[index];
        _cached.RemoveAt(index);
        block.IsCached = false;
        Release(block);
    }
}
