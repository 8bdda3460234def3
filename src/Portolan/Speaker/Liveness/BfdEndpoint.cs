using Microsoft.Extensions.Logging;
using Portolan.Bfd;
using Portolan.Core.Addresses;
using Portolan.Linux.Sockets;
using Portolan.Protocols.Bfd;

namespace Portolan.Speaker.Liveness;

/// <summary>
/// Holds the sessions in this process, on a thread of their own: no pool and no timer queue can make a packet late, but a garbage collection can. So no
/// interval is agreed to that is shorter than without real-time scheduling, and no C bit is set. What others want of the sessions is left at the door.
/// </summary>
/// <param name="settings">The intervals of sessions between speakers.</param>
/// <param name="onTransition">Told of each change of one of those.</param>
/// <param name="onNeighbor">Told of each change of a session with a neighbour, as <see cref="WantedSessions"/> says.</param>
/// <param name="log">Told of what should not happen.</param>
internal sealed class BfdEndpoint(BfdSettings settings, Action<BfdTransition<IpAddress>> onTransition, Action<BfdTransition<SessionName>> onNeighbor, ILogger log) : ISessionHolder
{
    private const long ReportEvery = 1_000_000;

    private readonly WantedSessions _wanted = new(settings, onTransition, onNeighbor, log);
    private readonly Lock _door = new();
    private bool _news = true;
    private bool _stop;
    private DeadlineWait? _wait;

    /// <inheritdoc/>
    public LoopFigures Figures { get; private set; } = new();

    /// <inheritdoc/>
    public IReadOnlyList<NeighborSession> Neighbors => _wanted.Neighbors;

    /// <inheritdoc/>
    public void SetPeers(IpAddress? local, IReadOnlyCollection<IpAddress> peers)
    {
        _wanted.SetPeers(local, peers);
        Wake();
    }

    /// <inheritdoc/>
    public void UseKey(BfdKey? key)
    {
        _wanted.UseKey(key);
        Wake();
    }

    /// <inheritdoc/>
    public void SetNeighbors(IReadOnlyDictionary<SessionName, NeighborSettings> neighbors, bool planned = false)
    {
        _wanted.SetNeighbors(neighbors, planned);
        Wake();
    }

    /// <summary>Ends <see cref="Hold"/>, with a goodbye to every peer.</summary>
    public void Stop()
    {
        lock (_door)
        {
            _stop = true;
            _wait?.Wake();
        }
    }

    /// <inheritdoc/>
    public async Task RunAsync(Action started, Action stopped, CancellationToken stop)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_door)
            _stop = false;
        var thread = new Thread(() =>
        {
            try
            {
                Hold(started, stopped);
                done.SetResult();
            }
            catch (Exception failure)
            {
                // Not handled here: whoever awaits the endpoint sees it.
                done.SetException(failure);
            }
        })
        { Name = "bfd", IsBackground = true, Priority = ThreadPriority.Highest };
        thread.Start();
        await using (stop.Register(Stop))
            await done.Task;
    }

    /// <summary>Holds the sessions on the calling thread, in its network namespace, until <see cref="Stop"/>.</summary>
    /// <param name="started">Called once other speakers can be heard.</param>
    /// <param name="stopped">Called when the address on which they were heard is given up.</param>
    public void Hold(Action started, Action stopped)
    {
        using var wait = new DeadlineWait();
        using var loop = new SessionLoop(wait, _wanted.On, _wanted.On, log) { Floor = BfdProcess.OrdinaryFloor };
        Figures = loop.Figures;
        lock (_door)
            (_wait, _news) = (wait, true);
        _wanted.Begin(started, stopped);
        try
        {
            Action<SessionFigures> show = _wanted.On;
            for (var reportAt = DeadlineWait.Now; TakeNews(loop);)
            {
                if (DeadlineWait.Now >= reportAt)
                {
                    loop.Report(loop.Count, show);
                    reportAt = DeadlineWait.Now + ReportEvery;
                }

                loop.Turn(loop.Count == 0 ? long.MaxValue : reportAt);
            }

            loop.SayFarewell();
        }
        finally
        {
            lock (_door)
                _wait = null;
            _wanted.End();
        }
    }

    private void Wake()
    {
        lock (_door)
        {
            _news = true;
            _wait?.Wake();
        }
    }

    /// <returns>False when it is time to go.</returns>
    private bool TakeNews(SessionLoop loop)
    {
        lock (_door)
        {
            if (_stop)
                return false;
            if (!_news)
                return true;
            _news = false;
        }

        var changes = _wanted.Take();
        foreach (var (name, planned) in changes.Ended)
        {
            if (planned)
                loop.Dismiss(name);
            else
                loop.Forget(name);
        }

        foreach (var wish in changes.Wanted)
            loop.Want(wish);
        return true;
    }
}
