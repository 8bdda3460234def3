using System.Diagnostics;
using System.Security.Cryptography;

using Portolan.Lab.Supervision;

namespace Portolan.Lab.Tests.Supervision;

public sealed class CgroupsTests
{
    [Fact]
    public void FindsVersionTwoBesideVersionOne() =>
        Assert.Equal("/sys/fs/cgroup/unified", Cgroups.FindMountPoint(["tmpfs /sys/fs/cgroup tmpfs rw 0 0", "cgroup /sys/fs/cgroup/cpu cgroup rw 0 0", "cgroup2 /sys/fs/cgroup/unified cgroup2 rw 0 0"]));

    [Fact]
    public void SaysWhatToDo_WhereThereIsNone() =>
        Assert.Contains("mount -t cgroup2", Assert.Throws<InvalidOperationException>(() => Cgroups.FindMountPoint(["tmpfs / tmpfs rw 0 0"])).Message, StringComparison.Ordinal);

    [Fact]
    public async Task RemovingASubtreeEndsEveryProcessInIt_HoweverDeep()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "making cgroups needs root");
        var cancel = TestContext.Current.CancellationToken;
        var cgroup = Path.Combine(Cgroups.MountPoint, $"portolan-test-{RandomNumberGenerator.GetHexString(8, lowercase: true)}");
        var leaf = Path.Combine(cgroup, "node1", "pods", "x");
        Directory.CreateDirectory(leaf);
        using var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", """trap '' TERM INT HUP; echo 0 > "$0/cgroup.procs"; echo in; sleep 1000 & wait""", leaf]) { RedirectStandardOutput = true })!;
        Assert.Equal("in", await process.StandardOutput.ReadLineAsync(cancel));

        await Cgroups.RemoveAsync(cgroup, cancel);

        await process.WaitForExitAsync(cancel);
        Assert.Equal(128 + 9, process.ExitCode);
        Assert.False(Directory.Exists(cgroup));
        await Cgroups.RemoveAsync(cgroup, cancel);
    }

    [Fact]
    public async Task AFrozenSubtreeStandsStill_AndCanBeRemoved()
    {
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "making cgroups needs root");
        var cancel = TestContext.Current.CancellationToken;
        var cgroup = Path.Combine(Cgroups.MountPoint, $"portolan-test-{RandomNumberGenerator.GetHexString(8, lowercase: true)}");
        Directory.CreateDirectory(cgroup);
        using var process = Process.Start(new ProcessStartInfo("/bin/sh", ["-c", """echo 0 > "$0/cgroup.procs"; echo in; while read -r line; do echo "$line"; done""", cgroup]) { RedirectStandardOutput = true, RedirectStandardInput = true })!;
        Assert.Equal("in", await process.StandardOutput.ReadLineAsync(cancel));

        await Cgroups.SetFrozenAsync(cgroup, true, cancel);
        await process.StandardInput.WriteLineAsync("hello".AsMemory(), cancel);
        await process.StandardInput.FlushAsync(cancel);
        var answer = process.StandardOutput.ReadLineAsync(cancel).AsTask();
        Assert.NotSame(answer, await Task.WhenAny(answer, Task.Delay(200, cancel)));
        await Cgroups.SetFrozenAsync(cgroup, false, cancel);
        Assert.Equal("hello", await answer);

        await Cgroups.SetFrozenAsync(cgroup, true, cancel);
        await Cgroups.RemoveAsync(cgroup, cancel);
        Assert.False(Directory.Exists(cgroup));
    }
}
