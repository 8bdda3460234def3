using System.Text;

using static Portolan.Lab.Nodes.Containers.NativeMethods;

namespace Portolan.Lab.Nodes.Containers;

/// <summary>
/// The root of a container: an overlay whose lower layer is the machine's root, so that its programs are there, and whose upper layer is a tmpfs
/// that only the container's mount namespace knows. Whatever is not a program is hidden; whatever is written or removed stays in the upper layer.
/// </summary>
internal static unsafe class RootFileSystem
{
    private const uint Directory755 = 0x1ED, Directory700 = 0x1C0, Directory1777 = 0x3FF, File644 = 0x1A4;

    /// <summary>What is visible of the machine's root; anything else at the top is not there.</summary>
    private static readonly string[] Visible = ["bin", "sbin", "lib", "lib32", "lib64", "libx32", "usr", "etc", "opt"];

    private static readonly string[] Empty = ["home", "mnt", "media", "srv", "run", "run/lock", "proc", "sys", "dev", "boot",
        "var", "var/lib", "var/log", "var/cache", "var/spool", "var/empty"];

    private static readonly string[] Secrets = ["shadow", "shadow-", "gshadow", "gshadow-", "ssh", "sudoers", "sudoers.d", "kubernetes", "docker", "containerd", "machine-id"];

    /// <summary>Kernel interfaces that are not in any namespace: a container's root may not write them, or not even see them (as container runtimes do).</summary>
    private static readonly string[] ReadOnlyPaths = ["/proc/bus", "/proc/fs", "/proc/irq", "/proc/sys", "/proc/sysrq-trigger"];
    private static readonly string[] MaskedPaths = ["/proc/acpi", "/proc/asound", "/proc/interrupts", "/proc/kcore", "/proc/keys", "/proc/latency_stats",
        "/proc/timer_list", "/proc/timer_stats", "/proc/sched_debug", "/proc/scsi", "/sys/firmware", "/sys/devices/virtual/powercap"];

    private static readonly (string Name, uint Major, uint Minor)[] Devices =
        [("null", 1, 3), ("zero", 1, 5), ("full", 1, 7), ("random", 1, 8), ("urandom", 1, 9), ("tty", 5, 0)];

    /// <summary>Whether a path of the machine is in a container's root under the same name.</summary>
    public static bool Shows(string path) => path.Split('/', StringSplitOptions.RemoveEmptyEntries) is [var top, ..] && Visible.Contains(top);

    /// <summary>Makes the root and moves this process into it. The process must be alone in its mount namespace.</summary>
    /// <exception cref="SystemCallException">The kernel refused a step.</exception>
    public static void Enter(ContainerSpec spec)
    {
        _ = umask(0); // the modes below are meant as written
        var work = spec.WorkDirectory;
        Mount("tmpfs", work, "tmpfs", MsNosuid | MsNodev, "mode=0755,size=1g");
        string upper = work + "/upper", root = work + "/root";
        MakeDirectory(upper, Directory755);
        MakeDirectory(work + "/work", Directory755);
        MakeDirectory(root, Directory755);
        FillUpperLayer(upper, spec);
        Mount("overlay", root, "overlay", MsNodev | MsNosuid, $"lowerdir=/,upperdir={upper},workdir={work}/work");
        ShowSeparateFileSystems(root);

        Mount("proc", root + "/proc", "proc", MsNosuid | MsNodev | MsNoexec, null);
        Mount("sysfs", root + "/sys", "sysfs", MsNosuid | MsNodev | MsNoexec | MsRdonly, null);
        MakeDevices(root + "/dev");

        // The sources are opened while the machine's root is still the root: afterwards a path would be looked up in the container's.
        var sources = spec.Mounts.Select(m => OpenTree.Open(m.Source, m.SubPath, m.Create)).ToArray();
        var oldRoot = SystemCall.Check(open("/", OPath | ODirectory | OCloexec, 0), "open /");
        SystemCall.Check(chdir(root), $"chdir {root}");
        SystemCall.Check(pivot_root(".", "."), "pivot_root");
        SystemCall.Check(chdir("/"), "chdir /");
        _ = umask(0x12); // 022, as programs expect

        for (var i = 0; i < sources.Length; i++)
            BindVolume(sources[i], spec.Mounts[i]);
        Protect(spec.WritableNetworkSettings);
        SystemCall.Check(sethostname(spec.Hostname, (nuint)Encoding.UTF8.GetByteCount(spec.Hostname)), "sethostname");

        SystemCall.Check(fchdir(oldRoot), "chdir to the old root");
        SystemCall.Check(umount2(".", MntDetach), "detach the old root");
        SystemCall.Check(chdir("/"), "chdir /");
        Directory.CreateDirectory(spec.Process.WorkingDirectory);
        if (spec.ReadOnlyRoot)
            Mount(null, "/", null, MsRemount | MsBind | MsRdonly | MsNosuid | MsNodev, null);
    }

