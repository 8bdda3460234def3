namespace Portolan.Soak.Bgp;

/// <summary>
/// This program's own thread pool with more to do than it can, and its collector with it: many chains of work, each piece of which takes its time, allocates, drops
/// what was allocated before, and queues the next. Whatever else is queued waits behind them.
/// </summary>
internal sealed class BusyPool : IDisposable
{
    private const int Chains = 64;
    private const int LiveObjects = 200_000;
    private static readonly TimeSpan Piece = TimeSpan.FromMilliseconds(2);
    private readonly object[] _live = new object[LiveObjects];
    private readonly CountdownEvent _running = new(Chains);
    private long _pieces;
    private volatile bool _isOver;

    public BusyPool()
    {
        for (var i = 0; i < Chains; i++)
            Queue(i * (LiveObjects / Chains));
    }

    /// <summary>How many pieces of work were done.</summary>
    public long Count => Volatile.Read(ref _pieces);

    public void Dispose()
    {
        _isOver = true;
        _running.Wait();
        _running.Dispose();
    }

    private void Queue(int at) => ThreadPool.UnsafeQueueUserWorkItem(_ => Work(at), null);

    private void Work(int at)
    {
        var began = System.Diagnostics.Stopwatch.GetTimestamp();
        while (System.Diagnostics.Stopwatch.GetElapsedTime(began) < Piece)
        {
            _live[at] = new byte[16 + (at & 127)];
            at = (at + 7919) % LiveObjects;
        }

        Interlocked.Increment(ref _pieces);
        if (_isOver)
            _running.Signal();
        else
            Queue(at);
    }
}
