using System.Collections.Concurrent;
using System.Net;
using System.Net.Sockets;
using System.Text;
using Portolan.Rig;

namespace Portolan.Soak.ProxyRolling;

/// <summary>New HTTP connections all the time, from a host of the lab.</summary>
internal sealed class Requests
{
    private const int Patience = 10_000; // milliseconds
    private readonly List<Thread> _threads = [];
    private readonly ConcurrentDictionary<string, int> _pods = [];
    private int _count;
    private volatile bool _isOver;

    /// <param name="from">The network namespace.</param>
    /// <param name="to">A thread for each.</param>
    public Requests(string from, params IPEndPoint[] to)
    {
        foreach (var front in to)
        {
            var thread = new Thread(() => Run(from, front));
            _threads.Add(thread);
            thread.Start();
        }
    }

    public ConcurrentQueue<string> Failed { get; } = [];

    public int Count => _count;

    /// <summary>Who answered.</summary>
    public int Pods => _pods.Count;

    /// <summary>Returns when the last of them is answered.</summary>
    public void Stop()
    {
        _isOver = true;
        foreach (var thread in _threads)
            thread.Join();
    }

    private void Run(string from, IPEndPoint to)
    {
        while (!_isOver)
        {
            try
            {
                _pods.TryAdd(Ask(from, to), 0);
            }
            catch (Exception failure) when (failure is SocketException or InvalidOperationException)
            {
                Failed.Enqueue($"{DateTime.UtcNow:HH:mm:ss.fff} {to}: {failure.Message}");
            }

            Interlocked.Increment(ref _count);
            Thread.Sleep(3);
        }
    }

    private static string Ask(string from, IPEndPoint to)
    {
        using var socket = NetworkNamespace.TcpSocket(from);
        socket.ReceiveTimeout = socket.SendTimeout = Patience;
        socket.LingerState = new LingerOption(true, 0); // ports are free again at once
        socket.Connect(to);
        socket.Send("GET / HTTP/1.1\r\nHost: web\r\nConnection: close\r\n\r\n"u8);
        var answer = new byte[4096];
        var length = 0;
        for (var read = 1; read > 0 && length < answer.Length; length += read)
            read = socket.Receive(answer, length, answer.Length - length, SocketFlags.None);
        var text = Encoding.ASCII.GetString(answer, 0, length);
        return text.StartsWith("HTTP/1.1 200", StringComparison.Ordinal) && text.Split('\n') is { Length: > 2 } lines
            ? lines[^2]
            : throw new InvalidOperationException($"not an answer: {text}");
    }
}
