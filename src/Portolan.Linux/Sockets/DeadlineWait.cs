using System.ComponentModel;
using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Portolan.Linux.Sockets;

/// <summary>
/// Lets a thread of its own wait for sockets until a time that is exact to microseconds, and lets others wake it (poll(2), timerfd_create(2),
/// eventfd(2)). For loops whose lateness matters: no thread pool and no timer queue between the kernel and the thread. Nothing is allocated per wait.
/// </summary>
public sealed partial class DeadlineWait : IDisposable
{
    private const int Monotonic = 1; // CLOCK_MONOTONIC, the clock of Stopwatch
    private const int AbsoluteTime = 1; // TFD_TIMER_ABSTIME
    private const int CloseOnExec = 0x80000;
    private const int NonBlocking = 0x800;
    private const short Readable = 1; // POLLIN
    private const short Writable = 4; // POLLOUT
    private const int Interrupted = 4;
    private const int Own = 2;

    private readonly SafeFileHandle _event;
    private readonly SafeFileHandle _timer;
    private readonly List<Socket> _sockets = [];
    private PollEntry[] _entries = new PollEntry[Own];
    private long _armed = long.MaxValue;

    /// <exception cref="Win32Exception">The kernel has no descriptor left.</exception>
    public DeadlineWait()
    {
        _event = Handle(EventFd(0, CloseOnExec | NonBlocking));
        _timer = Handle(TimerCreate(Monotonic, CloseOnExec | NonBlocking));
        _entries[0] = Entry((int)_event.DangerousGetHandle());
        _entries[1] = Entry((int)_timer.DangerousGetHandle());
    }

    /// <summary>Microseconds of the clock that deadlines are told in: it begins anywhere and never goes back.</summary>
    public static long Now => Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1_000_000);

    /// <summary>Waits for this socket too, until <see cref="Remove"/>, which must come before it is disposed. The waiting thread only.</summary>
    public void Add(Socket socket)
    {
        _sockets.Add(socket);
        Rebuild();
    }

    /// <summary>Waits for this socket no more. The waiting thread only.</summary>
    public void Remove(Socket socket)
    {
        _sockets.Remove(socket);
        Rebuild();
    }

    /// <summary>Whether to wait also until this socket, which is waited for, takes bytes: for what could not be sent. The waiting thread only.</summary>
    public void AwaitWritable(Socket socket, bool whether)
    {
        if (_sockets.IndexOf(socket) is >= 0 and var place)
            _entries[Own + place].Events = whether ? (short)(Readable | Writable) : Readable;
    }

    /// <summary>Waits until a socket can be read, someone calls <see cref="Wake"/>, or the time has come.</summary>
    /// <param name="deadline">As <see cref="Now"/>; <see cref="long.MaxValue"/> for never.</param>
    public void Until(long deadline)
    {
        // One that has passed stays readable until it is set anew, so it need not be read.
        if (deadline != _armed)
            Arm(deadline);
        if (Poll(_entries, (nuint)_entries.Length, -1) < 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            if (errno != Interrupted)
                throw new Win32Exception(errno);
            return;
        }

        Span<byte> counter = stackalloc byte[8];
        if (_entries[0].Happened != 0)
            _ = Read(_event, counter, 8);
    }

    /// <summary>Whether the last wait found something to read, or an end, at a socket that is waited for. The waiting thread only.</summary>
    public bool IsReady(Socket socket) => _sockets.IndexOf(socket) is >= 0 and var place && (_entries[Own + place].Happened & ~Writable) != 0;

    /// <summary>Whether the last wait found that a socket takes bytes, or has ended. The waiting thread only.</summary>
    public bool IsWritable(Socket socket) => _sockets.IndexOf(socket) is >= 0 and var place && (_entries[Own + place].Happened & ~Readable) != 0;

    /// <summary>Ends the present wait, or the next; nothing where nobody waits any more. Any thread, <see cref="Dispose"/> or not.</summary>
    public void Wake()
    {
        ReadOnlySpan<byte> one = [1, 0, 0, 0, 0, 0, 0, 0];
        try
        {
            _ = Write(_event, one, 8); // fails only when it is woken already, 2^64 times
        }
        catch (ObjectDisposedException)
        {
            // Who waited has gone meanwhile.
        }
    }

    /// <inheritdoc/>
    public void Dispose()
    {
        _event.Dispose();
        _timer.Dispose();
    }

    private void Arm(long deadline)
    {
        // All zero disarms, so a time that has passed is never written as zero.
        var (seconds, microseconds) = deadline == long.MaxValue ? (0, 0) : Math.DivRem(Math.Max(deadline, 1), 1_000_000);
        var time = new TimerTime { Seconds = (nint)seconds, Nanoseconds = (nint)(microseconds * 1000) };
        if (TimerSet(_timer, AbsoluteTime, time, 0) < 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        _armed = deadline;
    }

    private void Rebuild()
    {
        var entries = new PollEntry[Own + _sockets.Count];
        _entries.AsSpan(0, Own).CopyTo(entries);
        for (var i = 0; i < _sockets.Count; i++)
        {
            // What was awaited of a socket stays awaited; what happened to it is seen by the next wait.
            var descriptor = (int)_sockets[i].Handle;
            var former = Array.FindIndex(_entries, Own, entry => entry.Descriptor == descriptor);
            entries[Own + i] = former < 0 ? Entry(descriptor) : _entries[former];
        }

        _entries = entries;
    }

    private static PollEntry Entry(int descriptor) => new() { Descriptor = descriptor, Events = Readable };

    private static SafeFileHandle Handle(nint descriptor) =>
        descriptor < 0 ? throw new Win32Exception(Marshal.GetLastPInvokeError()) : new SafeFileHandle(descriptor, ownsHandle: true);

    /// <summary>struct pollfd.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct PollEntry
    {
        public int Descriptor;
        public short Events;
        public short Happened;
    }

    /// <summary>struct itimerspec: no repetition, then the time.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct TimerTime
    {
        public nint IntervalSeconds;
        public nint IntervalNanoseconds;
        public nint Seconds;
        public nint Nanoseconds;
    }

    [LibraryImport("libc", EntryPoint = "eventfd", SetLastError = true)]
    private static partial nint EventFd(uint initial, int flags);

    [LibraryImport("libc", EntryPoint = "timerfd_create", SetLastError = true)]
    private static partial nint TimerCreate(int clock, int flags);

    [LibraryImport("libc", EntryPoint = "timerfd_settime", SetLastError = true)]
    private static partial int TimerSet(SafeFileHandle timer, int flags, in TimerTime time, nint before);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll([In, Out] PollEntry[] entries, nuint count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static partial nint Read(SafeFileHandle descriptor, Span<byte> buffer, nuint size);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint Write(SafeFileHandle descriptor, ReadOnlySpan<byte> buffer, nuint size);
}
