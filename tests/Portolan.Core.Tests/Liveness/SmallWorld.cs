using Portolan.Core.Announcements;
using Portolan.Core.Liveness;
using Portolan.Core.Tests.Announcements;

namespace Portolan.Core.Tests.Liveness;

/// <summary>What may go wrong in a <see cref="SmallWorld"/>.</summary>
/// <param name="Nodes">How many nodes: 2..4.</param>
/// <param name="Faults">How many faults and returns, one after another.</param>
/// <param name="Losses">How many news (both copies of one, to one speaker) are lost.</param>
/// <param name="CutsPairs">Whether the way between two nodes alone can be cut.</param>
internal readonly record struct Dangers(int Nodes, int Faults, int Losses, bool CutsPairs);

/// <summary>
/// A few nodes with real verdicts and real elections of one address, and a clock and a network of their own. Every fork is a choice: which fault, when, who
/// notices first, which news are lost. Sessions notice silence after two to three intervals of 100 ms, and come up after a second.
/// </summary>
internal sealed class SmallWorld
{
    private const long Millisecond = 1_000;
    private const long Whole = 1_000_000;
    private const long Grace = 4_000_000;
    private const long SessionUp = 1_000_000;
    private const long Early = 200 * Millisecond;
    private const long Late = 300 * Millisecond;
    private static readonly long[] Pauses = [25 * Millisecond, 350 * Millisecond, 5_000 * Millisecond];

    private readonly Choices _choices;
    private readonly Dangers _dangers;
    private readonly string[] _names;
    private readonly Speaker?[] _speakers;
    private readonly bool[] _isolated;
    private readonly bool[,] _cut;
    private readonly long[,] _session; // the latest change of the way between two: what was on its way before is void
    private readonly Speaker?[,] _met;
    private readonly PriorityQueue<Action, (long At, long Order)> _due = new();
    private readonly List<string> _story = [];
    private long _order;
    private long _now;
    private int _losses;
    private long? _silentSince;

    public SmallWorld(Choices choices, Dangers dangers)
    {
        (_choices, _dangers, _losses) = (choices, dangers, dangers.Losses);
        _names = [.. Enumerable.Range(1, dangers.Nodes).Select(number => $"node{number}")];
        _speakers = new Speaker?[dangers.Nodes];
        _isolated = new bool[dangers.Nodes];
        _cut = new bool[dangers.Nodes, dangers.Nodes];
        _met = new Speaker?[dangers.Nodes, dangers.Nodes];
        _session = new long[dangers.Nodes, dangers.Nodes];
    }

    /// <summary>The longest time without an announcer while there was a healthy candidate, since the latest fault, microseconds.</summary>
    public long Longest { get; private set; }

    /// <summary>What happened.</summary>
    public string Story => string.Join("; ", _story);

    public void Run()
    {
        _losses = 0; // at first all is well
        for (var node = 0; node < _names.Length; node++)
            Start(node, quick: true);
        Pass(200 * Millisecond);
        _losses = _dangers.Losses;
        Assert.All(_speakers, speaker => Assert.True(speaker!.Verdicts.IsSettled));
        for (var fault = 0; fault < _dangers.Faults; fault++)
        {
            Break();
            Pass(fault + 1 < _dangers.Faults ? Pauses[_choices.Take(Pauses.Length)] : 7_000 * Millisecond);
        }
    }

    private void Break()
    {
        var actions = new List<(string, Action)>();
        for (var node = 0; node < _names.Length; node++)
        {
            var which = node;
            if (_speakers[which] is null)
            {
                actions.Add(($"{_names[which]} returns", () => Start(which, quick: false)));
                continue;
            }

            actions.Add(($"{_names[which]} dies", () => Die(which, farewell: false)));
            actions.Add(($"{_names[which]} stops", () => Die(which, farewell: true)));
            actions.Add(_isolated[which]
                ? ($"{_names[which]} is plugged in", () => Plug(which, false))
                : ($"{_names[which]} is cut off", () => Plug(which, true)));
            for (var other = 0; _dangers.CutsPairs && other < which; other++)
            {
                var (a, b) = (which, other);
                if (_speakers[b] is not null)
                    actions.Add(($"the way {_names[b]}-{_names[a]} {(_cut[a, b] ? "is mended" : "breaks")}", () => Cut(a, b)));
            }
        }

        var (what, action) = actions[_choices.Take(actions.Count)];
        _story.Add($"{_now / Millisecond} ms: {what}");
        action();
        // From here on it is this fault's time.
        if (_silentSince is not null)
            _silentSince = _now;
        Settle();
    }

