namespace Portolan.Core.Liveness;

/// <summary>
/// Which nodes' speakers live, told from this speaker's own sessions and from what other speakers say of theirs. Pure: no clock (microseconds are passed
/// in), no socket. After every input <see cref="Advance"/> draws the conclusions. Not thread safe.
/// </summary>
/// <remarks>
/// A watched node is dead when its session is down and
/// <list type="bullet">
/// <item>it said goodbye, or another observer's session with it is down too: at once;</item>
/// <item>or nobody has said since that it lives, for <see cref="Wait"/>: no other observer can be reached.</item>
/// </list>
/// An observer that says "up" once it has heard of our "down" means that the way between the two of us is bad, not the node: the node lives, and is
/// <see cref="Contested"/>. So does a word from the node itself. When two observers are down, an "up" counts only from <see cref="Contradiction"/> on:
/// before that its sender may just not have noticed yet. Words wear off after <see cref="Validity"/>; who hears a living node called down repeats
/// himself every <see cref="Restatement"/>. What a speaker said before it fell silent itself does not count.
/// A node that is not watched is dead when an observer has concluded so, and when no living speaker says that it is up.
/// </remarks>
/// <param name="self">The node this speaker runs on: always living.</param>
/// <param name="grace">How long a starting speaker waits to hear of the others, microseconds.</param>
public sealed partial class SpeakerVerdicts(string self, long grace)
{
    /// <summary>How long another observer is waited for, microseconds.</summary>
    public const long Wait = 20_000;

    /// <summary>How long after the latest "down" an "up" outweighs two of them, microseconds: longer than observers' detection times differ.</summary>
    public const long Contradiction = 500_000;

    /// <summary>How often an "up" is said again while others say "down", microseconds.</summary>
    public const long Restatement = 600_000;

    /// <summary>How long an "up" counts against our own "down", microseconds.</summary>
    public const long Validity = 1_500_000;

    /// <summary>How long the words of a speaker count that no session was ever up with, microseconds: it speaks each second.</summary>
    public const long Silence = 2_500_000;

    /// <summary>How long a node whose session is up may take to say anything itself, microseconds; it counts as ready then: its port may be closed.</summary>
    public const long Mute = 1_000_000;

    /// <summary>How long a speaker that is ready waits for others that are not, microseconds: in a cluster that starts, all are ready nearly at once.</summary>
    public const long Courtesy = 100_000;

    private const int MostPasses = 4;

    private readonly Dictionary<string, Session> _sessions = new(StringComparer.Ordinal);
    private readonly Dictionary<string, Speaker> _speakers = new(StringComparer.Ordinal);
    private HashSet<string> _nodes = new(StringComparer.Ordinal);
    private HashSet<string> _awaited = new(StringComparer.Ordinal);
    private HashSet<string> _living = new(StringComparer.Ordinal) { self };
    private long? _startedAt;
    private long? _readyAt;
    private bool _wasSettled;
    private bool _isDirty = true;
    private bool _hasDoubts;
    private bool _isFarewell;
    private long _restateAt = long.MaxValue;
    private long _deadline = long.MaxValue;

    /// <summary>The nodes whose speakers live, this one among them. A new set whenever it is another.</summary>
    public IReadOnlySet<string> Living => _living;

    /// <summary>Whether every other speaker was heard of, or had its time: from then on others count on this one.</summary>
    public bool IsReady => _readyAt is not null;

    /// <summary>Whether enough is known to announce anything.</summary>
    public bool IsSettled { get; private set; }

    /// <summary>When <see cref="Advance"/> must be called next: microseconds, <see cref="long.MaxValue"/> for never.</summary>
    public long Deadline => Math.Min(_deadline, _restateAt);

    /// <summary>Changes whenever what <see cref="Sightings"/> and <see cref="IsReady"/> say must be told to the others (again).</summary>
    public long Edition { get; private set; }

    /// <summary>What this speaker says of the nodes that it watches.</summary>
    public IEnumerable<Sighting> Sightings =>
        _sessions.Where(entry => entry.Value.Sight is not Sight.Unknown).Select(entry => new Sighting(entry.Key, entry.Value.Sight, !entry.Value.Lives));

    /// <summary>Watched nodes that live by others' word only: the way between them and this node is bad.</summary>
    public IEnumerable<string> Contested =>
        _sessions.Where(entry => entry.Value is { Sight: Sight.Down, Lives: true, IsContested: true }).Select(entry => entry.Key);

