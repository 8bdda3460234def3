using System.Globalization;

namespace Portolan.Bench;

/// <summary>What else the machine has to do. Figures of processor time do not need it silent, but want it quiet.</summary>
internal static class Neighbours
{
    /// <summary>Above this share of all processors a figure is noisy.</summary>
    private const double Quiet = 0.15;

    private static readonly TimeSpan Sample = TimeSpan.FromSeconds(2);
    private static TimeSpan _patience = TimeSpan.FromSeconds(int.Parse(Environment.GetEnvironmentVariable("PORTOLAN_BENCH_PATIENCE") ?? "300", CultureInfo.InvariantCulture));

    /// <summary>Waits until others use little of the processors; five minutes (<c>PORTOLAN_BENCH_PATIENCE</c> seconds) in all, however often it is asked.</summary>
    /// <returns>Whether they still use more.</returns>
    public static async Task<bool> AreNoisyAsync()
    {
        while (true)
        {
            var (others, all) = Others();
            await Task.Delay(Sample);
            var (othersLater, allLater) = Others();
            if (othersLater - others <= Quiet * (allLater - all))
                return false;
            if (_patience <= TimeSpan.Zero)
                return true;
            _patience -= Sample;
        }
    }

    // The first line of /proc/stat is the sum of all processors: user, nice, system, idle, iowait, irq, softirq, steal (proc_stat(5)).
    private static (double Others, double All) Others()
    {
        var times = File.ReadLines("/proc/stat").First().Split(' ', StringSplitOptions.RemoveEmptyEntries)[1..9].Select(Ticks).ToArray();
        var stat = File.ReadAllText("/proc/self/stat");
        var own = stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[11..15].Sum(Ticks); // with children that have ended
        var all = times.Sum();
        return (all - times[3] - times[4] - own, all);
    }

    private static double Ticks(string text) => double.Parse(text, CultureInfo.InvariantCulture);
}
