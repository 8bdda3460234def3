using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;

namespace Portolan.Rig;

/// <summary>A process of a lab, pods' included: found by its cgroup.</summary>
/// <param name="Pid">Its number.</param>
/// <param name="CommandLine">Without the directory of its program.</param>
internal sealed record LabProcess(int Pid, string CommandLine)
{
    public static IReadOnlyList<LabProcess> All(string lab) =>
    [
        .. Directory.GetDirectories("/proc").Select(d => int.TryParse(Path.GetFileName(d), CultureInfo.InvariantCulture, out var pid) ? pid : 0)
            .Where(pid => pid > 0 && Read(pid, "cgroup").Contains($"/portolan-lab-{lab}/", StringComparison.Ordinal))
            .Select(pid => new LabProcess(pid, Words(Read(pid, "cmdline")))).Where(p => p.CommandLine.Length > 0),
    ];

    /// <summary>Without warning; returns when the kernel has taken it away. One that ended meanwhile is dead, too.</summary>
    public void Kill()
    {
        try
        {
            using var process = Process.GetProcessById(Pid);
            process.Kill();
        }
        catch (Exception gone) when (gone is ArgumentException or InvalidOperationException or Win32Exception)
        {
            return;
        }
        var clock = Stopwatch.StartNew();
        while (clock.Elapsed < TimeSpan.FromSeconds(5) && Read(Pid, "stat") is { Length: > 0 } stat && !stat.Contains(") Z ", StringComparison.Ordinal))
            Thread.Sleep(1);
    }

    /// <summary>Proportional set size: shared pages in parts. 0 when it has ended.</summary>
    public double PssMegabytes => Read(Pid, "smaps_rollup").Split('\n').FirstOrDefault(l => l.StartsWith("Pss:", StringComparison.Ordinal)) is { } line
        ? double.Parse(line.Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture) / 1024 : 0;

    /// <summary>Since it started, in its own code and in the kernel's.</summary>
    public TimeSpan Cpu => Read(Pid, "stat") is { Length: > 0 } stat && stat[(stat.LastIndexOf(')') + 2)..].Split(' ') is var fields
        ? TimeSpan.FromMilliseconds(10 * (long.Parse(fields[11], CultureInfo.InvariantCulture) + long.Parse(fields[12], CultureInfo.InvariantCulture))) : TimeSpan.Zero;

    private static string Words(string cmdline) =>
        cmdline.Split('\0', StringSplitOptions.RemoveEmptyEntries) is [var program, .. var rest] ? string.Join(' ', [Path.GetFileName(program), .. rest]) : "";

    private static string Read(int pid, string file)
    {
        try
        {
            return File.ReadAllText($"/proc/{pid}/{file}");
        }
        catch (Exception gone) when (gone is IOException or UnauthorizedAccessException)
        {
            return "";
        }
    }
}
