using System.Collections.Concurrent;
using System.Diagnostics;

namespace Portolan.Fuzz;

/// <summary>Sends inputs to a target, keeps those that break it, and looks whether it grew.</summary>
public static class FuzzRun
{
    private const int Lanes = 4;
    private const int MaxFailures = 10;
    private const int SweepEvery = 1000;

    /// <summary>The reaction to one input takes less, also on a busy machine.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(60);

    // The histories of the store and other bounded caches fill up over time.
    private const long AllowedGrowth = 128L * 1024 * 1024;

    /// <summary>Replays the corpus, then sends mutations of it until <paramref name="inputs"/> or <paramref name="time"/> are used up.</summary>
    /// <param name="target">One of <see cref="Targets.Names"/>.</param>
    /// <param name="corpus">Its directory; inputs that break something are written there.</param>
    /// <param name="inputs">How many mutations.</param>
    /// <param name="time">How long at most.</param>
    /// <param name="seed">The same seed makes the same inputs.</param>
    /// <param name="progress">Gets a line now and then.</param>
    public static async Task<FuzzOutcome> RunAsync(string target, string corpus, long inputs, TimeSpan time, long seed, TextWriter progress)
    {
        var clock = Stopwatch.StartNew();
        var seeds = Corpus.Read(corpus);
        var failures = new ConcurrentQueue<string>();
        await using var fuzzed = await Targets.StartAsync(target);
        await using (var lane = fuzzed.Open())
            foreach (var (name, bytes) in seeds)
                if (await lane.TryAsync(bytes) is { } problem)
                    failures.Enqueue($"{Path.Combine(corpus, name)}: {problem}");

        IReadOnlyList<byte[]> material = [.. seeds.Select(s => s.Bytes)];
        long next = 0, done = 0, memory = 0;
        var sweeping = new SemaphoreSlim(1, 1);
        await Task.WhenAll(Enumerable.Range(0, Lanes).Select(_ => Task.Run(LaneAsync)));
        await fuzzed.SweepAsync();
        var grown = memory == 0 ? 0 : await fuzzed.MemoryAsync() - memory;
        if (grown > AllowedGrowth) failures.Enqueue($"the server grew by {grown / (1024 * 1024)} MiB");
        if (fuzzed.Dead is { } dead && failures.IsEmpty) failures.Enqueue(dead);
        return new(target, done, seed, clock.Elapsed, grown, fuzzed.Tally, [.. failures]);

        async Task LaneAsync()
        {
            await using var lane = fuzzed.Open();
            while (failures.Count < MaxFailures && fuzzed.Dead is null && clock.Elapsed < time && Interlocked.Increment(ref next) is var index && index <= inputs)
            {
                var input = fuzzed.Mutate(new Random(HashCode(seed, index)), material);
                if (await lane.TryAsync(input) is { } problem)
                    failures.Enqueue($"{Corpus.Keep(corpus, input)} (seed {seed}, input {index}): {fuzzed.Dead ?? problem}");
                var count = Interlocked.Increment(ref done);
                if (count % SweepEvery != 0) continue;
                await sweeping.WaitAsync();
                await fuzzed.SweepAsync();
                if (memory == 0 && (count >= inputs / 10 || clock.Elapsed > time / 10)) memory = await fuzzed.MemoryAsync();
                sweeping.Release();
                if (count % (SweepEvery * 20) == 0) await progress.WriteLineAsync($"{target}: {count} inputs, {clock.Elapsed.TotalSeconds:F0} s");
            }
        }
    }

    // Not HashCode.Combine, which is another one in every process.
    private static int HashCode(long seed, long index)
    {
        var mixed = (ulong)seed * 0x9E3779B97F4A7C15 + (ulong)index * 0xBF58476D1CE4E5B9;
        mixed ^= mixed >> 31;
        return (int)(mixed * 0x94D049BB133111EB >> 33);
    }
}
