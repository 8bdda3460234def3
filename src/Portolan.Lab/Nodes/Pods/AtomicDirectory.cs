using System.Globalization;

using Portolan.Lab.Nodes.Containers;

namespace Portolan.Lab.Nodes.Pods;

/// <summary>A file of a volume that is made from API objects.</summary>
/// <param name="Content">Its bytes.</param>
/// <param name="Mode">Permission bits.</param>
internal readonly record struct VolumeFile(byte[] Content, int Mode);

/// <summary>
/// A directory whose files change all at once, as a kubelet's do: the files are links through <c>..data</c>, itself a link to a directory that is
/// never changed. A reader sees all of the old or all of the new; a <c>subPath</c> mount keeps what it was started with.
/// </summary>
internal static class AtomicDirectory
{
    private const string Data = "..data";

    /// <param name="directory">There, and nobody else's.</param>
    /// <param name="files">By their paths below it.</param>
    /// <param name="group">Whose files they are (<c>fsGroup</c>), who may then read what the owner may; or null.</param>
    /// <param name="now">Names the new directory.</param>
    /// <exception cref="FormatException">A path leaves the directory.</exception>
    public static void Write(string directory, IReadOnlyDictionary<string, VolumeFile> files, uint? group, DateTimeOffset now)
    {
        var next = $"..{now.UtcDateTime.ToString("yyyy_MM_dd_HH_mm_ss.fffffff", CultureInfo.InvariantCulture)}";
        var root = Path.Combine(directory, next);
        Directory.CreateDirectory(root);
        foreach (var (path, file) in files)
            Write(Below(root, path), file, group);

        var link = Path.Combine(directory, Data);
        var before = new FileInfo(link).LinkTarget;
        File.CreateSymbolicLink(link + "_tmp", next);
        SystemCall.Check(NativeMethods.rename(link + "_tmp", link), $"rename {link}");

        var names = files.Keys.Select(p => p.Split('/', StringSplitOptions.RemoveEmptyEntries)[0]).ToHashSet(StringComparer.Ordinal);
        foreach (var entry in new DirectoryInfo(directory).EnumerateFileSystemInfos().Where(e => !e.Name.StartsWith("..", StringComparison.Ordinal) && !names.Remove(e.Name)))
            File.Delete(entry.FullName);
        foreach (var name in names)
            File.CreateSymbolicLink(Path.Combine(directory, name), $"{Data}/{name}");
        if (before is not null && before != next)
            Directory.Delete(Path.Combine(directory, before), recursive: true);
    }

    private static void Write(string path, VolumeFile file, uint? group)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        File.WriteAllBytes(path, file.Content);
        // What the owner may read its group may, too.
        var mode = group is null ? file.Mode : file.Mode | ((file.Mode & 0x100) >> 3);
        SystemCall.Check(NativeMethods.chmod(path, (uint)mode), $"chmod {path}");
        if (group is { } owner)
            SystemCall.Check(NativeMethods.chown(path, 0, owner), $"chown {path}");
    }

    private static string Below(string directory, string path)
    {
        var full = Path.GetFullPath(path, directory);
        return full.StartsWith(directory + "/", StringComparison.Ordinal) ? full : throw new FormatException($"path \"{path}\" leaves its volume");
    }
}
