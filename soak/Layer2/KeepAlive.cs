using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Portolan.Rig;

namespace Portolan.Soak.Layer2;

/// <summary>A client with connections that stay open, each with a request every 100 ms; one that breaks is opened anew.</summary>
internal sealed class KeepAlive : IDisposable
{
    private const int Patience = 5000; // milliseconds
    private static readonly TimeSpan Period = TimeSpan.FromMilliseconds(100);
    private readonly string _from;
    private readonly IPEndPoint _to;
    private readonly Socket[] _open;
    private readonly byte[] _answer = new byte[64];
    private readonly Thread _thread;
    private volatile bool _isOver;

    /// <param name="from">The network namespace of the client.</param>
    /// <param name="to">Where it connects to.</param>
    /// <param name="count">So many connections.</param>
    public KeepAlive(string from, IPEndPoint to, int count = 100)
    {
        (_from, _to) = (from, to);
        _open = [.. Enumerable.Range(0, count).Select(_ => Open())];
        _thread = new Thread(Run) { IsBackground = true };
        _thread.Start();
    }

    /// <summary>Requests so far.</summary>
    public int Count { get; private set; }

    /// <summary>How long answers took.</summary>
    public Percentiles Times { get; } = new();

    /// <summary>What went wrong, and when.</summary>
    public ConcurrentQueue<string> Failed { get; } = [];

    public void Dispose()
    {
        _isOver = true;
        _thread.Join();
        foreach (var socket in _open)
            socket.Dispose();
    }

    private Socket Open()
    {
        var socket = NetworkNamespace.TcpSocket(_from);
        socket.ReceiveTimeout = socket.SendTimeout = Patience;
        socket.LingerState = new LingerOption(true, 0);
        socket.Connect(_to);
        return socket;
    }

    // All are asked before any answer is read: none waits for another.
    private void Run()
    {
        var next = Stopwatch.GetTimestamp();
        while (!_isOver)
        {
            next += (long)(Period.TotalSeconds * Stopwatch.Frequency);
            var asked = Stopwatch.GetTimestamp();
            var sent = _open.Select((_, number) => Succeeds(number, socket => socket.Send("?"u8) == 1)).ToList();
            for (var number = 0; number < _open.Length; number++)
            {
                if (!sent[number] || !Succeeds(number, socket => socket.Receive(_answer) > 0))
                    Reopen(number);
                Times.Add(Stopwatch.GetElapsedTime(asked));
                Count++;
            }

            var wait = Stopwatch.GetElapsedTime(Stopwatch.GetTimestamp(), next);
            if (wait > TimeSpan.Zero)
                Thread.Sleep(wait);
            else
                next = Stopwatch.GetTimestamp();
        }
    }

    private bool Succeeds(int number, Predicate<Socket> step)
    {
        try
        {
            if (step(_open[number]))
                return true;
            Failed.Enqueue($"{DateTime.UtcNow:HH:mm:ss.fff} connection {number}: closed");
        }
        catch (SocketException failure)
        {
            Failed.Enqueue($"{DateTime.UtcNow:HH:mm:ss.fff} connection {number}: {failure.SocketErrorCode}");
        }

        return false;
    }

    private void Reopen(int number)
    {
        _open[number].Dispose();
        try
        {
            _open[number] = Open();
        }
        catch (SocketException failure)
        {
            Failed.Enqueue($"{DateTime.UtcNow:HH:mm:ss.fff} connection {number}: not opened again: {failure.SocketErrorCode}");
            _open[number] = NetworkNamespace.TcpSocket(_from);
        }
    }
}
