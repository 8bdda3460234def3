using System.Globalization;

namespace Portolan.Rig;

/// <summary>What the kernel counts for a process.</summary>
internal static class ProcessFigures
{
    // USER_HZ, which is 100 on every architecture we build for (proc_pid_stat(5)).
    private const double TicksPerSecond = 100;

    /// <summary>Time on the processors since it started, in its own code and in the kernel's, in seconds.</summary>
    public static double ProcessorSeconds(int pid)
    {
        var stat = File.ReadAllText($"/proc/{pid}/stat");
        var fields = stat[(stat.LastIndexOf(')') + 2)..].Split(' ');
        return (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture)) / TicksPerSecond;
    }

    /// <summary>A line of <c>/proc/PID/smaps_rollup</c> in MiB: Rss, Pss, Anonymous.</summary>
    public static double Memory(int pid, string line)
    {
        foreach (var text in File.ReadLines($"/proc/{pid}/smaps_rollup"))
            if (text.StartsWith(line + ":", StringComparison.Ordinal))
                return long.Parse(text.AsSpan()[(line.Length + 1)..^2].Trim(), CultureInfo.InvariantCulture) / 1024.0;
        throw new InvalidDataException($"the kernel tells no {line}");
    }
}
