using System.Threading.Channels;

namespace Portolan.Lab.ApiServer.Storage;

/// <summary>
/// One watcher's queue. It is bounded: a watcher that does not keep up is cut off (its channel completes with <see cref="WatcherTooSlowException"/>)
/// rather than slowing writers down or silently missing an event; it resumes from the last revision it saw.
/// </summary>
internal sealed class Subscription : IDisposable
{
    private const int Capacity = 4096;
    private readonly ObjectStore _store;
    private readonly Channel<WatchEvent> _channel =
        Channel.CreateBounded<WatchEvent>(new BoundedChannelOptions(Capacity) { SingleReader = true, SingleWriter = true });

    internal Subscription(ObjectStore store, string resource, string? ns)
    {
        (_store, Resource, Namespace) = (store, resource, ns);
    }

    public string Resource { get; }
    public string? Namespace { get; }

    /// <summary>The objects at the moment of subscribing, when the watch did not name a revision to resume from.</summary>
    public IReadOnlyList<StoredObject> Initial { get; internal init; } = [];

    /// <summary>Events since the revision asked for that had happened before subscribing.</summary>
    public IReadOnlyList<WatchEvent> Missed { get; internal init; } = [];

    /// <summary>The store's revision at the moment of subscribing.</summary>
    public long Revision { get; internal init; }

    public ChannelReader<WatchEvent> Events => _channel.Reader;

    /// <summary>Called under the store's lock.</summary>
    internal void Offer(in WatchEvent e)
    {
        if (Namespace is not null && e.New.Key.Namespace != Namespace) return;
        if (!_channel.Writer.TryWrite(e)) _channel.Writer.TryComplete(new WatcherTooSlowException());
    }

    internal void Complete(Exception? error = null) => _channel.Writer.TryComplete(error);

    public void Dispose() => _store.Unsubscribe(this);
}

/// <summary>A watcher fell behind by more events than its queue holds.</summary>
internal sealed class WatcherTooSlowException() : Exception("the watcher did not keep up");
