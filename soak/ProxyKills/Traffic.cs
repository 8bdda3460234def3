using System.Collections.Concurrent;
using System.Diagnostics;
using System.Net;
using System.Net.Sockets;
using Portolan.Rig;

namespace Portolan.Soak.ProxyKills;

/// <summary>A client outside the cluster: connections that stay, and new ones all the time, by every front of the Service in turn.</summary>
internal sealed class Traffic
{
    private const int Streams = 24;
    private const int Askers = 4;
    private const int Patience = 10_000; // milliseconds
    private readonly NetworkNamespace _client;
    private readonly IPEndPoint[] _fronts;
    private readonly List<Thread> _threads = [];
    private long _requests;
    private long _exchanges;
    private volatile bool _isOver;

    public Traffic(NetworkNamespace client, params IPEndPoint[] fronts) => (_client, _fronts) = (client, fronts);

    public ConcurrentQueue<string> Wrong { get; } = [];

    public Percentiles Requests { get; } = new();

    public long RequestCount => Interlocked.Read(ref _requests);

    public long ExchangeCount => Interlocked.Read(ref _exchanges);

    public static int StreamCount => Streams;

    public void Start()
    {
        for (var i = 0; i < Streams; i++)
            Run(i, Stream);
        for (var i = 0; i < Askers; i++)
            Run(i, KeepAsking);
    }

    public void Stop()
    {
        _isOver = true;
        foreach (var thread in _threads)
            thread.Join();
    }

    /// <summary>One new connection.</summary>
    /// <returns>The number of the pod that answered.</returns>
    public int Ask(IPEndPoint front)
    {
        using var socket = Open(front);
        return Exchange(socket, 0);
    }

    private void Run(int number, Action<IPEndPoint> work)
    {
        var thread = new Thread(() =>
        {
            var front = _fronts[number % _fronts.Length];
            try
            {
                work(front);
            }
            catch (Exception failure) when (failure is SocketException or InvalidOperationException)
            {
                Wrong.Enqueue($"{work.Method.Name} of {front}: {failure.Message}");
            }
        });
        _threads.Add(thread);
        thread.Start();
    }

    private void Stream(IPEndPoint front)
    {
        using var socket = Open(front);
        Exchange(socket, 0);
        for (byte word = 1; !_isOver; word++)
        {
            Say(socket, word);
            Interlocked.Increment(ref _exchanges);
            Thread.Sleep(10);
        }
    }

    private void KeepAsking(IPEndPoint _)
    {
        for (var i = 0; !_isOver; i++)
        {
            var front = _fronts[i % _fronts.Length];
            var started = Stopwatch.GetTimestamp();
            try
            {
                Ask(front);
            }
            catch (Exception failure) when (failure is SocketException or InvalidOperationException)
            {
                Wrong.Enqueue($"request to {front}: {failure.Message}");
            }

            Requests.Add(Stopwatch.GetElapsedTime(started));
            Interlocked.Increment(ref _requests);
            Thread.Sleep(5);
        }
    }

    // Ends by a reset, so that ports are free again at once.
    private Socket Open(IPEndPoint front)
    {
        var socket = NetworkNamespace.TcpSocket(_client.Name);
        socket.ReceiveTimeout = socket.SendTimeout = Patience;
        socket.LingerState = new LingerOption(true, 0);
        socket.Connect(front);
        return socket;
    }

    private static int Exchange(Socket socket, byte word)
    {
        Span<byte> pod = stackalloc byte[1];
        if (socket.Receive(pod) != 1)
            throw new InvalidOperationException("closed by the other side");
        Say(socket, word);
        return pod[0];
    }

    private static void Say(Socket socket, byte word)
    {
        socket.Send([word]);
        Span<byte> answer = stackalloc byte[1];
        if (socket.Receive(answer) != 1 || answer[0] != word)
            throw new InvalidOperationException("closed by the other side, or another answer than ours");
    }
}
