using System.ComponentModel;
using System.Net.Sockets;
using System.Runtime.InteropServices;
using Microsoft.Win32.SafeHandles;

namespace Portolan.Linux.Sockets;

/// <summary>
/// Lets a thread of its own wait for sockets with a time limit, and lets others wake it (poll(2), eventfd(2)). For loops whose lateness
/// matters: no thread pool and no timer queue between the kernel and the thread. Nothing is allocated per wait.
/// </summary>
public sealed partial class Wakeup : IDisposable
{
    private const int CloseOnExec = 0x80000;
    private const int NonBlocking = 0x800;
    private const short Readable = 1;
    private const int Interrupted = 4;

    private readonly SafeFileHandle _event;
    private readonly Socket[] _sockets;
    private readonly PollEntry[] _entries;

    /// <param name="sockets">The sockets to wait for; they must live longer than this.</param>
    /// <exception cref="Win32Exception">The kernel has no descriptor left.</exception>
    public Wakeup(params ReadOnlySpan<Socket> sockets)
    {
        var descriptor = EventFd(0, CloseOnExec | NonBlocking);
        if (descriptor < 0)
            throw new Win32Exception(Marshal.GetLastPInvokeError());
        _event = new SafeFileHandle(descriptor, ownsHandle: true);
        _sockets = sockets.ToArray();
        _entries = new PollEntry[sockets.Length + 1];
        _entries[0] = new PollEntry { Descriptor = (int)descriptor, Events = Readable };
        for (var i = 0; i < sockets.Length; i++)
            _entries[i + 1] = new PollEntry { Descriptor = (int)sockets[i].Handle, Events = Readable };
    }

    /// <summary>Waits until a socket can be read, someone calls <see cref="Wake"/>, or the time is over.</summary>
    /// <param name="milliseconds">The time limit; -1 for none.</param>
    public void Wait(int milliseconds)
    {
        if (Poll(_entries, (nuint)_entries.Length, milliseconds) < 0)
        {
            var errno = Marshal.GetLastPInvokeError();
            if (errno != Interrupted)
                throw new Win32Exception(errno);
            return;
        }

        Span<byte> counter = stackalloc byte[8];
        if (_entries[0].Happened != 0)
            _ = Read(_event, counter, 8);
        GC.KeepAlive(_sockets);
    }

    /// <summary>Ends the present wait, or the next. Any thread.</summary>
    public void Wake()
    {
        ReadOnlySpan<byte> one = [1, 0, 0, 0, 0, 0, 0, 0];
        _ = Write(_event, one, 8); // fails only when it is woken already, 2^64 times
    }

    /// <inheritdoc/>
    public void Dispose() => _event.Dispose();

    [StructLayout(LayoutKind.Sequential)]
    private struct PollEntry
    {
        public int Descriptor;
        public short Events;
        public short Happened;
    }

    [LibraryImport("libc", EntryPoint = "eventfd", SetLastError = true)]
    private static partial nint EventFd(uint initial, int flags);

    [LibraryImport("libc", EntryPoint = "poll", SetLastError = true)]
    private static partial int Poll([In, Out] PollEntry[] entries, nuint count, int milliseconds);

    [LibraryImport("libc", EntryPoint = "read", SetLastError = true)]
    private static partial nint Read(SafeFileHandle descriptor, Span<byte> buffer, nuint size);

    [LibraryImport("libc", EntryPoint = "write", SetLastError = true)]
    private static partial nint Write(SafeFileHandle descriptor, ReadOnlySpan<byte> buffer, nuint size);
}
