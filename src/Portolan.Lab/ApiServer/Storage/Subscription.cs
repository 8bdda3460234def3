using System.Threading.Channels;
using Portolan.Core.Cluster;

namespace Portolan.Lab.ApiServer.Storage;

/// <summary>
/// One watcher's queue. It is bounded: a watcher that does not keep up is cut off (its channel completes with <see cref="WatcherTooSlowException"/>)
/// rather than slowing writers down or silently missing an event; it resumes from the last revision it saw.
/// </summary>
internal sealed class Subscription : IDisposable
{
    private const int Capacity = 4096;
    private readonly ObjectStore _store;
    private readonly Channel<WatchItem> _channel =
        Channel.CreateBounded<WatchItem>(new BoundedChannelOptions(Capacity) { SingleReader = true, SingleWriter = false });

    internal Subscription(ObjectStore store, WatchScope scope) => (_store, Scope) = (store, scope);

    public WatchScope Scope { get; }

    /// <summary>The objects at the moment of subscribing, when the watch did not name a revision to resume from.</summary>
    public ObjectSnapshot? Initial { get; internal init; }

    /// <summary>Events since the revision asked for that had happened before subscribing.</summary>
    public IReadOnlyList<WatchEvent> Missed { get; internal init; } = [];

    /// <summary>The watcher knows everything up to here: the store's revision at the moment of subscribing, or a later one that it asked for.</summary>
    public long Revision { get; internal init; }

    public ChannelReader<WatchItem> Items => _channel.Reader;

    /// <summary>Called under the store's lock.</summary>
    internal void Offer(in WatchEvent e)
    {
        // A watch that begins in the future waits for it.
        if (e.Revision <= Revision || !Scope.Includes(e.New.Key)) return;
        if (!_channel.Writer.TryWrite(new(e, 0))) _channel.Writer.TryComplete(new WatcherTooSlowException());
    }

    /// <summary>Called under the store's lock: everything up to the revision has been offered.</summary>
    internal void OfferBookmark(long revision)
    {
        // One that does not fit is no loss: the next event or bookmark says more.
        if (Scope.Bookmarks && revision >= Revision) _channel.Writer.TryWrite(new(default, revision));
    }

    /// <summary>Ends the watch after what is queued.</summary>
    public void Complete() => _channel.Writer.TryComplete();

    public void Dispose() => _store.Unsubscribe(this);
}

/// <summary>What a watch is about.</summary>
/// <param name="Resource">The storage name.</param>
/// <param name="Namespace">Null for all.</param>
/// <param name="Name">Null for all.</param>
/// <param name="Bookmarks">Whether it is told now and then how far it has seen, when nothing else tells it.</param>
internal readonly record struct WatchScope(string Resource, string? Namespace = null, string? Name = null, bool Bookmarks = false)
{
    public bool Includes(ObjectKey key) => (Namespace is null || key.Namespace == Namespace) && (Name is null || key.Name == Name);
}

/// <summary>A watcher fell behind by more events than its queue holds.</summary>
internal sealed class WatcherTooSlowException() : Exception("the watcher did not keep up");