    private void Start(int node, bool quick)
    {
        var speaker = _speakers[node] = new Speaker(_names[node], _names, _now, _order);
        for (var other = 0; other < _names.Length; other++)
            if (other != node && Reaches(node, other))
                Change(node, other, quick ? 0 : SessionUp, 0);
        Every(node, speaker, _now + Whole);
    }

    private void Die(int node, bool farewell)
    {
        _speakers[node] = null;
        var first = farewell || _names.Length < 3 ? 0 : _choices.Take(_names.Length - 1);
        for (var other = 0; other < _names.Length; other++)
            if (other != node)
                Change(node, other, farewell ? Millisecond : first-- == 0 ? Early : Late, 0, farewell);
    }

    private void Plug(int node, bool isolated)
    {
        _isolated[node] = isolated;
        var first = !isolated || _names.Length < 3 ? 0 : _choices.Take(_names.Length - 1);
        for (var other = 0; other < _names.Length; other++)
            if (other != node && (isolated || Reaches(node, other)))
                Change(node, other, isolated ? first-- == 0 ? Early : Late : SessionUp, Late);
    }

    private void Cut(int a, int b)
    {
        _cut[a, b] = _cut[b, a] = !_cut[a, b];
        Change(a, b, _cut[a, b] ? Late : SessionUp, Late);
    }

    private bool Reaches(int a, int b) => _speakers[a] is not null && _speakers[b] is not null && !_isolated[a] && !_isolated[b] && !_cut[a, b];

    // The session between two notices in a while what is so now, unless it is otherwise again by then.
    private void Change(int a, int b, long after, long latest, bool farewell = false)
    {
        var change = _session[a, b] = _session[b, a] = ++_order;
        var up = Reaches(a, b);
        if (up)
        {
            Meet(a, b, change);
            Meet(b, a, change);
        }

        At(_now + after, () => See(b, a, up, change, farewell));
        At(_now + (up ? after : Math.Max(after, latest)), () => See(a, b, up, change, farewell: false));
    }

    private void See(int node, int other, bool up, long change, bool farewell)
    {
        if (_session[node, other] != change || _speakers[node] is not { } speaker)
            return;
        if (up)
            _met[node, other] = _speakers[other];
        speaker.Verdicts.Saw(_names[other], up ? Sight.Up : farewell && !_isolated[node] && !_isolated[other] && !_cut[node, other] ? Sight.Stopped : Sight.Down, _now);
    }

    // Another life is no answer to the packets of the former: that session ends first.
    private void Meet(int node, int other, long change)
    {
        if (_met[node, other] is { } before && before != _speakers[other])
            At(_now + Late, () => See(node, other, up: false, change, farewell: false));
    }

    private void Every(int node, Speaker speaker, long at) => At(at, () =>
    {
        if (_speakers[node] != speaker)
            return;
        // Everything, and what it holds of others in case they lack it.
        for (var other = 0; other < _names.Length; other++)
            if (other != node)
                Send(node, other, [speaker.Said(_now), .. speaker.Held.Values], Millisecond);
        Every(node, speaker, at + Whole);
    });

    private void Tell(int node, Speaker speaker)
    {
        var said = speaker.Said(_now);
        for (var other = 0; other < _names.Length; other++)
        {
            if (other == node || (_losses > 0 && Reaches(node, other) && Lose(node, other)))
                continue;
            Send(node, other, [said], Millisecond);
            Send(node, other, [said], 6 * Millisecond);
        }
    }

