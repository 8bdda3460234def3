using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Portolan.Rig;

namespace Portolan.Soak.Layer2;

/// <summary>One attempt to connect.</summary>
/// <param name="Started">By <see cref="Stopwatch.GetTimestamp"/>.</param>
/// <param name="Ended">When it was known how it ended; 0 before.</param>
/// <param name="Succeeded">It was accepted in time.</param>
internal readonly record struct Attempt(long Started, long Ended, bool Succeeded);

/// <summary>A client that opens new TCP connections at regular intervals, whatever became of those before, and closes each when it is open.</summary>
internal sealed class Connects : IDisposable
{
    private static readonly TimeSpan Shortest = TimeSpan.FromMilliseconds(1); // of sleeps: less would be a busy loop beside what is measured
    private readonly Lock _lock = new();
    private readonly List<Attempt> _attempts = new(16_384);
    private readonly List<(Socket Socket, int Number)> _open = [];
    private readonly IPEndPoint _to;
    private readonly long _patience;
    private readonly long _period;
    private readonly Thread _thread;
    private volatile bool _isOver;

    /// <param name="from">The network namespace of the client.</param>
    /// <param name="to">Where it connects to.</param>
    /// <param name="milliseconds">What is not open after so long has failed.</param>
    /// <param name="perSecond">So many are begun.</param>
    public Connects(string from, IPEndPoint to, int milliseconds = 50, int perSecond = 200)
    {
        (_to, _patience, _period) = (to, milliseconds * Stopwatch.Frequency / 1000, Stopwatch.Frequency / perSecond);
        _thread = new Thread(() => NetworkNamespace.Inside(from, Run)) { IsBackground = true };
        _thread.Start();
    }

    /// <summary>The attempts so far, in the order of their starts, without those that may still succeed.</summary>
    public IReadOnlyList<Attempt> Known
    {
        get
        {
            lock (_lock)
                return [.. _attempts.TakeWhile(attempt => attempt.Ended != 0)];
        }
    }

    /// <summary>Ends it; what was under way is given the time it has.</summary>
    public void Dispose()
    {
        _isOver = true;
        _thread.Join();
    }

    // On one thread that stays in the namespace, with sockets that do not block: nothing of the framework's own is started from here, for it would be born inside.
    private int Run()
    {
        var next = Stopwatch.GetTimestamp();
        while (!_isOver || _open.Count > 0)
        {
            var now = Stopwatch.GetTimestamp();
            if (now >= next && !_isOver)
            {
                Begin(now);
                next += _period * ((now - next) / _period + 1);
            }

            Wait(Math.Max(0, next - Stopwatch.GetTimestamp()));
            Look();
        }

        return 0;
    }

    private void Begin(long now)
    {
        int number;
        lock (_lock)
        {
            number = _attempts.Count;
            _attempts.Add(new Attempt(now, 0, false));
        }

        // Ends by a reset, so that ports are free again at once.
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { Blocking = false, LingerState = new LingerOption(true, 0) };
        try
        {
            socket.Connect(_to);
            End(socket, number, succeeded: true);
        }
        catch (SocketException failure) when (failure.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
        {
            _open.Add((socket, number));
        }
        catch (SocketException)
        {
            End(socket, number, succeeded: false);
        }
    }

    private void Wait(long ticks)
    {
        var time = TimeSpan.FromSeconds((double)ticks / Stopwatch.Frequency);
        if (_open.Count == 0)
            Thread.Sleep(time < Shortest ? Shortest : time);
        else
            Socket.Select(null, _open.ConvertAll(static entry => entry.Socket), null, time);
    }

    private void Look()
    {
        for (var i = _open.Count - 1; i >= 0; i--)
        {
            var (socket, number) = _open[i];
            var isDecided = socket.Poll(0, SelectMode.SelectWrite) || socket.Poll(0, SelectMode.SelectError);
            if (!isDecided && Stopwatch.GetTimestamp() - _attempts[number].Started < _patience)
                continue;
            End(socket, number, isDecided && (int)socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error)! == 0);
            _open.RemoveAt(i);
        }
    }

    private void End(Socket socket, int number, bool succeeded)
    {
        var now = Stopwatch.GetTimestamp();
        socket.Dispose();
        lock (_lock)
            _attempts[number] = _attempts[number] with { Ended = now, Succeeded = succeeded && now - _attempts[number].Started <= _patience };
    }
}
