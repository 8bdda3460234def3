using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Portolan.Core.Addresses;
using Portolan.Protocols.Bfd;

namespace Portolan.Speaker.Liveness;

/// <summary>
/// Keeps sessions running on this node's address, whatever that is at the moment, once it is known whether there is a key.
/// Setters have one caller at a time.
/// </summary>
internal sealed class SpeakerSessions(ISessionHolder holder, ILogger log)
{
    private readonly Channel<IpAddress?> _locals =
        Channel.CreateBounded<IpAddress?>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropOldest, SingleReader = true });

    private IpAddress? _wanted;
    private bool _keyIsKnown;
    private bool _hasKey;
    private IpAddress? _running;

    /// <summary>This node's address, or null while there is none, and the other nodes'.</summary>
    public void SetPeers(IpAddress? local, IReadOnlyCollection<IpAddress> peers)
    {
        holder.SetPeers(peers);
        if (local == _wanted)
            return;
        _wanted = local;
        if (_keyIsKnown)
            _locals.Writer.TryWrite(local);
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
        if (_wanted is not null)
            _locals.Writer.TryWrite(_wanted);
    }

    /// <summary>Holds sessions until the stop. After a failure it may be called again.</summary>
    public async Task RunAsync(Action started, Action stopped, CancellationToken stop)
    {
        while (true)
        {
            while (_running is null)
                _running = await _locals.Reader.ReadAsync(stop);
            using var change = CancellationTokenSource.CreateLinkedTokenSource(stop);
            var holding = holder.RunAsync(_running.Value, started, change.Token);
            try
            {
                await Task.WhenAny(holding, _locals.Reader.WaitToReadAsync(change.Token).AsTask());
                await change.CancelAsync();
                await holding;
            }
            finally
            {
                stopped();
            }

            stop.ThrowIfCancellationRequested();
            if (_locals.Reader.TryRead(out var next))
                _running = next;
        }
    }
}
