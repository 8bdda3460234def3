using System.Diagnostics;
using System.Text;

using Portolan.Lab.Nodes.Containers;
using Portolan.Lab.Supervision;

namespace Portolan.Lab.Tests.Nodes;

/// <summary>A place for real containers: a network namespace, a cgroup and directories of its own, and nothing left of them afterwards.</summary>
public sealed class ContainerFixture : IAsyncLifetime
{
    private static int _count;
    private readonly string _name = $"nodetest-{Environment.ProcessId}-{Interlocked.Increment(ref _count)}";
    private int _containers;

    public static string LabExecutable { get; } = Path.Combine(AppContext.BaseDirectory, "portolan-lab");

    public string Directory { get; private set; } = "";
    public string NetworkNamespace => $"/run/netns/{_name}";
    public string NetworkNamespaceName => _name;
    internal ContainerCgroup Cgroup => new(Path.Combine(Cgroups.MountPoint, _name));

    public static void SkipUnlessRoot()
    {
        Assert.SkipUnless(Environment.UserName == "root", "containers need root");
        Assert.SkipUnless(File.ReadLines("/proc/self/mounts").Any(l => l.Split(' ')[2] == "cgroup2"), "this machine has no cgroup2 mount");
    }

    public async ValueTask InitializeAsync()
    {
        if (Environment.UserName != "root")
            return;
        Directory = System.IO.Directory.CreateDirectory($"/run/{_name}").FullName;
        Cgroup.Create();
        await RunAsync("ip", "netns", "add", _name);
        await RunAsync("ip", "-n", _name, "link", "set", "lo", "up");
    }

    public async ValueTask DisposeAsync()
    {
        if (Directory.Length == 0)
            return;
        await Cgroup.RemoveAsync(CancellationToken.None);
        await RunAsync("ip", "netns", "del", _name);
        System.IO.Directory.Delete(Directory, recursive: true);
    }

    internal ContainerSpec Spec(params string[] arguments) => new()
    {
        WorkDirectory = NewDirectory("work"),
        Hostname = "pod-one",
        Files =
        [
            new("/etc/hostname", "pod-one\n"), new("/etc/hosts", "127.0.0.1 localhost\n10.233.64.2 pod-one\n"), new("/etc/resolv.conf", "nameserver 10.233.0.3\n"),
        ],
        Process = new ProcessSpec { Arguments = arguments, Environment = ["PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin", "HOME=/root"] },
    };

    internal string NewDirectory(string name) => System.IO.Directory.CreateDirectory(Path.Combine(Directory, $"{name}-{Interlocked.Increment(ref _containers)}")).FullName;

    internal async Task<Running> StartAsync(ContainerSpec spec)
    {
        var cgroup = new ContainerCgroup(Path.Combine(Cgroup.Path, $"c{Interlocked.Increment(ref _containers)}"));
        var output = new StringBuilder();
        var container = await ContainerProcess.StartAsync(LabExecutable, spec, Path.Combine(spec.WorkDirectory + ".json"), cgroup, NetworkNamespace, new ContainerOutput(chunk =>
        {
            lock (output)
                output.Append(Encoding.UTF8.GetString(chunk.Bytes.Span));
        }));
        return new Running(container, cgroup, output);
    }

    /// <summary>Runs a command in a container of its own to its end.</summary>
    internal async Task<(int Status, string Output)> RunToEndAsync(ContainerSpec spec)
    {
        await using var running = await StartAsync(spec);
        var status = await running.Container.Exited.WaitAsync(TimeSpan.FromSeconds(30));
        return (status, running.Text);
    }

    internal static async Task<string> RunAsync(string program, params string[] arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardOutput = true, RedirectStandardError = true })!;
        var output = process.StandardOutput.ReadToEndAsync();
        var error = await process.StandardError.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0 ? await output : throw new InvalidOperationException($"{program} {string.Join(' ', arguments)}: {error}");
    }

    internal sealed class Running(ContainerProcess container, ContainerCgroup cgroup, StringBuilder output) : IAsyncDisposable
    {
        public ContainerProcess Container => container;
        public ContainerCgroup Cgroup => cgroup;

        public string Text
        {
            get
            {
                lock (output)
                    return output.ToString();
            }
        }

        public async Task UntilOutputAsync(string expected)
        {
            for (var i = 0; i < 1000 && !Text.Contains(expected, StringComparison.Ordinal); i++)
                await Task.Delay(10);
            Assert.Contains(expected, Text);
        }

        public async ValueTask DisposeAsync()
        {
            await cgroup.RemoveAsync(CancellationToken.None);
            await container.Exited;
            container.Dispose();
        }
    }
}
