using System.Collections.Concurrent;
using System.Diagnostics;

namespace Portolan.Fuzz;

/// <summary>A parser of what comes over the wire, in this process: each input must be refused or understood, and nothing else may happen.</summary>
/// <param name="read">Takes the bytes; gives what it made of them, in a word.</param>
/// <param name="repair">Makes a mutated input plausible, where nearly all would fail one check (a checksum, a length).</param>
internal sealed class PacketTarget(Func<byte[], string> read, Action<Span<byte>>? repair = null) : FuzzTarget
{
    private const int MaxFrame = 2048;
    private readonly ConcurrentDictionary<string, long> _tally = new();

    public override string Tally => string.Join(' ', _tally.OrderBy(t => t.Key, StringComparer.Ordinal).Select(t => $"{t.Key}×{t.Value}"));

    public override Task<long> MemoryAsync() => Task.FromResult(GC.GetTotalMemory(forceFullCollection: true));

    public override FuzzLane Open() => new Lane(read, _tally);

    public override byte[] Mutate(Random random, IReadOnlyList<byte[]> corpus)
    {
        var input = ByteMutation.Mutate(corpus[random.Next(corpus.Count)], random, corpus, Tokens.Frames);
        if (input.Length > MaxFrame) Array.Resize(ref input, MaxFrame);
        if (random.Next(4) != 0) repair?.Invoke(input);
        return input;
    }

    public override ValueTask DisposeAsync() => ValueTask.CompletedTask;

    private sealed class Lane(Func<byte[], string> read, ConcurrentDictionary<string, long> tally) : FuzzLane
    {
        public override Task<string?> TryAsync(byte[] input)
        {
            try
            {
                var start = Stopwatch.GetTimestamp();
                var verdict = read(input);
                tally.AddOrUpdate(verdict, 1, (_, n) => n + 1);
                return Task.FromResult(Stopwatch.GetElapsedTime(start) < FuzzRun.Patience ? null : "slow");
            }
            catch (Exception e)
            {
                return Task.FromResult<string?>(e.ToString());
            }
        }

        public override ValueTask DisposeAsync() => ValueTask.CompletedTask;
    }
}
