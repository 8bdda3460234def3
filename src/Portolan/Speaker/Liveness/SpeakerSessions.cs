using Microsoft.Extensions.Logging;
using Portolan.Core.Addresses;
using Portolan.Protocols.Bfd;

namespace Portolan.Speaker.Liveness;

/// <summary>
/// Keeps sessions between speakers running on this node's address, whatever that is at the moment, once it is known whether there is a key.
/// Setters have one caller at a time.
/// </summary>
internal sealed class SpeakerSessions(ISessionHolder holder, ILogger log)
{
    private IpAddress? _local;
    private IReadOnlyCollection<IpAddress> _peers = [];
    private bool _keyIsKnown;
    private bool _hasKey;

    /// <summary>This node's address, or null while there is none, and the other nodes'.</summary>
    public void SetPeers(IpAddress? local, IReadOnlyCollection<IpAddress> peers)
    {
        (_local, _peers) = (local, peers);
        if (_keyIsKnown)
            holder.SetPeers(local, peers);
    }

    /// <summary>The key from now on; null: none.</summary>
    public void UseKey(BfdKey? key)
    {
        _hasKey = key is not null;
        holder.UseKey(key);
    }

    /// <summary>From now on it is known whether there is a key: sessions may start.</summary>
    public void KeyIsKnown()
    {
        if (!_hasKey)
            log.LogWarning("there is no key for the speakers: until there is, they believe each other unauthenticated");
        _keyIsKnown = true;
        holder.SetPeers(_local, _peers);
    }

    /// <summary>Holds sessions, those with neighbours too, until the stop. After a failure it may be called again.</summary>
    /// <param name="started">See <see cref="ISessionHolder.RunAsync"/>.</param>
    /// <param name="stopped">See <see cref="ISessionHolder.RunAsync"/>.</param>
    /// <param name="farewell">Ends when, after the stop, the sessions with neighbours are not needed any more.</param>
    /// <param name="stop">Cancelled in the end.</param>
    public async Task RunAsync(Action started, Action stopped, Func<Task> farewell, CancellationToken stop)
    {
        using var end = new CancellationTokenSource();
        var holding = holder.RunAsync(started, stopped, end.Token);
        try
        {
            await Task.WhenAny(holding, Task.Delay(Timeout.InfiniteTimeSpan, stop));
            if (stop.IsCancellationRequested)
            {
                // The other speakers take over at once. What a BGP peer is told by BFD it must not hear before it has been told by BGP.
                holder.SetPeers(null, []);
                await Task.WhenAny(holding, farewell());
            }

            await end.CancelAsync();
            await holding;
        }
        finally
        {
            stopped();
        }

        stop.ThrowIfCancellationRequested();
    }
}
