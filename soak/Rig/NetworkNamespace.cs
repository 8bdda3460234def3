using System.Diagnostics;
using System.Runtime.ExceptionServices;
using System.Runtime.InteropServices;

namespace Portolan.Rig;

/// <summary>A network namespace with a name of its own, gone when disposed.</summary>
internal sealed partial class NetworkNamespace : IDisposable
{
    private const int CloneNewNet = 0x40000000;
    private static int _count;

    public NetworkNamespace(string role)
    {
        Name = $"ptrig-{Environment.ProcessId}-{Interlocked.Increment(ref _count)}-{role}";
        Run("ip", $"netns add {Name}");
        Link("link set lo up");
    }

    public string Name { get; }

    /// <summary>Runs code on a thread inside. It must not start tasks: pool threads would be born inside too.</summary>
    public T Inside<T>(Func<T> work)
    {
        T? result = default;
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                Enter();
                result = work();
            }
            catch (Exception e)
            {
                failure = ExceptionDispatchInfo.Capture(e);
            }
        });
        thread.Start();
        thread.Join();
        failure?.Throw();
        return result!;
    }

    /// <summary>Writes a file below <c>/proc/sys</c> as seen from inside.</summary>
    public void Sysctl(string name, string value) => Inside(() =>
    {
        File.WriteAllText("/proc/sys/" + name.Replace('.', '/'), value);
        return 0;
    });

    /// <summary>Runs <c>ip</c> inside.</summary>
    public string Link(string arguments) => Run("ip", $"-n {Name} {arguments}");

    /// <summary>A wire to another namespace.</summary>
    public void Wire(string name, NetworkNamespace peer, string peerName)
    {
        Run("ip", $"link add {name} netns {Name} type veth peer name {peerName} netns {peer.Name}");
        Link($"link set {name} up");
        peer.Link($"link set {peerName} up");
    }

    /// <summary>Runs a program of the machine inside.</summary>
    /// <returns>What it printed.</returns>
    /// <exception cref="InvalidOperationException">It failed.</exception>
    public string RunInside(string program, string arguments) => Run("ip", $"netns exec {Name} {program} {arguments}");

    public void Dispose() => Run("ip", $"netns del {Name}");

    private static string Run(string program, string arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{program} {arguments}: {error.Result}");
    }

    private void Enter()
    {
        using var file = File.OpenHandle($"/run/netns/{Name}");
        if (SetNamespace((int)file.DangerousGetHandle(), CloneNewNet) != 0)
            throw new InvalidOperationException($"setns: errno {Marshal.GetLastPInvokeError()}");
    }

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNamespace(int fd, int type);
}
