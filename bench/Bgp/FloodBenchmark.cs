using System.Diagnostics;
using System.Globalization;
using Portolan.Rig;

namespace Portolan.Bench.Bgp;

/// <summary>
/// Sessions come to OpenConfirm, all KEEPALIVEs are released at once, and the time is taken to the last prefix at the last peer: <c>run.py</c>, with our loop beside
/// others in one run. The floor is the same stream written before there was a session.
/// </summary>
internal static class FloodBenchmark
{
    private const int Routes = 100_000;
    private const int Peers = 8;
    private const int Rounds = 3;
    private const double MostWallToFloor = 10;
    private const double MostCpu = 100; // ms
    private const double MostWall6 = 63; // ms
    private const double MostMemory = 25; // MB

    public static async IAsyncEnumerable<Figure> RunAsync()
    {
        var rows = await RunAsync("floor,custom,bird,frr0", Peers, isIPv6: false);
        var (floor, ours) = (Median(rows, "floor", "last"), Median(rows, "custom", "last"));
        yield return new("bgp-flood 100k IPv4 to 8 peers beside the floor", 1000 * ours, "ms", Peer: 1000 * floor) { RatioGoal = MostWallToFloor };
        yield return new("bgp-flood … beside BIRD", 1000 * ours, "ms", Peer: 1000 * Median(rows, "bird", "last"));
        yield return new("bgp-flood … beside FRR without coalescing", 1000 * ours, "ms", Peer: 1000 * Median(rows, "frr0", "last"));
        yield return new("bgp-flood … processor time beside FRR", 1000 * Median(rows, "custom", "cpu_settled"), "ms", MostCpu, 1000 * Median(rows, "frr0", "cpu_settled"));
        var empty = await RunAsync("custom", 1, isIPv6: false, routes: 1);
        yield return new("bgp-flood … memory above one route, 8 peers", Median(rows, "custom", "rss") - Median(empty, "custom", "rss"), "MB", MostMemory);
        var rows6 = await RunAsync("custom,bird,frr0", 1, isIPv6: true);
        yield return new("bgp-flood 100k IPv6 to one peer beside FRR", 1000 * Median(rows6, "custom", "last"), "ms", MostWall6, 1000 * Median(rows6, "frr0", "last"));
    }

    private static async Task<List<Dictionary<string, string>>> RunAsync(string announcers, int peers, bool isIPv6, int routes = Routes)
    {
        var table = Path.GetTempFileName();
        try
        {
            var start = new ProcessStartInfo("python3") { RedirectStandardOutput = true };
            var us = $"dotnet {Environment.GetCommandLineArgs()[0]} bgp-announcer {{n}} {{peers}}{(isIPv6 ? " 6" : "")}";
            foreach (var argument in (string[])
                [Path.Combine(Published.Tree, "bench", "Bgp", "run.py"), "-a", announcers, "-n", Text(routes), "-p", Text(peers), "-r", Text(Rounds), "-o", table, "--custom", us, .. isIPv6 ? (string[])["-6"] : []])
                start.ArgumentList.Add(argument);
            using var run = Process.Start(start)!;
            await run.StandardOutput.ReadToEndAsync();
            await run.WaitForExitAsync();
            var lines = await File.ReadAllLinesAsync(table);
            if (lines.Length == 0)
                throw new InvalidOperationException("run.py measured nothing");
            var names = lines[0].Split(',');
            return [.. lines.Skip(1).Select(line => names.Zip(line.Split(','), KeyValuePair.Create).ToDictionary(StringComparer.Ordinal))];
        }
        finally
        {
            File.Delete(table);
        }
    }

    private static double Median(List<Dictionary<string, string>> rows, string kind, string field)
    {
        var values = rows.Where(row => row["kind"] == kind && row.GetValueOrDefault(field) is { Length: > 0 }).Select(row => double.Parse(row[field], CultureInfo.InvariantCulture)).Order().ToList();
        return values.Count == 0 ? throw new InvalidOperationException($"{kind} was not measured") : values[values.Count / 2];
    }

    private static string Text(int number) => number.ToString(CultureInfo.InvariantCulture);
}
