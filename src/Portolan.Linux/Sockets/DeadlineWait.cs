using System.ComponentModel;
using System.Diagnostics;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Portolan.Linux.Sockets;

/// <summary>
/// Lets a thread of its own wait for sockets until a time that is exact to microseconds, and lets others wake it (epoll(7), timerfd_create(2),
/// eventfd(2)). For loops whose lateness matters: no thread pool and no timer queue between the kernel and the thread. Nothing is allocated per wait, and a wait
/// costs the same however many sockets there are.
/// </summary>
public sealed partial class DeadlineWait : IDisposable
{
    private const int Monotonic = 1; // CLOCK_MONOTONIC, the clock of Stopwatch
    private const int AbsoluteTime = 1; // TFD_TIMER_ABSTIME
    private const int CloseOnExec = 0x80000;
    private const int NonBlocking = 0x800;
    private const int Interrupted = 4;
    private const uint Readable = 1; // EPOLLIN
    private const uint Writable = 4; // EPOLLOUT
    private const int Insert = 1; // EPOLL_CTL_ADD
    private const int Delete = 2;
    private const int Modify = 3;
    private const int Event = -1; // in place of a socket's number
    private const int Timer = -2;

    /// <summary>What is ready beyond them is seen by the next wait: the kernel goes round.</summary>
    private const int MostEvents = 64;

    // struct epoll_event: packed where 32-bit programs could not do otherwise (epoll_ctl(2), <linux/eventpoll.h>).
    private static readonly int _dataOffset = RuntimeInformation.ProcessArchitecture is Architecture.X64 ? 4 : 8;
    private static readonly int _eventSize = _dataOffset + 8;

    private readonly SafeFileHandle _epoll;
    private readonly SafeFileHandle _event;
    private readonly SafeFileHandle _timer;
    private readonly byte[] _events = new byte[MostEvents * _eventSize];
    private readonly Dictionary<Socket, Waited> _sockets = [];
    private readonly Dictionary<int, Waited> _byNumber = [];
    private readonly List<Waited> _ready = new(MostEvents);
    private int _lastNumber;
    private long _armed = long.MaxValue;

    private sealed class Waited(Socket socket, int number)
    {
        public Socket Socket => socket;

        /// <summary>Never another's: what is told late of one that is waited for no more is not taken for news of its heir.</summary>
        public int Number => number;

        public uint Awaited { get; set; } = Readable;

        public uint Happened { get; set; }
    }

    /// <exception cref="Win32Exception">The kernel has no descriptor left.</exception>
    public DeadlineWait()
    {
        _epoll = Handle(EpollCreate(CloseOnExec));
        _event = Handle(EventFd(0, CloseOnExec | NonBlocking));
        _timer = Handle(TimerCreate(Monotonic, CloseOnExec | NonBlocking));
        Control(Insert, (int)_event.DangerousGetHandle(), Readable, Event);
        Control(Insert, (int)_timer.DangerousGetHandle(), Readable, Timer);
    }

    /// <summary>Microseconds of the clock that deadlines are told in: it begins anywhere and never goes back.</summary>
    public static long Now => Stopwatch.GetTimestamp() / (Stopwatch.Frequency / 1_000_000);

    /// <summary>How many sockets the last wait found ready.</summary>
    public int ReadyCount => _ready.Count;

    /// <summary>Waits for this socket too, until <see cref="Remove"/>, which must come before it is disposed. The waiting thread only.</summary>
    /// <exception cref="Win32Exception">The kernel refuses: its memory for this is used up.</exception>
    public void Add(Socket socket)
    {
        var waited = new Waited(socket, ++_lastNumber);
        Control(Insert, (int)socket.Handle, waited.Awaited, waited.Number);
        _sockets.Add(socket, waited);
        _byNumber.Add(waited.Number, waited);
    }

    /// <summary>Waits for this socket no more. The waiting thread only.</summary>
    public void Remove(Socket socket)
    {
        if (!_sockets.Remove(socket, out var waited))
            return;
        _byNumber.Remove(waited.Number);
        _ready.Remove(waited);
        Control(Delete, (int)socket.Handle, 0, 0);
    }

