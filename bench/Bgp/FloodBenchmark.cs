namespace Portolan.Bench.Bgp;

/// <summary>
/// Sessions come to OpenConfirm, all KEEPALIVEs are released at once, and the time is taken to the last prefix at the last peer: <c>run.py</c>, with our loop beside
/// others in one run. The floor is the same stream written before there was a session.
/// </summary>
internal static class FloodBenchmark
{
    private const string Rounds = "5";
    private const double MostWallToFloor = 10;
    private const double MostCpu = 100; // ms
    private const double MostWall6 = 63; // ms
    private const double MostMemory = 25; // MB

    public static async IAsyncEnumerable<Figure> RunAsync()
    {
        var trial = await AnnouncerTrial.CreateAsync();
        var many = await trial.RunAsync(isIPv6: false, "-a", "floor,custom,bird,frr0", "-n", "100000", "-p", "8", "-r", Rounds);
        var (floor, ours) = (many.Median("floor", "last"), many.Median("custom", "last"));
        yield return new("bgp-flood 100k IPv4 to 8 peers beside the floor", 1000 * ours, "ms", Peer: 1000 * floor) { RatioGoal = MostWallToFloor };
        yield return new("bgp-flood … beside BIRD", 1000 * ours, "ms", Peer: 1000 * many.Median("bird", "last"));
        yield return new("bgp-flood … beside FRR without coalescing", 1000 * ours, "ms", Peer: 1000 * many.Median("frr0", "last"));
        yield return new("bgp-flood … processor time beside FRR", 1000 * many.Median("custom", "cpu_settled"), "ms", MostCpu, 1000 * many.Median("frr0", "cpu_settled"));
        var empty = await trial.RunAsync(isIPv6: false, "-a", "custom", "-n", "1", "-p", "1", "-r", Rounds);
        var one = await trial.RunAsync(isIPv6: false, "-a", "custom", "-n", "100000", "-p", "1", "-r", Rounds);
        var idle = empty.Median("custom", "rss");
        yield return new("bgp-flood … memory above one route, 1 peer", one.Median("custom", "rss") - idle, "MB", MostMemory);
        yield return new("bgp-flood … memory above one route, 8 peers", many.Median("custom", "rss") - idle, "MB", MostMemory);
        var rows6 = await trial.RunAsync(isIPv6: true, "-a", "custom,bird,frr0", "-n", "100000", "-p", "1", "-r", Rounds);
        yield return new("bgp-flood 100k IPv6 to one peer beside FRR", 1000 * rows6.Median("custom", "last"), "ms", MostWall6, 1000 * rows6.Median("frr0", "last"));
    }
}
