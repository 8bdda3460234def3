namespace Portolan.Bench.Bgp;

/// <summary>
/// How soon the death of a BFD peer is known: that of a BIRD, killed without warning at a random instant, by our bfd process and by another BIRD in turn. Ours counts
/// when the speaker has been told; BIRD's is the time in its log.
/// </summary>
internal static class BfdDetectBenchmark
{
    private const int Milliseconds = 50;
    private const int Multiplier = 3;
    private const int Trials = 100;

    /// <summary>
    /// The medians are those of random instants, some 12 ms wide each over trials that are no more than a hundred: beside one another they are equal within this.
    /// </summary>
    private const double AsFast = 1.05;

    /// <summary>The detection time, and what the kernel and a thread on an idle machine may add, in milliseconds.</summary>
    private const double Worst = (Milliseconds * Multiplier) + 10;

    // After a session has come up both sides agree on the short intervals, which takes a poll each way.
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(1);

    public static async IAsyncEnumerable<Figure> RunAsync()
    {
        var isNoisy = await Neighbours.AreNoisyAsync();
        using var ours = await WatchedPeer.OursAsync(Milliseconds, Multiplier);
        using var birds = WatchedPeer.Birds(Milliseconds, Multiplier);
        var (afterKill, afterPacket) = (new Pairs(), new Pairs());
        var (worst, birdsWorst, missed) = (0.0, 0.0, 0);
        for (var i = 0; i < Trials; i++)
        {
            ours.Start();
            birds.Start();
            await Task.WhenAll(ours.UpAsync(), birds.UpAsync());
            await Task.Delay(Settling + TimeSpan.FromMilliseconds(Milliseconds * Random.Shared.NextDouble()));
            var first = await (i % 2 == 0 ? ours : birds).KillAsync();
            var second = await (i % 2 == 0 ? birds : ours).KillAsync();
            var (own, other) = i % 2 == 0 ? (first, second) : (second, first);
            missed += own is null ? 1 : 0;
            worst = Math.Max(worst, own?.AfterKill ?? 0);
            birdsWorst = Math.Max(birdsWorst, other?.AfterKill ?? 0);
            if (own is not { } mine || other is not { } theirs)
                continue;
            afterKill.Add(mine.AfterKill, theirs.AfterKill);
            afterPacket.Add(mine.AfterPacket, theirs.AfterPacket);
        }

        var title = $"bfd-detect {Milliseconds} ms × {Multiplier}";
        yield return new($"{title}, of {Trials} deaths not seen", missed, "", 0);
        yield return new($"{title}, peer killed, median", afterKill.Ours, "ms", Peer: afterKill.Peers) { RatioGoal = AsFast, IsNoisy = isNoisy };
        yield return new($"{title}, worst", worst, "ms", Worst, birdsWorst) { IsNoisy = isNoisy };
        yield return Figure.Of($"{title}, after its last packet, median", afterPacket, "ms", AsFast, isNoisy);
    }
}