    /// <summary>Whether to wait also until this socket, which is waited for, takes bytes: for what could not be sent. The waiting thread only.</summary>
    public void AwaitWritable(Socket socket, bool whether)
    {
        var awaited = whether ? Readable | Writable : Readable;
        if (!_sockets.TryGetValue(socket, out var waited) || waited.Awaited == awaited)
            return;
        waited.Awaited = awaited;
        Control(Modify, (int)socket.Handle, awaited, waited.Number);
    }

    /// <summary>Waits until a socket can be read, someone calls <see cref="Wake"/>, or the time has come.</summary>
    /// <param name="deadline">As <see cref="Now"/>; <see cref="long.MaxValue"/> for never.</param>
    public void Until(long deadline)
    {
        // One that has passed stays readable until it is set anew, so it need not be read.
        if (deadline != _armed)
            Arm(deadline);
        foreach (var waited in _ready)
            waited.Happened = 0;
        _ready.Clear();
        var count = EpollWait(_epoll, _events, MostEvents, -1);
        if (count < 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            if (errno != Interrupted)
                throw new Win32Exception(errno);
            return;
        }

        for (var i = 0; i < count; i++)
            Note(_events.AsSpan(i * _eventSize, _eventSize));
    }

    /// <summary>One of the sockets that the last wait found ready. The waiting thread only.</summary>
    public Socket Ready(int index) => _ready[index].Socket;

    /// <summary>Whether the last wait found something to read, or an end, at a socket that is waited for. The waiting thread only.</summary>
    public bool IsReady(Socket socket) => _sockets.TryGetValue(socket, out var waited) && (waited.Happened & ~Writable) != 0;

    /// <summary>Whether the last wait found that a socket takes bytes, or has ended. The waiting thread only.</summary>
    public bool IsWritable(Socket socket) => _sockets.TryGetValue(socket, out var waited) && (waited.Happened & ~Readable) != 0;

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
        _epoll.Dispose();
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

    private void Note(ReadOnlySpan<byte> told)
    {
        var number = MemoryMarshal.Read<int>(told[_dataOffset..]);
        if (number == Event)
        {
            Span<byte> counter = stackalloc byte[8];
            _ = Read(_event, counter, 8);
        }
        else if (number != Timer && _byNumber.TryGetValue(number, out var waited))
        {
            waited.Happened = MemoryMarshal.Read<uint>(told);
            _ready.Add(waited);
        }
    }

    private void Control(int what, int descriptor, uint events, int number)
    {
        Span<byte> told = stackalloc byte[16];
        MemoryMarshal.Write(told, events);
        MemoryMarshal.Write(told[_dataOffset..], number);
        if (EpollControl(_epoll, what, descriptor, told) < 0 && what != Delete)
            throw new Win32Exception(Marshal.GetLastPInvokeError());
    }

    private static SafeFileHandle Handle(nint descriptor) =>
        descriptor < 0 ? throw new Win32Exception(Marshal.GetLastPInvokeError()) : new SafeFileHandle(descriptor, ownsHandle: true);

    /// <summary>struct itimerspec: no repetition, then the time.</summary>
    [StructLayout(LayoutKind.Sequential)]
    private struct TimerTime
    {
        public nint IntervalSeconds;
        public nint IntervalNanoseconds;
        public nint Seconds;
        public nint Nanoseconds;
    }

    [LibraryImport("libc", EntryPoint = "epoll_create1", SetLastError = true)]
    private static partial nint EpollCreate(int flags);

    [LibraryImport("libc", EntryPoint = "epoll_ctl", SetLastError = true)]
    private static partial int EpollControl(SafeFileHandle epoll, int what, int descriptor, Span<byte> told);

    [LibraryImport("libc", EntryPoint = "epoll_wait", SetLastError = true)]
    private static partial int EpollWait(SafeFileHandle epoll, Span<byte> events, int count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "eventfd", SetLastError = true)]
    private static partial nint EventFd(uint initial, int flags);

    [LibraryImport("libc", EntryPoint = "timerfd_create", SetLastError = true)]
    private static partial nint TimerCreate(int clock, int flags);

    [LibraryImport("libc", EntryPoint = "timerfd_settime", SetLastError = true)]
    private static partial int TimerSet(SafeFileHandle timer, int flags, in TimerTime time, nint before);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static partial nint Read(SafeFileHandle descriptor, Span<byte> buffer, nuint size);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint Write(SafeFileHandle descriptor, ReadOnlySpan<byte> buffer, nuint size);
}
