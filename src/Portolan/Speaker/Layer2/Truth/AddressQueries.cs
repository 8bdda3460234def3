using Portolan.Core.Addresses;
using Portolan.Protocols.Arp;

namespace Portolan.Speaker.Layer2.Truth;

/// <summary>
/// Asks for the addresses that other nodes announce, as a client would: of all living speakers one asks for an address each minute, another one each
/// time, and all addresses are spread over the minute. Who hears nothing asks twice more, a second apart. Time is passed in, microseconds; one
/// caller at a time.
/// </summary>
/// <param name="self">This node.</param>
/// <param name="ask">Puts the question on the wire; false where this node has no interface from which a client could ask.</param>
/// <param name="claims">Where the answers are heard.</param>
internal sealed class AddressQueries(string self, Func<IpAddress, bool> ask, WireClaims claims)
{
    /// <summary>An address is asked for once in so long.</summary>
    public const long Period = 60_000_000;

    private const long Patience = 500_000;
    private const long AskAgain = 1_000_000;
    private const int Attempts = 3;

    // Bursts are short: the queue is looked at ten times a second, and so many questions go out each time.
    private const long Tick = 100_000;
    private const int PerTick = 10;

    private readonly Dictionary<IpAddress, string> _announcers = [];
    private readonly PriorityQueue<IpAddress, long> _due = new();
    private readonly HashSet<IpAddress> _queued = [];
    private readonly Dictionary<IpAddress, Question> _asked = [];
    private readonly Dictionary<IpAddress, QueryFinding> _findings = [];
    private string[] _living = [];
    private long _nextTick;

    private sealed class Question(long until)
    {
        public long Until { get; set; } = until;

        public int Attempt { get; set; } = 1;

        public List<MacAddress> Answers { get; } = [];
    }

    /// <summary>What is not as it should be, as this node saw it when it last asked.</summary>
    public IReadOnlyCollection<QueryFinding> Findings => _findings.Values;

    /// <summary>Questions sent.</summary>
    public long Sent { get; private set; }

    /// <summary>When <see cref="Advance"/> has something to do, or null.</summary>
    public long? Deadline
    {
        get
        {
            var next = _due.TryPeek(out _, out var due) ? Math.Max(due, _nextTick) : long.MaxValue;
            foreach (var question in _asked.Values)
                next = Math.Min(next, question.Until);
            return next == long.MaxValue ? null : next;
        }
    }

    /// <summary>The nodes whose speakers live.</summary>
    public void SetLiving(IEnumerable<string> living) => _living = [.. living.Order(StringComparer.Ordinal)];

    /// <summary>Another node announces the address; or, when null, none does, or this one.</summary>
    public void Set(IpAddress address, string? announcer, long now)
    {
        if (announcer is null || announcer == self)
        {
            if (_announcers.Remove(address))
                Forget(address);
            return;
        }

        // A new announcer is given a while: what it has just taken over, nobody needs to ask for.
        if (_announcers.TryGetValue(address, out var before) && before != announcer)
            Forget(address);
        _announcers[address] = announcer;
        if (_queued.Add(address))
            _due.Enqueue(address, Slot(address, now + Tick));
    }

    /// <summary>A station was heard to have an address.</summary>
    public void Heard(in WireClaim claim)
    {
        if (!claim.IsProbe && _asked.TryGetValue(claim.Address, out var question) && question.Answers.Count < 4 && !question.Answers.Contains(claim.Mac))
            question.Answers.Add(claim.Mac);
    }

    /// <summary>Lets time pass: asks what is due, and concludes.</summary>
    /// <returns>Whether <see cref="Findings"/> are others now.</returns>
    public bool Advance(long now)
    {
        var changed = false;
        foreach (var (address, question) in _asked.Where(entry => entry.Value.Until <= now).ToList())
            changed |= Conclude(address, question, now);
        if (now < _nextTick)
            return changed;
        for (var sent = 0; sent < PerTick && _due.TryPeek(out var address, out var due) && due <= now;)
        {
            _due.Dequeue();
            if (!_announcers.TryGetValue(address, out var announcer))
            {
                _queued.Remove(address);
                continue;
            }

            _due.Enqueue(address, Slot(address, now + Tick));
            if (!IsMyTurn(address, announcer, now))
            {
                changed |= _findings.Remove(address);
                continue;
            }

            sent++;
            _nextTick = now + Tick;
            Ask(address, now);
        }

        return changed;
    }

    private void Ask(IpAddress address, long now)
    {
        if (_asked.ContainsKey(address) || !ask(address))
            return;
        Sent++;
        claims.Watch(address);
        _asked[address] = new Question(now + Patience);
    }

    private bool Conclude(IpAddress address, Question question, long now)
    {
        if (question.Answers.Count == 0 && question.Attempt < Attempts)
        {
            question.Attempt++;
            question.Until = now + AskAgain;
            if (ask(address))
                Sent++;
            return false;
        }

        _asked.Remove(address);
        claims.Unwatch(address);
        if (question.Answers.Count == 1)
            return _findings.Remove(address);
        var finding = new QueryFinding(address, [.. question.Answers.OrderBy(mac => mac.ToString(), StringComparer.Ordinal)]);
        if (finding.Equals(_findings.GetValueOrDefault(address)))
            return false;
        _findings[address] = finding;
        return true;
    }

    private void Forget(IpAddress address)
    {
        _findings.Remove(address);
        if (_asked.Remove(address))
            claims.Unwatch(address);
    }

    // The first moment from then on at which the address's turn comes round.
    private static long Slot(IpAddress address, long from)
    {
        var offset = (long)(Hash(address) % (ulong)Period);
        return from + ((offset - from) % Period + Period) % Period;
    }

    private bool IsMyTurn(IpAddress address, string announcer, long now)
    {
        var askers = _living.Length - (Array.BinarySearch(_living, announcer, StringComparer.Ordinal) >= 0 ? 1 : 0);
        if (askers == 0)
            return false;
        // The clocks of nodes differ: now and then two ask, or none does.
        var turn = (int)((Hash(address) + (ulong)(now / Period)) % (ulong)askers);
        foreach (var node in _living)
        {
            if (node == announcer)
                continue;
            if (turn-- == 0)
                return node == self;
        }

        return false;
    }

    // Spreads neighbouring addresses over the minute (the finalizer of SplitMix64).
    private static ulong Hash(IpAddress address)
    {
        var mixed = (ulong)(address.Value >> 64) ^ (ulong)address.Value;
        mixed = (mixed ^ mixed >> 30) * 0xbf58476d1ce4e5b9;
        mixed = (mixed ^ mixed >> 27) * 0x94d049bb133111eb;
        return mixed ^ mixed >> 31;
    }
}