    private static void FillUpperLayer(string upper, ContainerSpec spec)
    {
        foreach (var entry in new DirectoryInfo("/").EnumerateFileSystemInfos())
            if (!Visible.Contains(entry.Name) && !Empty.Contains(entry.Name) && entry.Name is not ("root" or "tmp"))
                Whiteout($"{upper}/{entry.Name}");
        foreach (var name in Empty)
            OpaqueDirectory($"{upper}/{name}", Directory755);
        OpaqueDirectory($"{upper}/root", Directory700);
        OpaqueDirectory($"{upper}/tmp", Directory1777);
        OpaqueDirectory($"{upper}/var/tmp", Directory1777);
        SystemCall.Check(symlink("/run", $"{upper}/var/run"), "link /var/run");
        SystemCall.Check(symlink("/run/lock", $"{upper}/var/lock"), "link /var/lock");

        MakeDirectory($"{upper}/etc", Directory755);
        foreach (var name in Secrets)
            Whiteout($"{upper}/etc/{name}");
        MakeDirectory($"{upper}/etc/ssl", Directory755);
        Whiteout($"{upper}/etc/ssl/private");
        foreach (var file in spec.Files)
        {
            var path = upper + file.Path;
            File.WriteAllText(path, file.Content);
            SystemCall.Check(chmod(path, File644), $"chmod {file.Path}");
        }
    }

    /// <summary>An overlay shows one file system: a /usr of its own, say, is shown beside it.</summary>
    private static void ShowSeparateFileSystems(string root)
    {
        foreach (var line in File.ReadLines("/proc/self/mounts"))
        {
            var target = line.Split(' ')[1];
            if (target.LastIndexOf('/') != 0 || target.Length == 1 || !Visible.Contains(target[1..]) || new DirectoryInfo(target).LinkTarget is not null || !Directory.Exists(target))
                continue;
            Mount(target, root + target, null, MsBind | MsRec, null);
            Mount(null, root + target, null, MsRemount | MsBind | MsRdonly | MsNosuid | MsNodev, null);
        }
    }

    private static void MakeDevices(string dev)
    {
        Mount("tmpfs", dev, "tmpfs", MsNosuid | MsNoexec, "mode=0755,size=64k");
        foreach (var (name, major, minor) in Devices)
            SystemCall.Check(mknod($"{dev}/{name}", SIfChr | 0x1B6, (major << 8) | minor), $"make /dev/{name}"); // 0666
        MakeDirectory($"{dev}/pts", Directory755);
        Mount("devpts", $"{dev}/pts", "devpts", MsNosuid | MsNoexec, "newinstance,ptmxmode=0666,mode=0620,gid=5");
        MakeDirectory($"{dev}/shm", Directory1777);
        Mount("tmpfs", $"{dev}/shm", "tmpfs", MsNosuid | MsNodev | MsNoexec, "mode=1777,size=64m");
        foreach (var (name, target) in new[] { ("ptmx", "pts/ptmx"), ("fd", "/proc/self/fd"), ("stdin", "/proc/self/fd/0"), ("stdout", "/proc/self/fd/1"), ("stderr", "/proc/self/fd/2") })
            SystemCall.Check(symlink(target, $"{dev}/{name}"), $"link /dev/{name}");
    }

    private static void BindVolume(int source, ContainerMount volume)
    {
        var from = $"/proc/self/fd/{source}";
        var target = volume.Target;
        if (Directory.Exists(from))
            Directory.CreateDirectory(target);
        else if (!File.Exists(target))
        {
            Directory.CreateDirectory(Path.GetDirectoryName(target)!);
            File.WriteAllText(target, "");
        }
        Mount(from, target, null, MsBind, null);
        Mount(null, target, null, MsRemount | MsBind | MsNosuid | MsNodev | (volume.ReadOnly ? MsRdonly : 0), null);
        _ = close(source);
    }

    private static void Protect(bool writableNetworkSettings)
    {
        foreach (var path in ReadOnlyPaths.Where(Path.Exists))
        {
            Mount(path, path, null, MsBind | MsRec, null);
            Mount(null, path, null, MsRemount | MsBind | MsRdonly | MsNosuid | MsNodev | MsNoexec, null);
        }
        if (writableNetworkSettings)
        {
            Mount("/proc/sys/net", "/proc/sys/net", null, MsBind, null);
            Mount(null, "/proc/sys/net", null, MsRemount | MsBind | MsNosuid | MsNodev | MsNoexec, null);
        }
        foreach (var path in MaskedPaths)
        {
            if (Directory.Exists(path))
                Mount("tmpfs", path, "tmpfs", MsRdonly, "size=4k");
            else if (File.Exists(path))
                Mount("/dev/null", path, null, MsBind, null);
        }
    }

    private static void Mount(string? source, string target, string? type, nuint flags, string? data) =>
        SystemCall.Check(mount(source, target, type, flags, data), $"mount {type ?? source ?? "options"} on {target}");

    private static void MakeDirectory(string path, uint mode) => SystemCall.Check(mkdir(path, mode), $"make directory {path}");

    /// <summary>A character device 0:0 in the upper layer hides the lower layer's entry (kernel documentation, overlayfs: whiteouts).</summary>
    private static void Whiteout(string path) => SystemCall.Check(mknod(path, SIfChr, 0), $"hide {path}");

    /// <summary>The lower layer's directory of that name does not show through.</summary>
    private static void OpaqueDirectory(string path, uint mode)
    {
        MakeDirectory(path, mode);
        var yes = (byte)'y';
        SystemCall.Check(setxattr(path, "trusted.overlay.opaque", &yes, 1, 0), $"make {path} opaque");
    }
}
