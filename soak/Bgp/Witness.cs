using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using Portolan.Linux.Scheduling;
using Portolan.Linux.Sockets;

namespace Portolan.Soak.Bgp;

/// <summary>Some time for which a processor ran nothing of ours.</summary>
/// <param name="Until">When that was over (UTC).</param>
/// <param name="Time">How long.</param>
internal readonly record struct Standstill(DateTime Until, TimeSpan Time);

/// <summary>
/// Somebody who knows when the machine itself stood still, as virtual machines do: on each processor a thread that does nothing but wake every ten milliseconds, before everything
/// else that is scheduled in real time, in a process of its own whose memory is locked. When even that is late, no program here could have kept its time. It is this program started
/// anew, and ends with its standard input.
/// </summary>
internal sealed partial class Witness : IDisposable
{
    /// <summary>The first word of such a process's command line.</summary>
    public const string Word = "witness";

    private const int Priority = 60; // above the bfd process (40)
    private const int LockAll = 3; // MCL_CURRENT | MCL_FUTURE
    private const long Period = 10_000; // microseconds
    private const long Late = 20_000;
    private readonly Process _process;
    private readonly ConcurrentQueue<Standstill> _seen = [];
    private readonly Thread _reading;

    public Witness()
    {
        _process = Process.Start(new ProcessStartInfo(Environment.ProcessPath!, [typeof(Witness).Assembly.Location, Word]) { RedirectStandardInput = true, RedirectStandardOutput = true })!;
        _reading = new Thread(Read) { IsBackground = true };
        _reading.Start();
    }

    /// <summary>What was seen so far.</summary>
    public IReadOnlyList<Standstill> Seen => [.. _seen];

    public void Dispose()
    {
        _process.StandardInput.Close();
        _process.WaitForExit();
        _reading.Join();
        _process.Dispose();
    }

    /// <summary>What such a process does.</summary>
    /// <returns>0, or the errno of what it was refused.</returns>
    public static int Watch()
    {
        if (LockMemory(LockAll) != 0)
            return Marshal.GetLastPInvokeError();
        for (var processor = 0; processor < Environment.ProcessorCount; processor++)
        {
            var own = processor;
            new Thread(() => Watch(own)) { IsBackground = true }.Start();
        }

        while (Console.In.Read() >= 0)
        {
        }

        return 0;
    }

    private static void Watch(int processor)
    {
        var refused = RealTimeThread.TryEnter(Priority);
        if (refused != 0 || SetAffinity(0, sizeof(ulong), 1UL << processor) != 0)
            Environment.Exit(refused != 0 ? refused : Marshal.GetLastPInvokeError());
        using var wait = new DeadlineWait();
        for (var next = DeadlineWait.Now + Period; ;)
        {
            wait.Until(next);
            var now = DeadlineWait.Now;
            if (now < next)
                continue;
            if (now - next >= Late)
                Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{DateTime.UtcNow.Ticks} {now - next}"));
            next = now + Period;
        }
    }

    private void Read()
    {
        while (_process.StandardOutput.ReadLine() is { } line)
            if (line.Split(' ') is [var until, var time])
                _seen.Enqueue(new Standstill(new DateTime(long.Parse(until, CultureInfo.InvariantCulture), DateTimeKind.Utc), TimeSpan.FromMicroseconds(long.Parse(time, CultureInfo.InvariantCulture))));
    }

    [LibraryImport("libc", EntryPoint = "mlockall", SetLastError = true)]
    private static partial int LockMemory(int flags);

    [LibraryImport("libc", EntryPoint = "sched_setaffinity", SetLastError = true)]
    private static partial int SetAffinity(int thread, nuint size, in ulong processors);
}
