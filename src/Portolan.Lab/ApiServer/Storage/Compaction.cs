namespace Portolan.Lab.ApiServer.Storage;

/// <summary>Decides which events are no longer kept. The writer thread's alone.</summary>
internal sealed class Compaction(HistoryLimits limits, TimeProvider clock)
{
    private readonly record struct Kept(WatchEvent Event, long Timestamp);

    private readonly Queue<Kept> _kept = [];
    private long _bytes;

    /// <summary>Takes over the events a restart found; they count as new, since how long they had been kept is not recorded.</summary>
    public void Load(IReadOnlyList<WatchEvent> events) => Keep(events, clock.GetTimestamp());

    /// <summary>Takes new events into account and gives up the oldest until the rest is within the limits.</summary>
    /// <param name="added">In revision order; they may be given up at once.</param>
    /// <param name="dropped">Filled with the events given up, oldest first.</param>
    public void Advance(IReadOnlyList<WatchEvent> added, List<WatchEvent> dropped)
    {
        var now = clock.GetTimestamp();
        Keep(added, now);
        while (_kept.TryPeek(out var oldest)
            && (_kept.Count > limits.Events || _bytes > limits.Bytes || clock.GetElapsedTime(oldest.Timestamp, now) > limits.Age))
        {
            _kept.Dequeue();
            _bytes -= oldest.Event.HeldBytes;
            dropped.Add(oldest.Event);
        }
    }

    private void Keep(IReadOnlyList<WatchEvent> events, long timestamp)
    {
        foreach (var e in events)
        {
            _kept.Enqueue(new(e, timestamp));
            _bytes += e.HeldBytes;
        }
    }
}
