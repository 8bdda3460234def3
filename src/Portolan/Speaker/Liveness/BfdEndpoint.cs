using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Portolan.Bfd;
using Portolan.Core.Addresses;
using Portolan.Linux.Sockets;
using Portolan.Protocols.Bfd;

namespace Portolan.Speaker.Liveness;

/// <summary>
/// Holds the sessions between speakers in this process, on a thread of their own: no pool and no timer queue can make a packet late, but a garbage collection
/// can. What others want of the sessions is left at the door.
/// </summary>
internal sealed class BfdEndpoint(BfdSettings settings, Action<BfdTransition<IpAddress>> onTransition, ILogger log) : ISessionHolder
{
    private readonly Lock _door = new();
    private readonly HashSet<SessionName> _held = []; // of the thread alone
    private IReadOnlyCollection<IpAddress> _peers = [];
    private BfdKey? _key;
    private bool _news = true;
    private bool _stop;
    private DeadlineWait? _wait;

    /// <inheritdoc/>
    public LoopFigures Figures { get; private set; } = new();

    /// <inheritdoc/>
    public void SetPeers(IReadOnlyCollection<IpAddress> peers) => Leave(() => _peers = [.. peers]);

    /// <inheritdoc/>
    public void UseKey(BfdKey? key) => Leave(() => _key = key);

    /// <summary>Ends <see cref="Hold"/>, with a goodbye to every peer.</summary>
    public void Stop() => Leave(() => _stop = true);

    /// <inheritdoc/>
    /// <exception cref="SocketException">The address is not this host's (yet), or another program holds the port.</exception>
    public async Task RunAsync(IpAddress local, Action started, CancellationToken stop)
    {
        var done = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        lock (_door)
            _stop = false;
        var thread = new Thread(() =>
        {
            try
            {
                Hold(local, started);
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
    /// <param name="local">This node's address.</param>
    /// <param name="started">Called once the socket is open.</param>
    /// <exception cref="SocketException">The address is not this host's (yet), or another program holds the port.</exception>
    public void Hold(IpAddress local, Action started)
    {
        using var wait = new DeadlineWait();
        using var loop = new SessionLoop(
            wait,
            transition => onTransition(new(transition.Peer.Peer, transition.From, transition.State, transition.Diagnostic, transition.RemoteState)),
            OnListening,
            log);
        Figures = loop.Figures;
        lock (_door)
            (_wait, _news) = (wait, true);
        try
        {
            _held.Clear();
            loop.Listen(local);
            started();
            while (TakeNews(loop, local))
                loop.Turn();
            loop.SayFarewell();
        }
        finally
        {
            lock (_door)
                _wait = null;
        }
    }

    private static void OnListening(ListenNews news)
    {
        if (news.Error != 0)
            throw new SocketException(news.Error);
    }

    private void Leave(Action change)
    {
        lock (_door)
        {
            change();
            _news = true;
            _wait?.Wake();
        }
    }

    /// <returns>False when it is time to go.</returns>
    private bool TakeNews(SessionLoop loop, IpAddress local)
    {
        lock (_door)
        {
            if (_stop)
                return false;
            if (!_news)
                return true;
            _news = false;
            var wanted = _peers.Select(peer => new SessionName(local, peer)).ToHashSet();
            foreach (var gone in _held.Except(wanted).ToList())
                loop.Forget(gone);
            foreach (var name in wanted)
                loop.Want(new SessionWish(name, settings, _key));
            _held.Clear();
            _held.UnionWith(wanted);
            return true;
        }
    }
}