    private bool Lose(int node, int other)
    {
        if (_choices.Take(2) == 0)
            return false;
        _losses--;
        _story.Add($"{_now / Millisecond} ms: {_names[other]} misses what {_names[node]} says");
        return true;
    }

    private void Send(int from, int to, Said[] said, long transit)
    {
        if (!Reaches(from, to))
            return;
        var receiver = _speakers[to];
        At(_now + transit, () =>
        {
            if (_speakers[to] == receiver && Reaches(from, to) | _speakers[from] is null)
                receiver!.Hear(_names[from], said, _now);
        });
    }

    private void At(long at, Action action) => _due.Enqueue(action, (at, ++_order));

    private void Pass(long duration)
    {
        var end = _now + duration;
        while (true)
        {
            var next = _due.TryPeek(out _, out var due) ? due.At : long.MaxValue;
            foreach (var speaker in _speakers)
                if (speaker is not null)
                    next = Math.Min(next, speaker.Verdicts.Deadline);
            if (next > end)
                break;
            _now = Math.Max(_now, next);
            while (_due.TryPeek(out _, out due) && due.At <= _now)
                _due.Dequeue()();
            Settle();
        }

        _now = end;
        Settle();
    }

    private void Settle()
    {
        var (isAnnounced, hasCandidate) = (false, false);
        for (var node = 0; node < _speakers.Length; node++)
        {
            if (_speakers[node] is not { } speaker)
                continue;
            if (speaker.Advance(_now))
                Tell(node, speaker);
            hasCandidate |= speaker.Verdicts.IsSettled && !_isolated[node];
            isAnnounced |= speaker.Announces && !_isolated[node];
        }

        if (_silentSince is { } since)
            Longest = Math.Max(Longest, _now - since);
        _silentSince = hasCandidate && !isAnnounced ? _silentSince ?? _now : null;
    }

    /// <summary>What a speaker says of itself and others.</summary>
    private readonly record struct Said(string Origin, long Life, long Edition, bool IsReady, Sighting[] Sightings);

    private sealed class Speaker
    {
        private readonly string _name;
        private readonly long _life;
        private readonly AnnouncementIndex _index = new();
        private readonly AnnouncementContext _context;
        private long _told = -1;

        public Speaker(string name, string[] names, long now, long life)
        {
            (_name, _life) = (name, life);
            Verdicts = new SpeakerVerdicts(name, Grace);
            Verdicts.SetNodes(names, names.Where(other => other != name), names, now);
            Verdicts.Started(now);
            _context = Given.Context with { Nodes = [.. names.Select(node => Given.Node(node))] };
            _index.Set(Given.Service("192.168.100.240"));
            _index.Set(Given.Slice(Given.Endpoint("node1")));
        }

        public SpeakerVerdicts Verdicts { get; }

        public Dictionary<string, Said> Held { get; } = new(StringComparer.Ordinal);

        public bool Announces { get; private set; }

        public Said Said(long now)
        {
            _told = Verdicts.Edition;
            return new Said(_name, _life, _told, Verdicts.IsReady, [.. Verdicts.Sightings]);
        }

        public void Hear(string from, Said[] all, long now)
        {
            foreach (var said in all)
            {
                var isDirect = said.Origin == from;
                var isKnown = Held.TryGetValue(said.Origin, out var held);
                if (said.Origin == _name || (isKnown && (said.Life, said.Edition).CompareTo((held.Life, held.Edition)) is var newer && (newer < 0 || (newer == 0 && !isDirect))))
                    continue;
                Held[said.Origin] = said;
                Verdicts.Heard(said.Origin, isDirect, said.IsReady, said.Sightings, now);
            }
        }

        /// <returns>Whether there is something to tell.</returns>
        public bool Advance(long now)
        {
            if (Verdicts.Advance(now))
            {
                _index.Set(Verdicts.IsSettled ? _context with { LivingSpeakers = Verdicts.Living } : AnnouncementContext.Empty);
                Announces = _index.Plans[Given.Web].On(_name) is WithdrawalReason.None;
            }

            return _told != Verdicts.Edition;
        }
    }
}
