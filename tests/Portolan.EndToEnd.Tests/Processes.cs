using System.Diagnostics;

namespace Portolan.EndToEnd.Tests;

/// <summary>The processes of a lab, found by their cgroup and command line.</summary>
internal static class Processes
{
    /// <param name="lab">The lab's name.</param>
    /// <param name="command">What the command line begins with after the executable's directory, e.g. <c>portolan speaker</c>.</param>
    public static IReadOnlyList<int> Of(string lab, string command)
    {
        var found = new List<int>();
        foreach (var directory in Directory.GetDirectories("/proc"))
            if (int.TryParse(Path.GetFileName(directory), out var pid) && BelongsTo(directory, lab) && CommandLine(directory).StartsWith(command, StringComparison.Ordinal))
                found.Add(pid);
        return found;
    }

    /// <summary>Kills without warning, and waits until the kernel has taken the process away.</summary>
    public static void KillHard(int pid)
    {
        Shell.Run($"kill -9 {pid}").Succeeds();
        var clock = Stopwatch.StartNew();
        while (Directory.Exists($"/proc/{pid}") && clock.Elapsed < TimeSpan.FromSeconds(5) && !Read($"/proc/{pid}/stat").Contains(") Z ", StringComparison.Ordinal))
            Thread.Yield();
    }

    private static bool BelongsTo(string directory, string lab) => Read(Path.Combine(directory, "cgroup")).Contains($"portolan-lab-{lab}", StringComparison.Ordinal);

    private static string CommandLine(string directory)
    {
        var arguments = Read(Path.Combine(directory, "cmdline")).Split('\0', StringSplitOptions.RemoveEmptyEntries);
        return arguments is [var executable, .. var rest] ? string.Join(' ', [Path.GetFileName(executable), .. rest]) : "";
    }

    private static string Read(string file)
    {
        try
        {
            return File.ReadAllText(file);
        }
        catch (IOException)
        {
            return ""; // it ended while we looked
        }
    }
}
