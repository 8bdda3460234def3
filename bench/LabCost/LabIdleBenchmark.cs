using System.Diagnostics;
using System.Globalization;
using Portolan.Rig;

namespace Portolan.Bench.LabCost;

/// <summary>What a lab of three nodes with Portolan costs while nothing happens: processor time over a minute, and memory, of all its processes.</summary>
internal static class LabIdleBenchmark
{
    private const string Lab = "benchidle";
    private static readonly TimeSpan s_settling = TimeSpan.FromSeconds(20);
    private static readonly TimeSpan s_watched = TimeSpan.FromSeconds(60);

    public static async Task<IReadOnlyList<Figure>> RunAsync()
    {
        try
        {
            await LabCommand.RunAsync("up", Lab);
            await Task.Delay(s_settling);     // what starting has left to do is no idling
            var processes = LabProcess.All(Lab);
            var before = processes.ToDictionary(p => p.Pid, p => p.Cpu);
            var (clock, spent) = (Stopwatch.StartNew(), await SpentAsync());
            await Task.Delay(s_watched);
            var share = (await SpentAsync() - spent) / clock.Elapsed * 100;
            // Where it goes, for whoever wants less of it.
            foreach (var process in processes)
                Console.Error.WriteLine(string.Create(CultureInfo.InvariantCulture, $"  {(process.Cpu - before[process.Pid]) / clock.Elapsed * 100,6:f2} % {process.PssMegabytes,6:f1} MB  {process.CommandLine}"));
            return [new("lab-idle, three nodes, processor", share, "%", 3), new("lab-idle, three nodes, memory (PSS)", LabProcess.All(Lab).Sum(p => p.PssMegabytes), "MB", 400)];
        }
        finally
        {
            await LabCommand.RunAsync("down", Lab);
        }
    }

    /// <summary>By the lab's cgroup: also of processes that came and went.</summary>
    private static async Task<TimeSpan> SpentAsync()
    {
        var mount = (await File.ReadAllLinesAsync("/proc/self/mounts")).Select(l => l.Split(' ')).First(f => f[2] == "cgroup2")[1];
        var usage = (await File.ReadAllLinesAsync($"{mount}/portolan-lab-{Lab}/cpu.stat")).First(l => l.StartsWith("usage_usec ", StringComparison.Ordinal));
        return TimeSpan.FromMicroseconds(long.Parse(usage.Split(' ')[1], CultureInfo.InvariantCulture));
    }
}