    /// <summary>
    /// Nodes that go on forwarding although their speakers announce nothing: those speakers said goodbye and were not heard since, or say that they are
    /// not ready (any more, or yet).
    /// </summary>
    public IEnumerable<string> Departed
    {
        get
        {
            foreach (var (node, session) in _sessions)
                if (session.Sight is Sight.Stopped || (session.Lives && _speakers.TryGetValue(node, out var own) && own.IsReady is false))
                    yield return node;
            foreach (var (name, speaker) in _speakers)
                if (_living.Contains(name))
                    foreach (var (node, word) in speaker.Said)
                        if (word.Sight is Sight.Stopped && !_sessions.ContainsKey(node) && !_living.Contains(node))
                            yield return node;
        }
    }

    /// <summary>How often each watched node was seen to go away without a goodbye.</summary>
    public Disappearances Disappearances { get; } = new();

    /// <summary>Takes the cluster's nodes.</summary>
    /// <param name="nodes">All names.</param>
    /// <param name="watched">Those that this speaker has a session with.</param>
    /// <param name="awaited">Those that a starting speaker waits for.</param>
    /// <param name="now">The present, microseconds.</param>
    public void SetNodes(IEnumerable<string> nodes, IEnumerable<string> watched, IEnumerable<string> awaited, long now)
    {
        _nodes = new HashSet<string>(nodes, StringComparer.Ordinal);
        _awaited = new HashSet<string>(awaited, StringComparer.Ordinal);
        _awaited.Remove(self);
        var wanted = new HashSet<string>(watched, StringComparer.Ordinal);
        foreach (var gone in _sessions.Keys.Where(node => !wanted.Contains(node)).ToList())
        {
            _sessions.Remove(gone);
            Edition++;
        }

        foreach (var node in wanted)
            _sessions.TryAdd(node, new Session { Since = now });
        foreach (var gone in _speakers.Keys.Where(node => !_nodes.Contains(node)).ToList())
            _speakers.Remove(gone);
        Disappearances.Keep(_nodes);
        _isDirty = true;
    }

    /// <summary>The sessions run, for the first time or again: what they said before does not count any more.</summary>
    public void Started(long now) => Forget(now, now);

    /// <summary>The sessions do not run: others believe this speaker dead, and rightly.</summary>
    public void Stopped(long now) => Forget(null, now);

    /// <summary>Takes what the session with a node says.</summary>
    public void Saw(string node, Sight sight, long now)
    {
        if (_startedAt is null || !_sessions.TryGetValue(node, out var session) || session.Sight == sight)
            return;
        // Never heard and still not heard is no news; a goodbye is as good as heard: it is not coming.
        if (session.Sight is Sight.Unknown && sight is Sight.Down)
            return;
        // A goodbye stays one when silence follows.
        if (session.Sight is Sight.Stopped && sight is Sight.Down)
            return;
        _isFarewell |= session.Sight is Sight.Stopped || sight is Sight.Stopped;
        (session.Sight, session.Since) = (sight, now);
        Edition++;
        _isDirty = true;
    }

    /// <summary>Takes what another speaker says of itself and of the nodes that it watches: everything it has to say, in place of what it said before.</summary>
    /// <param name="speaker">The speaker's node.</param>
    /// <param name="isDirect">Whether it came from there without detours.</param>
    /// <param name="isReady">Whether it says that it can announce.</param>
    /// <param name="sightings">What it says.</param>
    /// <param name="now">The present, microseconds.</param>
    public void Heard(string speaker, bool isDirect, bool isReady, IEnumerable<Sighting> sightings, long now)
    {
        if (speaker == self || !_nodes.Contains(speaker))
            return;
        if (!_speakers.TryGetValue(speaker, out var known))
            _speakers[speaker] = known = new Speaker();
        _isDirty |= _hasDoubts || known.IsReady != isReady;
        known.IsReady = isReady;
        if (isDirect)
            known.DirectAt = now;
        var before = known.Said;
        known.Said = new Dictionary<string, Word>(StringComparer.Ordinal);
        foreach (var sighting in sightings)
        {
            var old = before.GetValueOrDefault(sighting.Node);
            known.Said[sighting.Node] = new Word(
                sighting.Sight, now, sighting.Sight == old.Sight ? old.Since : now, sighting.IsDead, sighting.IsDead && old.IsDead ? old.DeadSince : now);
            _isDirty |= sighting.Sight != old.Sight || sighting.IsDead != old.IsDead;
            _isFarewell |= sighting.Sight != old.Sight && (sighting.Sight is Sight.Stopped || old.Sight is Sight.Stopped);
            if (sighting.Sight is Sight.Down && old.Sight is not Sight.Down && CanContradict(sighting.Node) && Accusers(sighting.Node, now) == 1)
                Restate(now);
        }

        _isDirty |= before.Count != known.Said.Count;
    }

