using Portolan.Core.Cluster;

namespace Portolan.Speaker.Moves;

/// <summary>
/// Services that another living node announces from now on. Two speakers never see a change at the same instant, and a client that asks in between
/// should not go unanswered for a second: so the former announcer answers a little longer. Nothing is lost by two answers, for it also forwards.
/// Pure: time is passed in, as microseconds.
/// </summary>
internal sealed class Departures
{
    /// <summary>How long the former announcer goes on answering.</summary>
    internal const long Overlap = 200_000;

    private readonly Queue<(ObjectKey Service, long Due)> _queue = new();
    private readonly Dictionary<ObjectKey, long> _due = [];

    /// <summary>When <see cref="TryTakeDue"/> has something, or null.</summary>
    public long? Deadline => _queue.TryPeek(out var next) ? next.Due : null;

    /// <summary>The Service goes, a little later.</summary>
    public void Add(ObjectKey service, long now)
    {
        if (_due.TryAdd(service, now + Overlap))
            _queue.Enqueue((service, now + Overlap));
    }

    /// <summary>Whether the Service is on its way.</summary>
    public bool Contains(ObjectKey service) => _due.ContainsKey(service);

    /// <summary>The Service stays, or has gone at once.</summary>
    public void Remove(ObjectKey service) => _due.Remove(service);

    /// <summary>A Service whose time has come.</summary>
    public bool TryTakeDue(long now, out ObjectKey service)
    {
        while (_queue.TryPeek(out var next) && next.Due <= now)
        {
            _queue.Dequeue();
            service = next.Service;
            if (_due.GetValueOrDefault(service) == next.Due && _due.Remove(service))
                return true;
        }

        service = default;
        return false;
    }
}
