using Portolan.Lab.Commands;
using Portolan.Lab.Network;

namespace Portolan.Lab.Supervision;

/// <summary>Takes a lab away by its name alone, whatever state it is in: whole, half made, half removed, crashed.</summary>
internal static class LabRemoval
{
    public static bool Exists(LabLayout layout) =>
        Directory.Exists(layout.StateDirectory) || Directory.Exists(layout.RunDirectory) || Directory.Exists(layout.Cgroup)
        || NamedNamespaces.List().Any(n => n.StartsWith(layout.NamespacePrefix, StringComparison.Ordinal));

    public static async Task RemoveAsync(LabLayout layout, CancellationToken cancel)
    {
        await StopAsync(layout, cancel).ConfigureAwait(false);
        await UnmountAsync(layout, cancel).ConfigureAwait(false);
        foreach (var directory in (string[])[layout.RunDirectory, layout.StateDirectory])
        {
            if (Directory.Exists(directory))
                Directory.Delete(directory, recursive: true);
        }
        await NamedNamespaces.RemoveMountAsync(cancel).ConfigureAwait(false);
        foreach (var directory in (string[])["/run/portolan/lab", "/run/portolan", "/var/lib/portolan/lab", "/var/lib/portolan"])
        {
            if (Directory.Exists(directory) && !Directory.EnumerateFileSystemEntries(directory).Any())
                NativeMethods.RemoveDirectory(directory);
        }
    }

    /// <summary>Processes first: they hold namespaces and mounts, and the supervisor would bring the others back.</summary>
    public static async Task StopAsync(LabLayout layout, CancellationToken cancel)
    {
        await Cgroups.RemoveAsync(layout.Cgroup, cancel).ConfigureAwait(false);
        await LabNetwork.RemoveAsync(layout, cancel).ConfigureAwait(false);
    }

    /// <summary>Mounts below the lab's directories go before its files: a mount of something of the machine must never be emptied.</summary>
    private static async Task UnmountAsync(LabLayout layout, CancellationToken cancel)
    {
        foreach (var mount in Mounts(layout).OrderByDescending(m => m.Length))
            await Tool.TryRunAsync("umount", ["--lazy", mount], null, cancel).ConfigureAwait(false);
        if (Mounts(layout).FirstOrDefault() is { } left)
            throw new LabException($"{left} is still mounted: unmount it, then run portolan lab down again");
    }

    private static List<string> Mounts(LabLayout layout) =>
    [
        .. File.ReadLines("/proc/self/mounts").Select(l => l.Split(' ')).Where(f => f.Length > 1).Select(f => f[1])
            .Where(p => p.StartsWith(layout.StateDirectory + "/", StringComparison.Ordinal) || p.StartsWith(layout.RunDirectory + "/", StringComparison.Ordinal)),
    ];
}
