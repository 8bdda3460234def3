namespace Portolan.Fuzz;

/// <summary>Something that takes bytes from strangers.</summary>
internal abstract class FuzzTarget : IAsyncDisposable
{
    /// <summary>A new input made of the corpus, the same for the same generator state.</summary>
    public abstract byte[] Mutate(Random random, IReadOnlyList<byte[]> corpus);

    /// <summary>A lane in which one input after another is tried.</summary>
    public abstract FuzzLane Open();

    /// <summary>Tidies up between inputs, so that what they leave behind does not count as growth.</summary>
    public virtual Task SweepAsync() => Task.CompletedTask;

    /// <summary>What the reactions were, counted by kind.</summary>
    public abstract string Tally { get; }

    /// <summary>Memory held by what is fuzzed when it has collected its garbage, bytes.</summary>
    public abstract Task<long> MemoryAsync();

    /// <summary>Why nothing can be tried any more; null as long as it can.</summary>
    public virtual string? Dead => null;

    public abstract ValueTask DisposeAsync();
}

/// <summary>Tries inputs one after another.</summary>
internal abstract class FuzzLane : IAsyncDisposable
{
    /// <returns>What was wrong with the reaction; null when nothing.</returns>
    public abstract Task<string?> TryAsync(byte[] input);

    public abstract ValueTask DisposeAsync();
}
