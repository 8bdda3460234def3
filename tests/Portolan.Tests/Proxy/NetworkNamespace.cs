using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Portolan.Tests.Proxy;

/// <summary>A network namespace with a name of its own, gone after the test.</summary>
internal sealed partial class NetworkNamespace : IDisposable
{
    private const int CloneNewNet = 0x40000000;
    private static int _count;
    private readonly List<IDisposable> _owned = [];

    internal NetworkNamespace(string role)
    {
        Name = $"ptproxy-{Environment.ProcessId}-{Interlocked.Increment(ref _count)}-{role}";
        Ip($"netns add {Name}");
        try
        {
            // Redirects would teach hosts of one LAN ways around the node under test.
            Inside(() =>
            {
                foreach (var scope in (string[])["all", "default"])
                {
                    File.WriteAllText($"/proc/sys/net/ipv4/conf/{scope}/send_redirects", "0");
                    File.WriteAllText($"/proc/sys/net/ipv4/conf/{scope}/accept_redirects", "0");
                }

                return 0;
            });
            Ip($"-n {Name} link set lo up");
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    internal string Name { get; }

    internal static void SkipUnlessRoot() =>
        Assert.SkipUnless(Environment.IsPrivilegedProcess, "needs root: it makes network namespaces");

    /// <summary>Runs code on a thread inside. It must not start tasks: pool threads would be born inside too.</summary>
    internal T Inside<T>(Func<T> work)
    {
        T? result = default;
        Exception? failure = null;
        var thread = new Thread(() =>
        {
            try
            {
                using var file = File.OpenHandle($"/run/netns/{Name}");
                if (SetNamespace((int)file.DangerousGetHandle(), CloneNewNet) != 0)
                    throw new InvalidOperationException($"setns: errno {Marshal.GetLastPInvokeError()}");
                result = work();
            }
            catch (Exception e)
            {
                failure = e;
            }
        });
        thread.Start();
        thread.Join();
        if (failure is not null)
            System.Runtime.ExceptionServices.ExceptionDispatchInfo.Throw(failure);
        return result!;
    }

    internal void Sysctl(string name, string value) => Inside(() =>
    {
        File.WriteAllText("/proc/sys/" + name.Replace('.', '/'), value);
        return 0;
    });

    /// <summary>Runs <c>ip</c> inside.</summary>
    internal void Link(string arguments) => Ip($"-n {Name} {arguments}");

    /// <summary>A wire to another namespace.</summary>
    internal void Wire(string name, NetworkNamespace peer, string peerName)
    {
        Ip($"link add {name} netns {Name} type veth peer name {peerName} netns {peer.Name}");
        Link($"link set {name} up");
        peer.Link($"link set {peerName} up");
    }

    /// <summary>Answers each TCP connection with "name local-address client-address", and closes it.</summary>
    internal void Serve(string name, IPEndPoint at)
    {
        var listener = Inside(() =>
        {
            var socket = new Socket(at.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
            socket.Bind(at);
            socket.Listen(512);
            return socket;
        });
        _owned.Add(listener);
        _ = AcceptAsync();

        async Task AcceptAsync()
        {
            while (true)
            {
                Socket client;
                try
                {
                    client = await listener.AcceptAsync();
                }
                catch (Exception e) when (e is SocketException or ObjectDisposedException)
                {
                    return; // the test is over
                }

                using (client)
                {
                    client.LingerState = new LingerOption(true, 0);
                    var answer = $"{name} {((IPEndPoint)client.LocalEndPoint!).Address} {((IPEndPoint)client.RemoteEndPoint!).Address}";
                    await client.SendAsync(System.Text.Encoding.ASCII.GetBytes(answer));
                    client.Shutdown(SocketShutdown.Send);
                    await Task.WhenAny(client.ReceiveAsync(new byte[1]), Task.Delay(1000));
                }
            }
        }
    }

    /// <summary>Connects and reads the answer.</summary>
    /// <returns>What the server said; or "refused", or "nothing" where no answer came.</returns>
    internal string Ask(IPEndPoint to, int milliseconds = 3000) => Inside(() => AskHere(to, milliseconds));

    /// <summary>Asks so many times, each on a connection of its own.</summary>
    internal string[] AskMany(IPEndPoint to, int times) => Inside(() => Enumerable.Range(0, times).Select(_ => AskHere(to, 3000)).ToArray());

    private static string AskHere(IPEndPoint to, int milliseconds)
    {
        using var socket = new Socket(to.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = milliseconds, SendTimeout = milliseconds, LingerState = new LingerOption(true, 0) };
        try
        {
            socket.Connect(to);
            var buffer = new byte[200];
            return System.Text.Encoding.ASCII.GetString(buffer, 0, socket.Receive(buffer));
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionRefused)
        {
            return "refused";
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock or SocketError.TryAgain or SocketError.InProgress)
        {
            return "nothing";
        }
    }

    public void Dispose()
    {
        foreach (var owned in _owned)
            owned.Dispose();
        Ip($"netns del {Name}");
    }

    private static void Ip(string arguments) => Run("ip", arguments);

    /// <summary>Runs a program of the machine and returns what it printed.</summary>
    internal static string Run(string program, string arguments)
    {
        using var process = Process.Start(new ProcessStartInfo(program, arguments) { RedirectStandardError = true, RedirectStandardOutput = true })!;
        var error = process.StandardError.ReadToEndAsync();
        var output = process.StandardOutput.ReadToEnd();
        process.WaitForExit();
        return process.ExitCode == 0 ? output : throw new InvalidOperationException($"{program} {arguments}: {error.Result}");
    }

    /// <summary>Whether a program of the machine is there and ends well, in a namespace of its own.</summary>
    internal static bool Succeeds(string program, string arguments)
    {
        using var alone = new NetworkNamespace("try");
        try
        {
            alone.RunInside(program, arguments);
            return true;
        }
        catch (InvalidOperationException)
        {
            return false;
        }
    }

    /// <summary>Runs a program of the machine inside.</summary>
    internal string RunInside(string program, string arguments) => Run("ip", $"netns exec {Name} {program} {arguments}");

    [LibraryImport("libc", EntryPoint = "setns", SetLastError = true)]
    private static partial int SetNamespace(int fd, int type);
}
