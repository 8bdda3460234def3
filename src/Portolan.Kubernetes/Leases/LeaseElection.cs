using Portolan.Kubernetes.Resources;

namespace Portolan.Kubernetes.Leases;

/// <summary>What a candidate does next.</summary>
public enum LeaseAct
{
    /// <summary>Nothing before <see cref="LeaseStep.Until"/>, unless the lease is seen to change.</summary>
    Wait,

    /// <summary>Read the lease.</summary>
    Read,

    /// <summary>Create the lease as ours.</summary>
    Create,

    /// <summary>Write the lease as ours over the version in <see cref="LeaseStep.Seen"/>: renewing it, or taking it.</summary>
    Update,
}

/// <summary>A candidate's next step.</summary>
/// <param name="Act">What to do.</param>
/// <param name="Until">For <see cref="LeaseAct.Wait"/>: until then. Otherwise when an answer is of no more use.</param>
/// <param name="Seen">For <see cref="LeaseAct.Update"/>: the version that is written over.</param>
public readonly record struct LeaseStep(LeaseAct Act, TimeSpan Until, Lease? Seen = null);

/// <summary>
/// One candidate for one lease, without a clock or an API: what it saw and when, in; what to do next, out. Times are this process's
/// monotonic time since some origin.
/// <para>
/// Nobody's clock is compared with anybody else's. The leader counts a renewal from the moment before it was sent and acts on it for the
/// renew deadline; the others count from the moment after they saw it and leave it alone for the longer lease duration; and who takes it writes
/// over exactly the version it saw, so that a renewal it has not seen makes the server refuse. Therefore no two lead at once, however
/// late requests, answers and watch events are, as long as no clock runs faster than another by the ratio of the two times.
/// </para>
/// </summary>
/// <param name="identity">Our name in <c>spec.holderIdentity</c>. A lease that already carries it is ours from an earlier life.</param>
/// <param name="timing">The times.</param>
public sealed class LeaseElection(string identity, LeaseTiming timing)
{
    private Lease? _seen;
    private TimeSpan _seenAt;
    private TimeSpan _free;
    private TimeSpan? _until;
    private TimeSpan _next;
    private bool _mustRead = true;

    /// <summary>Whether we took the lease and have not found it lost; see <see cref="LeadsUntil"/> for how long that can be acted on.</summary>
    public bool IsLeading => _until is not null;

    /// <summary>Up to here nobody else leads; null when we do not.</summary>
    public TimeSpan? LeadsUntil => _until;

    /// <summary>Who holds the lease as last seen, or empty.</summary>
    public string Holder => _seen?.Spec?.HolderIdentity ?? "";

    /// <summary>The lease as last seen.</summary>
    public Lease? Seen => _seen;

    /// <summary>The next step. Finding the deadline passed ends leading.</summary>
    public LeaseStep Next(TimeSpan now)
    {
        if (now >= _until)
            Lose(now);

        // A leader needs time for another attempt. To a candidate any answer is of use that leaves something of the lease.
        var patience = _until is { } until ? Min(now + timing.RetryPeriod, until) : now + timing.RenewDeadline;
        if (now < _next)
            return new LeaseStep(LeaseAct.Wait, Min(_next, _until));
        if (_mustRead)
            return new LeaseStep(LeaseAct.Read, patience);
        if (!IsLeading && Held() is { } held && now < held)
            return new LeaseStep(LeaseAct.Wait, held);
        return _seen is null ? new LeaseStep(LeaseAct.Create, patience) : new LeaseStep(LeaseAct.Update, patience, _seen);
    }

    /// <summary>The lease is like this now, or, with null, is not there: read, or shown by a watch.</summary>
    public void Observe(Lease? lease, TimeSpan now)
    {
        _mustRead = false;
        if (lease is null)
        {
            // Deleted under a holder who does not know it yet: it acts on its last renewal for at most this long.
            if (_seen is not null && Holder is not "" && Holder != identity)
                _free = now + Promised(_seen);
            _seen = null;
            return;
        }

        if (_seen?.Metadata.ResourceVersion == lease.Metadata.ResourceVersion)
            return;
        (_seen, _seenAt) = (lease, now);
        if (IsLeading && Holder != identity)
            Lose(now);
    }

    /// <summary>The server took what <see cref="Next"/> asked for.</summary>
    /// <param name="lease">The lease as written.</param>
    /// <param name="sentAt">The time before the request left.</param>
    public void Written(Lease lease, TimeSpan sentAt)
    {
        (_seen, _seenAt, _mustRead) = (lease, sentAt, false);
        _until = sentAt + timing.RenewDeadline;
        _next = sentAt + timing.RetryPeriod;
    }

    /// <summary>The lease was not what we wrote over: look again.</summary>
    public void Conflicted(TimeSpan now) => (_mustRead, _next) = (true, now);

    /// <summary>There was no answer, or one that says nothing about the lease. A leader has little time, so it comes back sooner.</summary>
    public void Failed(TimeSpan now)
    {
        _mustRead |= !IsLeading;
        _next = now + (IsLeading ? timing.RetryPeriod / 4 : timing.RetryPeriod);
    }

    /// <summary>We gave it back.</summary>
    public void Released(Lease? lease, TimeSpan now)
    {
        _until = null;
        (_seen, _seenAt, _mustRead, _next) = (lease, now, lease is null, now + timing.RetryPeriod);
    }

    /// <summary>The lease with our name in it, over the version seen.</summary>
    /// <param name="ns">The lease's namespace, where it is new.</param>
    /// <param name="name">The lease's name, where it is new.</param>
    /// <param name="today">The wall clock, for those who read the object; no decision is made by it.</param>
    public Lease Ours(string ns, string name, DateTimeOffset today)
    {
        var same = Holder == identity;
        return new Lease
        {
            Metadata = _seen?.Metadata ?? new ObjectMeta { Namespace = ns, Name = name },
            Spec = new LeaseSpec
            {
                HolderIdentity = identity,
                LeaseDurationSeconds = (int)timing.Duration.TotalSeconds,
                AcquireTime = same ? _seen!.Spec!.AcquireTime ?? today : today,
                RenewTime = today,
                LeaseTransitions = (_seen?.Spec?.LeaseTransitions ?? 0) + (same || _seen is null ? 0 : 1),
            },
        };
    }

    private void Lose(TimeSpan now) => (_until, _mustRead, _next) = (null, true, now);

    // Until when it is somebody else's, or null.
    private TimeSpan? Held() =>
        _seen is null ? _free
        : Holder is "" || Holder == identity ? null
        : _seenAt + Promised(_seen);

    // What its holder told the others to wait, which need not be what we would.
    private TimeSpan Promised(Lease lease) => lease.Spec?.LeaseDurationSeconds is > 0 and var seconds ? TimeSpan.FromSeconds(seconds) : timing.Duration;

    private static TimeSpan Min(TimeSpan one, TimeSpan? other) => other < one ? other.Value : one;
}
