namespace Portolan.EndToEnd.Tests;

/// <summary>What of a machine a lab could leave behind, as sorted text.</summary>
internal static class MachineState
{
    public static string Snapshot(string lab)
    {
        var parts = new[]
        {
            "ip -o link show | sed 's/ .*state/ state/; s/^[0-9]*: //'",
            "ip route show table all | grep -v ^broadcast",
            $"ls /run/netns 2>/dev/null | grep -- '-{lab}-' ",
            $"cut -d' ' -f4,5 /proc/self/mountinfo | grep -E 'portolan.*[-/]{lab}([-/ ]|$)'",
            $"find /sys/fs/cgroup -maxdepth 3 -type d -name '*portolan-lab-{lab}*' 2>/dev/null",
            $"ls -d /var/lib/portolan/lab/{lab} /run/portolan/lab/{lab} 2>/dev/null",
            // A command line that names the lab belongs to it; ours carry its name in an option or a path.
            $"for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline 2>/dev/null | grep -E 'portolan(-lab)? ' | grep -- '{lab}' ; done",
        };
        return string.Join("\n--\n", parts.Select(part => Shell.Run(part + " | sort").Output));
    }
}
