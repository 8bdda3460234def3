using Portolan.Core.Addresses;
using Portolan.Core.Announcements;
using Portolan.Core.Cluster;
using Portolan.Protocols.Arp;

namespace Portolan.Speaker.Layer2.Truth;

/// <summary>What there is to tell of a Service's address.</summary>
internal enum TruthNews
{
    /// <summary>Somebody else claims it.</summary>
    Conflict,

    /// <summary>Somebody else claims it, and by policy it is announced no more.</summary>
    Yielded,

    /// <summary>Nobody has claimed it for a while.</summary>
    Settled,
}

/// <summary>
/// Watches over the addresses that this node announces: probes them when they are first assigned, hears who else claims them, and defends or yields
/// as the policy says. Of an address that was yielded it asks every ten seconds whether the other still has it. One caller at a time; times are
/// microseconds.
/// </summary>
/// <param name="announcer">Puts it on the wire.</param>
/// <param name="claims">What is overheard.</param>
/// <param name="isOurs">Whether a hardware address belongs to a node with a speaker: where an address moves, two of them speak for a moment.</param>
/// <param name="tell">Told what happens to a Service's address, and who is on the other side.</param>
internal sealed class WireTruth(Layer2Announcer announcer, WireClaims claims, Func<MacAddress, bool> isOurs, Action<ObjectKey, TruthNews, WireClaim> tell)
{
    /// <summary>Probes at the first assignment. RFC 5227 §1.1 has 3 too, but 1 to 2 s apart, and waits 2 s more.</summary>
    public const int Probes = 3;

    /// <summary>Between two probes, and from the last one to the verdict.</summary>
    public const long ProbeEvery = 50_000;

    // A former holder that does not know yet that the address has moved may speak for so long.
    private const long Grace = 2_000_000;
    private const long LookAgain = 10_000_000;
    private const int SilencesThatFree = 3;

    private readonly Dictionary<IpAddress, Guarded> _guarded = [];
    private readonly Dictionary<ObjectKey, IReadOnlyList<IpAddress>> _services = [];
    private readonly PriorityQueue<IpAddress, long> _due = new();
    private HashSet<IpAddress> _yielded = [];

    private sealed class Guarded
    {
        public required long Since { get; init; }
        public HashSet<ObjectKey> Services { get; } = [];
        public ConflictPolicy Policy { get; set; }
        public AddressDefence Defence;
        public WireClaim Claim { get; set; }
        public int ProbesLeft { get; set; }
        public long? ProbedUntil { get; set; }
        public bool IsFirst { get; set; }
        public bool IsYielded { get; set; }
        public bool WasHeard { get; set; }
        public int Silences { get; set; }
        public long DueAt { get; set; } = long.MaxValue;
    }

    /// <summary>Addresses that nobody is to announce, because somebody else has them. A new set whenever it is another.</summary>
    public IReadOnlySet<IpAddress> Yielded => _yielded;

    /// <summary>Claims of others to addresses announced here.</summary>
    public long Conflicts { get; private set; }

    /// <summary>Probes sent.</summary>
    public long ProbesSent { get; private set; }

    /// <summary>Defences sent.</summary>
    public long Defences { get; private set; }

    /// <summary>Addresses that are claimed by others now.</summary>
    public IEnumerable<IpAddress> Contested => _guarded.Where(entry => entry.Value.Defence.ClaimedAt is not null).Select(entry => entry.Key);

    /// <summary>When <see cref="Advance"/> has something to do, or null. What is overheard is not known here: look when it is.</summary>
    public long? Deadline => _due.TryPeek(out _, out var due) ? due : null;

    /// <summary>
    /// This node is to announce exactly these addresses for a Service: to be said before the announcer is told, so that an address which has to be
    /// probed first is not answered for meanwhile.
    /// </summary>
    /// <param name="service">The Service.</param>
    /// <param name="addresses">None: it announces it no more.</param>
    /// <param name="policy">What is done in a conflict.</param>
    /// <param name="first">Those that have not been announced before, by anybody.</param>
    /// <param name="now">The present.</param>
    public void Set(ObjectKey service, IReadOnlyList<IpAddress> addresses, ConflictPolicy policy, IReadOnlyCollection<IpAddress> first, long now)
    {
        foreach (var address in addresses)
        {
            if (!_guarded.TryGetValue(address, out var guarded))
            {
                _guarded[address] = guarded = new Guarded { Since = now };
                claims.Watch(address);
                if (first.Contains(address))
                    BeginProbing(address, guarded, policy, now);
            }

            guarded.Services.Add(service);
            guarded.Policy = policy;
            if (guarded.IsYielded && policy is ConflictPolicy.Defend)
                Free(address, guarded, now);
        }

        foreach (var address in (_services.GetValueOrDefault(service) ?? []).Except(addresses))
            Drop(address, service, now);
        if (addresses.Count == 0)
            _services.Remove(service);
        else
            _services[service] = addresses;
    }

    /// <summary>Whether this node yielded an address of the Service, and looks whether it is free again.</summary>
    public bool HasYielded(ObjectKey service) => _yielded.Count > 0 && _services.TryGetValue(service, out var addresses) && addresses.Any(_yielded.Contains);

