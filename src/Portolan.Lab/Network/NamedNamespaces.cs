using Portolan.Lab.Supervision;

namespace Portolan.Lab.Network;

/// <summary>The machine's named network namespaces, /run/netns as iproute2 keeps them.</summary>
internal static class NamedNamespaces
{
    private const string Root = "/run/netns";

    /// <summary>Set when /run/netns was no mount before the first lab came: then the last lab takes the mount away again.</summary>
    private const string MountedByUs = "/run/portolan/netns-mounted";

    public static IEnumerable<string> List() =>
        Directory.Exists(Root) ? Directory.EnumerateFiles(Root).Select(f => Path.GetFileName(f)!).Order(StringComparer.Ordinal) : [];

    public static Task EnsureDirectoryAsync(CancellationToken cancel)
    {
        cancel.ThrowIfCancellationRequested();
        if (!IsMounted())
        {
            // The first 'ip netns add' of a machine turns the directory into a shared mount.
            Directory.CreateDirectory("/run/portolan");
            File.WriteAllText(MountedByUs, "");
        }
        return Task.CompletedTask;
    }

    public static async Task DeleteAsync(Func<string, bool> chosen, CancellationToken cancel)
    {
        var names = List().Where(chosen).ToList();
        if (names.Count > 0)
        {
            // A name whose namespace was never bound to it (killed between the two) is an ordinary file that ip refuses to unmount but removes.
            await Tool.TryRunAsync("ip", ["-force", "-batch", "-"], string.Concat(names.Select(n => $"netns del {n}\n")), cancel).ConfigureAwait(false);
            foreach (var left in names.Select(n => Path.Combine(Root, n)).Where(File.Exists))
                File.Delete(left);
        }
    }

    /// <summary>Leaves /run/netns as it was before the first lab, once no namespace is in it.</summary>
    public static async Task RemoveMountAsync(CancellationToken cancel)
    {
        if (!File.Exists(MountedByUs) || (Directory.Exists(Root) && Directory.EnumerateFileSystemEntries(Root).Any()))
            return;
        if (IsMounted() && (await Tool.TryRunAsync("umount", [Root], null, cancel).ConfigureAwait(false)).ExitCode != 0)
            return;     // somebody else made a namespace meanwhile: theirs to clean up
        if (Directory.Exists(Root))
            NativeMethods.RemoveDirectory(Root);
        File.Delete(MountedByUs);
    }

    private static bool IsMounted() => File.ReadLines("/proc/self/mounts").Any(l => l.Split(' ') is { Length: > 1 } fields && fields[1] == Root);
}
