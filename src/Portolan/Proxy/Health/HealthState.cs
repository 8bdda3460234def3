using Portolan.Core.Addresses;

namespace Portolan.Proxy.Health;

/// <summary>
/// Remembers since when changes wait to be programmed. Whoever receives them notes that, not the loop that programs them: a loop that hangs is what
/// must be noticed. Ages are taken from a clock that nobody sets.
/// </summary>
/// <param name="time">The clock.</param>
/// <param name="syncPeriod">kube-proxy's <c>syncPeriod</c>: a change that waits for twice as long makes the proxy unhealthy.</param>
internal sealed class HealthState(TimeProvider time, TimeSpan syncPeriod)
{
    private readonly Lock _gate = new();
    private readonly Family[] _families = [new(IpFamily.IPv4), new(IpFamily.IPv6)];
    private long _queued; // since when a change waits that the loop has not seen; 0: none does
    private int _node;

    /// <summary>What becomes of the node.</summary>
    internal NodeStanding Node
    {
        get => (NodeStanding)Volatile.Read(ref _node);
        set => Volatile.Write(ref _node, (int)value);
    }

    /// <summary>No change has waited too long, whatever becomes of the node.</summary>
    internal bool IsHealthy => Livez().Healthy;

    /// <summary>A change is about to be queued.</summary>
    internal void Queue()
    {
        if (Volatile.Read(ref _queued) == 0)
            Interlocked.CompareExchange(ref _queued, Math.Max(1, time.GetTimestamp()), 0);
    }

    /// <summary>The loop has taken what was queued; it waits now for the kernel, in each family.</summary>
    internal void Take()
    {
        if (Volatile.Read(ref _queued) == 0)
            return;
        lock (_gate)
        {
            var queued = Interlocked.Exchange(ref _queued, 0);
            foreach (var family in _families)
            {
                if (family.Pending == 0)
                    family.Pending = queued;
            }
        }
    }

    /// <summary>The kernel has all that was taken, in one family.</summary>
    internal void Programmed(IpFamily family)
    {
        lock (_gate)
        {
            var programmed = _families[family is IpFamily.IPv4 ? 0 : 1];
            programmed.Pending = 0;
            programmed.LastUpdated = time.GetUtcNow().UtcDateTime;
        }
    }

    /// <summary>The kernel has all that was taken, in every family that has rules; perhaps nothing was different.</summary>
    internal void Programmed()
    {
        lock (_gate)
        {
            foreach (var family in _families)
            {
                family.Pending = 0;
                if (family.LastUpdated is not null)
                    family.LastUpdated = time.GetUtcNow().UtcDateTime;
            }
        }
    }

    /// <summary>For load balancers: this node forwards, and stays.</summary>
    internal ProxyHealth Healthz() => ProxyHealth.Of(Progress(), Node, time.GetUtcNow().UtcDateTime, 2 * syncPeriod);

    /// <summary>For the kubelet: the proxy works.</summary>
    internal ProxyHealth Livez() => ProxyHealth.Of(Progress(), null, time.GetUtcNow().UtcDateTime, 2 * syncPeriod);

    private FamilyProgress[] Progress()
    {
        lock (_gate)
        {
            var queued = Volatile.Read(ref _queued);
            return [.. _families.Select(family => new FamilyProgress(family.Name, family.LastUpdated, (family.Pending != 0 ? family.Pending : queued) is not 0 and var since ? time.GetElapsedTime(since) : null))];
        }
    }

    private sealed class Family(IpFamily name)
    {
        internal IpFamily Name => name;

        internal long Pending { get; set; }

        internal DateTime? LastUpdated { get; set; }
    }
}
