using System.Text;

using Portolan.Lab.Nodes.Containers;

namespace Portolan.Lab.Tests.Nodes;

public sealed class ContainerTests(ContainerFixture fixture) : IClassFixture<ContainerFixture>
{
    [Fact]
    public async Task HasItsOwnNamesAndProcessNumbers()
    {
        ContainerFixture.SkipUnlessRoot();
        var (status, output) = await fixture.RunToEndAsync(fixture.Spec("sh", "-c", "hostname; echo pid $$; cat /etc/hosts /etc/resolv.conf; ls /proc | grep -c '^[0-9]'; ip -o link | wc -l"));
        Assert.Equal(0, status);
        Assert.StartsWith("pod-one\npid 1\n127.0.0.1 localhost\n10.233.64.2 pod-one\nnameserver 10.233.0.3\n", output);
    }

    [Fact]
    public async Task TellsTheExitStatus_AndTheSignal()
    {
        ContainerFixture.SkipUnlessRoot();
        Assert.Equal(7, (await fixture.RunToEndAsync(fixture.Spec("sh", "-c", "exit 7"))).Status);
        await using var sleeper = await fixture.StartAsync(fixture.Spec("sleep", "600"));
        sleeper.Container.Signal(9);
        Assert.Equal(137, await sleeper.Container.Exited.WaitAsync(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public async Task SaysWhyAProgramDidNotStart()
    {
        ContainerFixture.SkipUnlessRoot();
        var failure = await Assert.ThrowsAsync<ContainerStartException>(() => fixture.StartAsync(fixture.Spec("no-such-program")));
        Assert.Equal("exec: \"no-such-program\": executable file not found in $PATH", failure.Message);
    }

    [Fact]
    public async Task ShowsProgramsButNothingElseOfTheMachine()
    {
        ContainerFixture.SkipUnlessRoot();
        var (status, output) = await fixture.RunToEndAsync(fixture.Spec("sh", "-c",
            "ls -A /home /root /mnt /srv /run /tmp /var/lib /var/log; ls /; cat /etc/shadow; ls -d /work /farm; test -x /usr/bin/env && echo programs"));
        Assert.Equal(0, status);
        Assert.Contains("programs", output);
        Assert.Contains("/etc/shadow: No such file", output);
        foreach (var hidden in Directory.GetFileSystemEntries("/root").Concat(Directory.GetFileSystemEntries("/run")).Select(Path.GetFileName).Where(n => n!.Length > 4 && n != "lock"))
            Assert.DoesNotContain($"\n{hidden}\n", "\n" + output);
    }

    [Fact]
    public async Task RemovingEverythingInside_ChangesNothingOutside()
    {
        ContainerFixture.SkipUnlessRoot();
        // First that a file which nobody needs survives; only then directories that somebody does.
        const string canaryDirectory = "/opt/portolan-canary-" + nameof(ContainerTests);
        var canary = Path.Combine(canaryDirectory, "file");
        Directory.CreateDirectory(canaryDirectory);
        try
        {
            await File.WriteAllTextAsync(canary, "alive");
            var (_, first) = await fixture.RunToEndAsync(fixture.Spec("sh", "-c", $"cat {canary}; echo changed > {canary}; rm -rf {canaryDirectory} && ls {canaryDirectory}"));
            Assert.StartsWith("alive", first);
            Assert.Contains("No such file", first);
            Assert.Equal("alive", await File.ReadAllTextAsync(canary));

            var before = Directory.GetFileSystemEntries("/etc", "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 }).Order().ToList();
            var (status, output) = await fixture.RunToEndAsync(fixture.Spec("sh", "-c", "rm -rf /home /etc && ls -d /home /etc"));
            Assert.NotEqual(0, status);
            Assert.DoesNotContain("busy", output);
            Assert.Equal(before, Directory.GetFileSystemEntries("/etc", "*", new EnumerationOptions { RecurseSubdirectories = true, AttributesToSkip = 0 }).Order().ToList());
            Assert.Equal("alive", await File.ReadAllTextAsync(canary));
        }
        finally
        {
            Directory.Delete(canaryDirectory, recursive: true);
        }
    }

    [Fact]
    public async Task HasNoWayToDevicesMountsAndKernelSettings()
    {
        ContainerFixture.SkipUnlessRoot();
        var spec = fixture.Spec("sh", "-c", """
            mknod /tmp/disk b 254 0 2>/dev/null && echo BAD mknod
            mount -t tmpfs tmpfs /mnt 2>/dev/null && echo BAD mount
            (echo x > /proc/sys/kernel/core_pattern) 2>/dev/null && echo BAD core_pattern
            (echo h > /proc/sysrq-trigger) 2>/dev/null && echo BAD sysrq
            (echo 1 > /sys/kernel/mm/ksm/run) 2>/dev/null && echo BAD sys
            ls /proc/1/fd | tr '\n' ' '
            grep -E 'CapEff|CapBnd|NoNewPrivs' /proc/self/status
            """);
        var (_, output) = await fixture.RunToEndAsync(spec with { Process = spec.Process with { Capabilities = Capabilities.Resolve(privileged: true, ["ALL"], []) } });
        Assert.DoesNotContain("BAD", output);
        Assert.StartsWith("0 1 2 ", output);
        Assert.Contains($"CapBnd:\t{Capabilities.Most & Capabilities.Held():x16}", output);
        Assert.Contains("NoNewPrivs:\t1", output);
    }

    [Fact]
    public async Task TheExecutableThatMakesContainers_CannotBeWrittenFromInside()
    {
        ContainerFixture.SkipUnlessRoot();
        var spec = fixture.Spec("/bin/sh", "-c", "exec 9</proc/self/exe; (echo x > /proc/self/fd/9) 2>&1; echo done");
        // The program is the executable itself, found through /proc: what it opens of itself is on a read-only mount.
        var trick = fixture.Spec("/proc/self/exe", "--help");
        var (_, ran) = await fixture.RunToEndAsync(trick);
        Assert.NotNull(ran);
        var (_, output) = await fixture.RunToEndAsync(spec);
        Assert.Contains("done", output);
        Assert.True(new FileInfo(ContainerFixture.LabExecutable).Length > 1000);
    }

    [Fact]
    public async Task RunsAsAnotherUser_OnAReadOnlyRoot()
    {
        ContainerFixture.SkipUnlessRoot();
        var spec = fixture.Spec("sh", "-c", "exec 2>&1; id -u; id -g; id -G; pwd; touch /etc/x || touch /x || touch /data/x && echo wrote /data; grep CapEff /proc/self/status");
        var data = fixture.NewDirectory("data");
        File.SetUnixFileMode(data, (UnixFileMode)0x1FF);
        var (_, output) = await fixture.RunToEndAsync(spec with
        {
            ReadOnlyRoot = true,
            Mounts = [new ContainerMount(data, "/data", ReadOnly: false)],
            Process = spec.Process with { User = 65534, Group = 65533, SupplementalGroups = [7], WorkingDirectory = "/made/for/it" },
        });
        Assert.StartsWith("65534\n65533\n65533 7\n/made/for/it\n", output);
        Assert.Contains("Read-only file system", output);
        Assert.Contains("wrote /data", output);
        Assert.Contains("CapEff:\t0000000000000000", output);
        Assert.True(File.Exists(Path.Combine(data, "x")));
    }

    [Fact]
    public async Task AVolumesLinks_LeadNowhereOutside()
    {
        ContainerFixture.SkipUnlessRoot();
        var volume = fixture.NewDirectory("volume");
        File.CreateSymbolicLink(Path.Combine(volume, "trap"), "/etc");
        var spec = fixture.Spec("ls", "/data");
        var failure = await Assert.ThrowsAsync<ContainerStartException>(() => fixture.StartAsync(spec with { Mounts = [new ContainerMount(volume, "/data", false, "trap")] }));
        Assert.Contains("No such file", failure.Message);

        var (status, _) = await fixture.RunToEndAsync(spec with { Mounts = [new ContainerMount(volume, "/data", false, "a/b", Create: true)] });
        Assert.Equal(0, status);
        Assert.True(Directory.Exists(Path.Combine(volume, "a/b")));
    }

    [Fact]
    public async Task ReadOnlyMounts_AndTargetsBehindTheContainersOwnLinks()
    {
        ContainerFixture.SkipUnlessRoot();
        var token = fixture.NewDirectory("token");
        await File.WriteAllTextAsync(Path.Combine(token, "token"), "secret");
        var spec = fixture.Spec("sh", "-c", "cat /run/secrets/kubernetes.io/serviceaccount/token; echo x > /var/run/secrets/kubernetes.io/serviceaccount/token");
        var (status, output) = await fixture.RunToEndAsync(spec with { Mounts = [new ContainerMount(token, "/var/run/secrets/kubernetes.io/serviceaccount", ReadOnly: true)] });
        Assert.Contains("secret", output); // output and errors come by two pipes, in no order
        Assert.Contains("Read-only file system", output);
        Assert.NotEqual(0, status);
        Assert.False(Directory.Exists("/run/secrets/kubernetes.io"));
    }

    [Fact]
    public async Task ATerminalIsOne_InsideToo()
    {
        ContainerFixture.SkipUnlessRoot();
        var spec = fixture.Spec("/bin/sh");
        spec = spec with { Process = spec.Process with { Terminal = true, Stdin = true, Environment = [.. spec.Process.Environment, "PS1=$PWD # ", "TERM=xterm"] } };
        await using var shell = await fixture.StartAsync(spec);
        await shell.UntilOutputAsync("/ # ");
        shell.Container.Resize(new TerminalSize(99, 33));
        await shell.Container.WriteInputAsync(Encoding.UTF8.GetBytes("tty; stty size; cd /usr\r"), CancellationToken.None);
        await shell.UntilOutputAsync("/usr # ");
        Assert.Contains("/dev/pts/0\r\n33 99\r\n", shell.Text);
        await shell.Container.WriteInputAsync(Encoding.UTF8.GetBytes("exit 3\r"), CancellationToken.None);
        Assert.Equal(3, await shell.Container.Exited.WaitAsync(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public async Task ExecJoinsTheContainer()
    {
        ContainerFixture.SkipUnlessRoot();
        await using var sleeper = await fixture.StartAsync(fixture.Spec("sh", "-c", "echo mark > /tmp/mark; echo ready; exec sleep 600"));
        await sleeper.UntilOutputAsync("ready");
        var process = fixture.Spec("sh", "-c", "cat /tmp/mark; hostname; cat /proc/1/comm; grep CapEff /proc/self/status; read line; echo got $line; echo err >&2; exit 42").Process;
        using var exec = await ContainerProcess.ExecAsync(ContainerFixture.LabExecutable, process with { Stdin = true }, sleeper.Cgroup, sleeper.Container.Pid);
        var reader = exec.Output.Attach();
        await exec.WriteInputAsync("hello\n"u8.ToArray(), CancellationToken.None);
        exec.CloseInput();
        Assert.Equal(42, await exec.Exited.WaitAsync(TimeSpan.FromSeconds(30)));
        var text = new StringBuilder();
        await foreach (var chunk in reader.ReadAllAsync())
            text.Append(Encoding.UTF8.GetString(chunk.Bytes.Span));
        Assert.Contains("got hello", text.ToString());
        Assert.Contains("sleep", text.ToString());
        Assert.Contains("pod-one", text.ToString());
        Assert.Contains($"CapEff:\t{Capabilities.Usual & Capabilities.Held():x16}", text.ToString());
    }

    [Fact]
    public async Task ACommandsOutputWaitsForItsReader_AndNoneIsLost()
    {
        ContainerFixture.SkipUnlessRoot();
        await using var sleeper = await fixture.StartAsync(fixture.Spec("sleep", "600"));
        using var exec = await ContainerProcess.ExecAsync(ContainerFixture.LabExecutable, fixture.Spec("head", "-c", "20000000", "/dev/zero").Process, sleeper.Cgroup, sleeper.Container.Pid);
        await Task.Delay(200);
        long length = 0;
        await foreach (var chunk in exec.Output.Attach().ReadAllAsync())
            length += chunk.Bytes.Length;
        Assert.Equal(20_000_000, length);
        Assert.Equal(0, await exec.Exited.WaitAsync(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public async Task TheFirstClientSeesWhatWasWrittenBeforeIt_WhenTheContainerIsMadeForIt()
    {
        var output = new ContainerOutput(_ => { }, keepForFirst: true);
        await output.WriteAsync(OutputStream.Out, "early"u8.ToArray());
        var first = output.Attach();
        var second = output.Attach();
        output.End();
        Assert.True(first.TryRead(out var chunk));
        Assert.Equal("early", Encoding.UTF8.GetString(chunk.Bytes.Span));
        Assert.False(second.TryRead(out _));
    }

    [Fact]
    public async Task KillingTheGroup_LeavesNoProcess_AndNoMountOnTheMachine()
    {
        ContainerFixture.SkipUnlessRoot();
        var mountsBefore = await File.ReadAllTextAsync("/proc/self/mountinfo");
        var running = await fixture.StartAsync(fixture.Spec("sh", "-c", "(setsid sleep 600 &) ; (trap '' TERM; sleep 600) & echo ready; wait"));
        await running.UntilOutputAsync("ready");
        Assert.DoesNotContain(fixture.Directory, await File.ReadAllTextAsync("/proc/self/mountinfo"));
        await running.DisposeAsync();
        Assert.False(Directory.Exists(running.Cgroup.Path));
        Assert.DoesNotContain(fixture.Directory, await File.ReadAllTextAsync("/proc/self/mountinfo"));
        Assert.NotEmpty(mountsBefore);
    }
}
