namespace Portolan.Lab.Supervision;

/// <summary>The version 2 cgroup tree, used only to hold on to processes: no controller is switched on.</summary>
internal static class Cgroups
{
    /// <summary>The first cgroup2 mount of the machine: <c>/sys/fs/cgroup</c>, or <c>/sys/fs/cgroup/unified</c> beside version 1.</summary>
    /// <exception cref="InvalidOperationException">There is none.</exception>
    public static string MountPoint { get; } = FindMountPoint(File.ReadLines("/proc/self/mounts"));

    internal static string FindMountPoint(IEnumerable<string> mounts)
    {
        foreach (var line in mounts)
        {
            var fields = line.Split(' ');
            if (fields.Length > 2 && fields[2] == "cgroup2")
                return fields[1];
        }
        throw new InvalidOperationException("this machine has no cgroup2 mount: mount one with 'mount -t cgroup2 none /sys/fs/cgroup/unified'");
    }

    /// <summary>Kills every process in the subtree, waits until they are gone, and removes it. Nothing happens if it does not exist.</summary>
    public static async Task RemoveAsync(string cgroup, CancellationToken cancel)
    {
        if (!Directory.Exists(cgroup))
            return;
        await KillAsync(cgroup, cancel).ConfigureAwait(false);
        foreach (var directory in Directory.EnumerateDirectories(cgroup, "*", SearchOption.AllDirectories).OrderByDescending(d => d.Length).Append(cgroup).ToList())
            NativeMethods.RemoveDirectory(directory);
    }

    /// <summary>Kills every process in the subtree (no signal handler runs) and waits until none is left.</summary>
    public static async Task KillAsync(string cgroup, CancellationToken cancel)
    {
        if (!Directory.Exists(cgroup))
            return;
        // Kill moves on only when the kernel has let go: a process that is still dying keeps its namespaces and mounts alive.
        do
        {
            await File.WriteAllTextAsync(Path.Combine(cgroup, "cgroup.kill"), "1", cancel).ConfigureAwait(false);
            if (!IsPopulated(cgroup))
                return;
            await Task.Delay(TimeSpan.FromMilliseconds(5), cancel).ConfigureAwait(false);
        }
        while (true);
    }

    /// <summary>Stops every process in the subtree where it stands, those that come later too, and waits until all stand; or lets them go on. A frozen process can still be killed.</summary>
    public static async Task SetFrozenAsync(string cgroup, bool frozen, CancellationToken cancel)
    {
        Directory.CreateDirectory(cgroup);
        await File.WriteAllTextAsync(Path.Combine(cgroup, "cgroup.freeze"), frozen ? "1" : "0", cancel).ConfigureAwait(false);
        while (Says(cgroup, "frozen 1") != frozen)
            await Task.Delay(TimeSpan.FromMilliseconds(5), cancel).ConfigureAwait(false);
    }

    public static bool IsPopulated(string cgroup) => Says(cgroup, "populated 1");

    private static bool Says(string cgroup, string what) =>
        File.Exists(Path.Combine(cgroup, "cgroup.events"))
        && File.ReadLines(Path.Combine(cgroup, "cgroup.events")).Contains(what);
}
