using System.Collections.Concurrent;
using System.Threading.Channels;
using Portolan.Core.Cluster;

namespace Portolan.Lab.ApiServer;

/// <summary>Objects that somebody must look at: each once, however often it changed since. Bounded by the number of objects.</summary>
internal sealed class PendingKeys
{
    private readonly ConcurrentDictionary<ObjectKey, bool> _keys = [];
    private readonly Channel<bool> _look = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite });

    public void Add(ObjectKey key)
    {
        _keys[key] = true;
        _look.Writer.TryWrite(true);
    }

    /// <summary>Hands over one key after the other, until cancelled.</summary>
    public async Task RunAsync(Func<ObjectKey, Task> look, CancellationToken cancellation)
    {
        while (await _look.Reader.WaitToReadAsync(cancellation))
        {
            _look.Reader.TryRead(out _);
            foreach (var key in _keys.Keys)
                if (_keys.TryRemove(key, out _))
                    await look(key);
        }
    }
}
