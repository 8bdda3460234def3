namespace Portolan.Lab.Nodes.Containers;

/// <summary>Linux capabilities by their Kubernetes names (linux/capability.h without the CAP_ prefix).</summary>
internal static class Capabilities
{
    private static readonly string[] Names =
    [
        "CHOWN", "DAC_OVERRIDE", "DAC_READ_SEARCH", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "LINUX_IMMUTABLE",
        "NET_BIND_SERVICE", "NET_BROADCAST", "NET_ADMIN", "NET_RAW", "IPC_LOCK", "IPC_OWNER", "SYS_MODULE", "SYS_RAWIO", "SYS_CHROOT", "SYS_PTRACE",
        "SYS_PACCT", "SYS_ADMIN", "SYS_BOOT", "SYS_NICE", "SYS_RESOURCE", "SYS_TIME", "SYS_TTY_CONFIG", "MKNOD", "LEASE", "AUDIT_WRITE",
        "AUDIT_CONTROL", "SETFCAP", "MAC_OVERRIDE", "MAC_ADMIN", "SYSLOG", "WAKE_ALARM", "BLOCK_SUSPEND", "AUDIT_READ", "PERFMON", "BPF", "CHECKPOINT_RESTORE",
    ];

    /// <summary>What container runtimes give when nothing is asked for, except MKNOD: without a device cgroup a device node would be a way to the machine's disk.</summary>
    public static readonly ulong Usual = Of("CHOWN", "DAC_OVERRIDE", "FOWNER", "FSETID", "KILL", "SETGID", "SETUID", "SETPCAP", "NET_BIND_SERVICE", "NET_RAW", "SYS_CHROOT", "AUDIT_WRITE", "SETFCAP");

    /// <summary>
    /// All a pod can ever get, also when it says <c>privileged</c>. The rest reaches beyond the pod's namespaces: mounting and namespaces (SYS_ADMIN), device nodes (MKNOD),
    /// files by handle (DAC_READ_SEARCH), other processes (SYS_PTRACE), modules, raw I/O, the clock, reboot.
    /// </summary>
    public static readonly ulong Most = Usual | Of("NET_ADMIN", "NET_BROADCAST", "IPC_LOCK", "IPC_OWNER", "SYS_NICE", "SYS_RESOURCE", "LEASE");

    public const int Last = 40;

    public static ulong Of(params IEnumerable<string> names)
    {
        ulong set = 0;
        foreach (var name in names)
        {
            if (name.Equals("ALL", StringComparison.OrdinalIgnoreCase))
                return ulong.MaxValue;
            var bare = name.StartsWith("CAP_", StringComparison.OrdinalIgnoreCase) ? name[4..] : name;
            var bit = Array.FindIndex(Names, n => n.Equals(bare, StringComparison.OrdinalIgnoreCase));
            if (bit >= 0)
                set |= 1UL << bit;
        }
        return set;
    }

    /// <summary>What this process has itself: a machine that is a container may lack some.</summary>
    public static ulong Held() =>
        Convert.ToUInt64(File.ReadLines("/proc/self/status").First(line => line.StartsWith("CapPrm:", StringComparison.Ordinal))["CapPrm:".Length..].Trim(), 16);

    /// <summary>The set of a container: <c>securityContext.capabilities</c> over the usual set, never more than <see cref="Most"/>.</summary>
    public static ulong Resolve(bool privileged, IEnumerable<string> add, IEnumerable<string> drop) =>
        ((privileged ? Most : Usual) & ~Of(drop) | Of(add)) & Most;
}
