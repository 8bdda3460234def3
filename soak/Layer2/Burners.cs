using System.Diagnostics;
using System.Globalization;

namespace Portolan.Soak.Layer2;

/// <summary>
/// Neighbours that leave a machine nothing: on every core two busy threads, as much memory as can be had without driving the machine to kill, walked over
/// without end, and a program with millions of live objects that allocates as fast as it can, so that its collector never rests. Each is a process of
/// its own, this program started anew; it ends with its standard input, and so with us.
/// </summary>
internal sealed class Burners : IDisposable
{
    /// <summary>The first word of such a process's command line.</summary>
    public const string Word = "burn";

    private const int LiveObjects = 2_000_000;
    private const int Page = 4096;
    private static readonly string[] s_kinds = ["cores", "memory", "garbage"];
    private readonly List<Process> _processes = [];

    /// <summary>Starts them all.</summary>
    public Burners()
    {
        foreach (var kind in s_kinds)
            _processes.Add(Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [typeof(Burners).Assembly.Location, Word, kind]) { RedirectStandardInput = true })!);
    }

    /// <summary>What such a process does.</summary>
    public static int Burn(string kind)
    {
        Action work = kind switch
        {
            "cores" => Spin,
            "memory" => Walk,
            "garbage" => Litter,
            _ => throw new ArgumentException($"no such burner: {kind}", nameof(kind)),
        };
        for (var i = 0; i < (kind == "cores" ? 2 * Environment.ProcessorCount : 1); i++)
            new Thread(() => work()) { IsBackground = true }.Start();
        while (Console.In.Read() >= 0)
        {
        }

        return 0;
    }

    /// <summary>Whether all of them still burn: one that the kernel has killed leaves room.</summary>
    public bool AreBurning => _processes.TrueForAll(process => !process.HasExited);

    public void Dispose()
    {
        foreach (var process in _processes)
        {
            if (!process.HasExited)
                process.Kill();
            process.WaitForExit();
            process.Dispose();
        }
    }

    private static void Spin()
    {
        for (var x = 1u; ; x = x * 1664525 + 1013904223)
            GC.KeepAlive(x);
    }

    // Leaves a quarter of the machine: what is measured must not be killed.
    private static unsafe void Walk()
    {
        var (all, available) = (Kilobytes("MemTotal"), Kilobytes("MemAvailable"));
        var size = Math.Max(64L << 10, available - all / 4) << 10;
        var memory = (byte*)System.Runtime.InteropServices.NativeMemory.Alloc((nuint)size);
        for (byte round = 1; ; round++)
            for (long at = 0; at < size; at += Page)
                memory[at] = round;
    }

    private static void Litter()
    {
        var live = new object[LiveObjects];
        for (var i = 0; i < live.Length; i++)
            live[i] = new byte[16];
        for (var i = 0; ; i = (i + 7919) % live.Length)
            live[i] = new byte[16 + (i & 127)];
    }

    private static long Kilobytes(string name) =>
        long.Parse(File.ReadLines("/proc/meminfo").First(line => line.StartsWith(name + ":", StringComparison.Ordinal)).Split(' ', StringSplitOptions.RemoveEmptyEntries)[1], CultureInfo.InvariantCulture);
}
