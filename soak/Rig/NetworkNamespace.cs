using System.Diagnostics;
using System.Net.Sockets;
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
    public T Inside<T>(Func<T> work) => Inside(Name, work);

    /// <summary>As <see cref="Inside{T}(Func{T})"/>, in a namespace that somebody else made.</summary>
    public static T Inside<T>(string name, Func<T> work)
    {
        T? result = default;
        ExceptionDispatchInfo? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                Enter(name);
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

    /// <summary>A socket of the namespace; it may be used from anywhere.</summary>
    public static Socket TcpSocket(string name) =>
        Inside(name, static () => new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true });

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

    /// <summary>How to start a program inside: <c>ip</c> becomes it, so the process is the program's own.</summary>
    public ProcessStartInfo Command(params string[] command) => new("ip", ["netns", "exec", Name, .. command]);

    public void Dispose() => Run("ip", $"netns del {Name}");

    private static string Run(string program, string arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{program} {arguments}: {error.Result}");
    }

    private static void Enter(string name)
    {
        using var file = File.OpenHandle($"/run/netns/{name}");
        if (SetNamespace((int)file.DangerousGetHandle(), CloneNewNet) != 0)
            throw new InvalidOperationException($"setns: errno {Marshal.GetLastPInvokeError()}");
    }

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNamespace(int fd, int type);
}