    /// <summary>Whether this node announces all that it has to of the Service, and nobody claims any of it.</summary>
    public bool IsQuiet(ObjectKey service) =>
        _services.TryGetValue(service, out var addresses) && addresses.All(address => _guarded[address] is { IsYielded: false, Defence.ClaimedAt: null });

    /// <summary>Takes what was overheard, and lets time pass.</summary>
    /// <returns>Whether <see cref="Yielded"/> is another set now.</returns>
    public bool Advance(IReadOnlyList<WireClaim> heard, long now)
    {
        var before = _yielded;
        foreach (var claim in heard)
            if (_guarded.TryGetValue(claim.Address, out var guarded) && !announcer.IsOwn(claim.Mac))
                Hear(claim, guarded, now);
        while (_due.TryPeek(out var address, out var due) && due <= now)
        {
            _due.Dequeue();
            if (_guarded.TryGetValue(address, out var guarded) && guarded.DueAt == due)
                Continue(address, guarded, now);
        }

        return before != _yielded;
    }

    private void BeginProbing(IpAddress address, Guarded guarded, ConflictPolicy policy, long now)
    {
        (guarded.IsFirst, guarded.ProbesLeft, guarded.ProbedUntil) = (true, Probes, now + Probes * ProbeEvery);
        if (policy is ConflictPolicy.Refuse)
            announcer.Hold(address, now);
        // The first goes out with the announcer's next step: it does not know the address's interfaces yet.
        Wait(address, guarded, now);
    }

    private void Drop(IpAddress address, ObjectKey service, long now)
    {
        var guarded = _guarded[address];
        guarded.Services.Remove(service);
        if (guarded.Services.Count > 0)
            return;
        _guarded.Remove(address);
        claims.Unwatch(address);
        announcer.Release(address, now);
        if (guarded.IsYielded)
            _yielded = [.. _yielded.Where(yielded => yielded != address)];
    }

    private void Hear(WireClaim claim, Guarded guarded, long now)
    {
        var isProbed = guarded.ProbedUntil is not null;
        if (claim.IsProbe && !isProbed || isOurs(claim.Mac))
            return;
        if (guarded.IsYielded)
        {
            guarded.WasHeard = true;
            return;
        }

        if (!guarded.IsFirst && now - guarded.Since < Grace)
            return;
        Conflicts++;
        var isNew = guarded.Defence.ClaimedAt is null || guarded.Claim.Mac != claim.Mac;
        guarded.Claim = claim;
        switch (guarded.Defence.Claimed(guarded.Policy, isProbed, now))
        {
            case ConflictAnswer.Defend:
                announcer.Defend(claim.Address, now);
                Defences++;
                break;
            case ConflictAnswer.Yield:
                Yield(claim, guarded, now);
                return;
        }

        if (guarded.DueAt == long.MaxValue)
            Wait(claim.Address, guarded, now + AddressDefence.Quiet);
        if (isNew)
            Tell(guarded, TruthNews.Conflict);
    }

    private void Yield(WireClaim claim, Guarded guarded, long now)
    {
        (guarded.IsYielded, guarded.ProbedUntil, guarded.Silences, guarded.WasHeard) = (true, null, 0, true);
        announcer.Hold(claim.Address, now);
        _yielded = [.. _yielded, claim.Address];
        Wait(claim.Address, guarded, now + LookAgain);
        Tell(guarded, TruthNews.Yielded);
    }

    private void Continue(IpAddress address, Guarded guarded, long now)
    {
        guarded.DueAt = long.MaxValue;
        if (guarded.ProbesLeft > 0)
        {
            guarded.ProbesLeft--;
            ProbesSent++;
            announcer.Probe(address);
            Wait(address, guarded, now + ProbeEvery);
        }
        else if (guarded.ProbedUntil is not null)
        {
            guarded.ProbedUntil = null;
            announcer.Release(address, now);
            if (guarded.Defence.ClaimedAt is not null)
                Wait(address, guarded, now + AddressDefence.Quiet);
        }
        else if (guarded.IsYielded)
        {
            LookWhetherFree(address, guarded, now);
        }
        else if (guarded.Defence.Settles(now))
        {
            Tell(guarded, TruthNews.Settled);
        }
        else if (guarded.Defence.ClaimedAt is { } claimed)
        {
            Wait(address, guarded, claimed + AddressDefence.Quiet);
        }
    }

    private void LookWhetherFree(IpAddress address, Guarded guarded, long now)
    {
        guarded.Silences = guarded.WasHeard ? 0 : guarded.Silences + 1;
        if (guarded.Silences < SilencesThatFree)
        {
            guarded.WasHeard = false;
            announcer.Ask(address, now, anywhere: true);
            Wait(address, guarded, now + LookAgain);
            return;
        }

        Free(address, guarded, now);
    }

    private void Free(IpAddress address, Guarded guarded, long now)
    {
        guarded.IsYielded = false;
        guarded.Defence = default;
        _yielded = [.. _yielded.Where(yielded => yielded != address)];
        announcer.Release(address, now);
        Tell(guarded, TruthNews.Settled);
    }

    private void Tell(Guarded guarded, TruthNews news)
    {
        foreach (var service in guarded.Services)
            tell(service, news, guarded.Claim);
    }

    private void Wait(IpAddress address, Guarded guarded, long until)
    {
        if (guarded.DueAt == until)
            return;
        guarded.DueAt = until;
        _due.Enqueue(address, until);
    }
}
