using System.Globalization;
using Portolan.Protocols.Bfd;
using Portolan.Rig;

namespace Portolan.Bench.Bgp;

/// <summary>What BFD sessions cost the bfd process, each with an address of its own at either end, and BIRD, which is the other end.</summary>
internal static class BfdCpuBenchmark
{
    private const int Milliseconds = 50;
    private const int Multiplier = 3;
    private const double Most = 6; // percent of a core
    private static readonly TimeSpan Settling = TimeSpan.FromSeconds(5);
    private static readonly TimeSpan Measured = TimeSpan.FromSeconds(15);

    public static async IAsyncEnumerable<Figure> RunAsync()
    {
        var isNoisy = await Neighbours.AreNoisyAsync();
        foreach (var sessions in (int[])[1, 16, 64])
        {
            var (ours, birds, downs) = await MeasureAsync(sessions);
            yield return new($"bfd-cpu {sessions} sessions at {Milliseconds} ms, of a core", ours, "%", sessions == 64 ? Most : null, birds) { IsNoisy = isNoisy };
            yield return new($"bfd-cpu {sessions} sessions, lost meanwhile on either side", downs, "", 0);
        }
    }

    private static async Task<(double Ours, double Birds, int Downs)> MeasureAsync(int sessions)
    {
        using var here = new NetworkNamespace("bfd-here");
        using var there = new NetworkNamespace("bfd-there");
        here.Wire("eth0", there, "eth0");
        List<(string Local, string Peer)> pairs = [.. Enumerable.Range(1, sessions).Select(number => ($"10.78.0.{number}", $"10.78.1.{number}"))];
        foreach (var (local, peer) in pairs)
        {
            here.Link($"addr add {local}/16 dev eth0");
            there.Link($"addr add {peer}/16 dev eth0");
        }

        using var us = new BfdNode(here);
        await us.ReadyAsync();
        us.Hold(pairs, BfdSettings.Every(Milliseconds, Multiplier));
        using var bird = new BirdBfd(there, [.. pairs.Select(pair => (pair.Peer, pair.Local))], Milliseconds, Multiplier);
        bird.Start();
        await us.UpAsync(sessions);
        await bird.UpAsync(sessions);
        await Task.Delay(Settling);
        var (ownBefore, otherBefore, began) = (Seconds(us.Id), Seconds(bird.Id), DateTime.UtcNow);
        await Task.Delay(Measured);
        var (own, other, time) = (Seconds(us.Id) - ownBefore, Seconds(bird.Id) - otherBefore, (DateTime.UtcNow - began).TotalSeconds);
        return (100 * own / time, 100 * other / time, us.CountDowns() + bird.CountDowns());
    }

    /// <summary>On the processors so far, of all threads that live, to nanoseconds (proc_pid_schedstat).</summary>
    private static double Seconds(int pid) =>
        Directory.GetDirectories($"/proc/{pid}/task").Sum(thread => double.Parse(File.ReadAllText($"{thread}/schedstat").Split(' ')[0], CultureInfo.InvariantCulture)) / 1e9;
}