    /// <summary>Draws the conclusions.</summary>
    /// <param name="now">The present, microseconds.</param>
    /// <returns>Whether <see cref="Living"/>, <see cref="IsSettled"/>, <see cref="Contested"/> or <see cref="Departed"/> may be another now.</returns>
    public bool Advance(long now)
    {
        if (!_isDirty && now < Deadline)
            return false;
        (_isDirty, _hasDoubts, _deadline) = (false, false, long.MaxValue);
        var isNews = _isFarewell;
        _isFarewell = false;
        foreach (var (node, session) in _sessions)
        {
            var (lived, wasContested) = (session.Lives, session.IsContested);
            session.Lives = Judge(node, session, now);
            _hasDoubts |= session.Sight is not Sight.Up;
            isNews |= wasContested != session.IsContested;
            if (lived == session.Lives)
                continue;
            Edition += session.Sight is Sight.Unknown ? 0 : 1;
            if (!lived)
                continue;
            // What it said of itself was said in its former life.
            if (_speakers.TryGetValue(node, out var speaker))
                speaker.IsReady = null;
            if (session.Sight is Sight.Down)
                Disappearances.Add(node, now);
        }

        if (now >= _restateAt)
            Restate(now);
        _restateAt = IsContradicted(now) ? Math.Min(_restateAt, now + Restatement) : long.MaxValue;

        var living = Reach(now);
        Settle(now);
        isNews |= _wasSettled != IsSettled;
        _wasSettled = IsSettled;
        if (living.SetEquals(_living))
            return isNews;
        _living = living;
        return true;
    }

    private void Forget(long? startedAt, long now)
    {
        foreach (var node in _sessions.Keys.ToList())
            _sessions[node] = new Session { Since = now };
        (_startedAt, _readyAt, IsSettled) = (startedAt, null, false);
        Edition++;
        _isDirty = true;
    }

    private void Restate(long now)
    {
        Edition++;
        _restateAt = now + Restatement;
    }

    private bool CanContradict(string node) =>
        node == self ? IsReady : _sessions.TryGetValue(node, out var session) && session.Sight is Sight.Up;

    private void Settle(long now)
    {
        if (_startedAt is not { } startedAt || IsSettled)
            return;
        if (_readyAt is null && (now >= startedAt + grace || _awaited.All(node => IsHeardOf(node, now))))
        {
            _readyAt = now;
            Edition++;
        }

        if (_readyAt is not { } readyAt)
        {
            Due(startedAt + grace);
            return;
        }

        IsSettled = now >= readyAt + Courtesy || _sessions.All(entry => entry.Value.Sight is not Sight.Up || IsReadyToAnnounce(entry.Key, entry.Value, now));
        if (!IsSettled)
            Due(readyAt + Courtesy);
    }

    private bool IsHeardOf(string node, long now)
    {
        var hasSpoken = _speakers.TryGetValue(node, out var speaker) && speaker.IsReady is not null;
        if (_sessions.TryGetValue(node, out var session) && session.Sight is not Sight.Unknown)
        {
            if (session.Sight is not Sight.Up || hasSpoken || now >= session.Since + Mute)
                return true;
            Due(session.Since + Mute);
            return false;
        }

        return (session is null && hasSpoken)
            || _speakers.Any(other => other.Key != node && other.Value.Said.TryGetValue(node, out var word) && word.Sight is Sight.Down or Sight.Stopped);
    }

    private sealed class Session
    {
        public Sight Sight;

        /// <summary>Since when it says so; of one that was never up: since there has been a session.</summary>
        public long Since;

        public bool Lives;
        public bool IsContested;
    }

    private sealed class Speaker
    {
        /// <summary>Null: it has said nothing in its present life.</summary>
        public bool? IsReady;

        public long DirectAt = long.MinValue / 2;
        public Dictionary<string, Word> Said = [];
    }

    /// <summary>What was said of a node: last at a time, and the same since when.</summary>
    private readonly record struct Word(Sight Sight, long At, long Since, bool IsDead, long DeadSince);
}
