using Portolan.Rig;

namespace Portolan.Soak.LabCycles;

/// <summary>What of a machine a lab could leave behind, as sorted text.</summary>
internal static class MachineState
{
    public static async Task<string> SnapshotAsync(string lab)
    {
        var parts = new[]
        {
            "ip -o link show | sed 's/ .*state/ state/; s/^[0-9]*: //'",
            "ip route show table all | grep -v ^broadcast; ip -6 route show table all; ip rule; ip -6 rule",
            "nft list tables",
            $"ls /run/netns 2>/dev/null | grep -- '-{lab}-' ",
            $"cut -d' ' -f4,5 /proc/self/mountinfo | grep -E 'portolan.*[-/]{lab}([-/ ]|$)'",
            // Pods' command lines do not name the lab, and an unnamed namespace or mount lives as long as a process in it.
            // A dead process without a command line waits for the machine's first process to notice: that is none of the lab's business.
            $"for p in /proc/[0-9]*; do grep -q -- 'portolan-lab-{lab}' $p/cgroup 2>/dev/null && tr '\\0' ' ' <$p/cmdline; done",
            $"find /sys/fs/cgroup -type d -name '*portolan-lab-{lab}*' 2>/dev/null",
            $"find /etc /run /tmp /var /dev /root /home -xdev \\( -path '*portolan/lab/{lab}' -o -name '*portolan-*{lab}*' \\) 2>/dev/null",
            $"grep -o 'portolan-lab-{lab}' /proc/net/unix",
            // A command line that names the lab belongs to it; ours carry its name in an option or a path.
            $"for p in /proc/[0-9]*; do tr '\\0' ' ' <$p/cmdline 2>/dev/null | grep -E 'portolan(-lab)? ' | grep -- '{lab}' ; done",
        };
        var found = await Task.WhenAll(parts.Select(part => Command.RunAsync("(" + part + ") 2>/dev/null | sort")));
        return string.Join("\n--\n", found.Select(f => f.Output));
    }
}
