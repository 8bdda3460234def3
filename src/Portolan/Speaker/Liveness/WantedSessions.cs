using System.ComponentModel;
using Microsoft.Extensions.Logging;
using Portolan.Bfd;
using Portolan.Core.Addresses;
using Portolan.Protocols.Bfd;

namespace Portolan.Speaker.Liveness;

/// <summary>
/// The sessions that this speaker wants, whoever holds them, and whom what happens to each is told. Any thread.
/// </summary>
/// <param name="betweenSpeakers">The settings of the sessions between speakers.</param>
/// <param name="onSpeaker">Told of each change of one of those.</param>
/// <param name="onNeighbor">
/// Told of each change of a session with a neighbour, and how it is with one that was held before it was asked for. When one ends by plan, or with the
/// holder, its state is AdminDown, which says nothing of the neighbour; by plan it is told once the first packet that says so has left.
/// </param>
/// <param name="log">Told of addresses that cannot be listened on.</param>
internal sealed class WantedSessions(BfdSettings betweenSpeakers, Action<BfdTransition<IpAddress>> onSpeaker, Action<BfdTransition<SessionName>> onNeighbor, ILogger log)
{
    private readonly Lock _door = new();
    private readonly Dictionary<SessionName, SessionFigures> _seen = [];
    private readonly HashSet<SessionName> _parting = []; // by plan, of which the holder is to hear
    private readonly HashSet<SessionName> _parted = []; // has heard, and has yet to tell of the end
    private readonly HashSet<SessionPlace> _deaf = [];
    private Dictionary<SessionName, NeighborSettings> _neighbors = [];
    private HashSet<IpAddress> _peers = [];
    private IpAddress? _local;
    private BfdKey? _key;

    // What the holder has been asked for.
    private Dictionary<SessionName, SessionWish> _asked = [];
    private HashSet<SessionName> _askedBySpeakers = [];
    private HashSet<SessionName> _askedForNeighbors = [];
    private bool _localIsNew;

    private Action? _started;
    private Action? _stopped;
    private bool _isStarted;

    /// <inheritdoc cref="ISessionHolder.Neighbors"/>
    public IReadOnlyList<NeighborSession> Neighbors
    {
        get
        {
            lock (_door)
                return [.. _neighbors.Select(neighbor => new NeighborSession(neighbor.Value, _seen.GetValueOrDefault(neighbor.Key, Unseen(neighbor.Key))))];
        }
    }

    /// <inheritdoc cref="ISessionHolder.SetPeers"/>
    public void SetPeers(IpAddress? local, IReadOnlyCollection<IpAddress> peers)
    {
        lock (_door)
        {
            _peers = [.. peers];
            if (local == _local)
                return;
            (_local, _localIsNew) = (local, true);
            if (_isStarted)
                _stopped?.Invoke();
            _isStarted = false;
        }
    }

    /// <inheritdoc cref="ISessionHolder.UseKey"/>
    public void UseKey(BfdKey? key)
    {
        lock (_door)
            _key = key;
    }

    /// <inheritdoc cref="ISessionHolder.SetNeighbors"/>
    public void SetNeighbors(IReadOnlyDictionary<SessionName, NeighborSettings> neighbors, bool planned)
    {
        lock (_door)
        {
            if (planned)
                _parting.UnionWith(_neighbors.Keys);
            _parting.ExceptWith(neighbors.Keys);
            _parted.ExceptWith(neighbors.Keys);
            _neighbors = new(neighbors);
        }
    }

    /// <summary>The holder begins, and holds nothing yet.</summary>
    public void Begin(Action started, Action stopped)
    {
        lock (_door)
        {
            (_started, _stopped, _isStarted) = (started, stopped, false);
            (_asked, _askedBySpeakers, _askedForNeighbors) = ([], [], []);
            _parting.Clear();
            _parted.Clear();
            _deaf.Clear();
        }
    }

    /// <summary>What the holder must change now.</summary>
    public SessionChanges Take()
    {
        lock (_door)
        {
            var (wanted, bySpeakers) = Wanted();
            var ended = new List<(SessionName, bool)>();
            foreach (var name in _asked.Keys)
            {
                if (wanted.ContainsKey(name))
                    continue;
                if (_parting.Contains(name))
                    _parted.Add(name);
                ended.Add((name, _parting.Contains(name) || (_askedBySpeakers.Contains(name) && name.Local != _local)));
            }

            var changed = new List<SessionWish>();
            foreach (var (name, wish) in wanted)
                if (!_asked.TryGetValue(name, out var before) || before != wish || IsNews(name, bySpeakers))
                    changed.Add(wish);

            _parting.Clear();
            foreach (var name in _seen.Keys.Where(name => !IsNeighbor(name)).ToList())
                _seen.Remove(name);
            (_asked, _askedBySpeakers, _askedForNeighbors, _localIsNew) = (wanted, bySpeakers, [.. _neighbors.Keys], false);
            // Without a peer nothing needs to be listened on, and nobody will say that it is.
            if (_local is not null && bySpeakers.Count == 0)
                Start();
            return new SessionChanges(ended, changed);
        }
    }

    /// <summary>A session changed.</summary>
    public void On(BfdTransition<SessionName> transition)
    {
        bool speaker, neighbor;
        lock (_door)
        {
            var name = transition.Peer;
            speaker = _askedBySpeakers.Contains(name) && name.Local == _local;
            neighbor = IsNeighbor(name);
            if (neighbor)
                _seen[name] = _seen.GetValueOrDefault(name, Unseen(name)) with
                {
                    State = transition.State,
                    Diagnostic = transition.Diagnostic,
                    RemoteState = transition.RemoteState,
                    RemoteIsIndependent = transition.RemoteIsIndependent,
                };
            if (transition.State is BfdState.AdminDown)
                _parted.Remove(name);
        }

        if (speaker)
            onSpeaker(new(transition.Peer.Peer, transition.From, transition.State, transition.Diagnostic, transition.RemoteState, transition.RemoteIsIndependent));
        if (neighbor)
            onNeighbor(transition);
    }

    /// <summary>Somebody looked at a session.</summary>
    public void On(SessionFigures figures)
    {
        lock (_door)
            if (IsNeighbor(figures.Name))
                _seen[figures.Name] = figures;
    }

    /// <summary>An address is listened on, or cannot be.</summary>
    public void On(ListenNews news)
    {
        lock (_door)
        {
            if (news.Error == 0)
            {
                _deaf.Remove(news.Place);
                if (_local is { } local && news.Place == new SessionPlace(local))
                    Start();
            }
            else if (_deaf.Add(news.Place))
            {
                log.LogWarning("bfd: cannot listen on {Local} port {Port} {Link}: {Failure}",
                    news.Place.Local, news.Place.Port, news.Place.Link, new Win32Exception(news.Error).Message);
            }
        }
    }

    /// <summary>The holder holds nothing any more.</summary>
    public void End()
    {
        List<BfdTransition<SessionName>> ends;
        lock (_door)
        {
            _isStarted = false;
            ends = [.. _seen.Values.Where(seen => seen.State is not BfdState.AdminDown).Select(seen =>
                new BfdTransition<SessionName>(seen.Name, seen.State, BfdState.AdminDown, BfdDiagnostic.AdministrativelyDown, BfdState.Down, seen.RemoteIsIndependent))];
            _seen.Clear();
        }

        ends.ForEach(onNeighbor);
    }

    private static SessionFigures Unseen(SessionName name) => new() { Name = name, State = BfdState.AdminDown, RemoteState = BfdState.Down };

    private void Start()
    {
        if (!_isStarted)
            _started?.Invoke();
        _isStarted = true;
    }

    private bool IsNeighbor(SessionName name) => _neighbors.ContainsKey(name) || _parting.Contains(name) || _parted.Contains(name);

    // Asked for again, a session or its address tells how it is: for one who has to know, and was not told.
    private bool IsNews(SessionName name, HashSet<SessionName> bySpeakers) =>
        (bySpeakers.Contains(name) && (_localIsNew || !_askedBySpeakers.Contains(name))) || (_neighbors.ContainsKey(name) && !_askedForNeighbors.Contains(name));

    private (Dictionary<SessionName, SessionWish> Wanted, HashSet<SessionName> BySpeakers) Wanted()
    {
        var wanted = _neighbors.ToDictionary(neighbor => neighbor.Key, neighbor => new SessionWish(neighbor.Key, neighbor.Value.Session, null, neighbor.Value.MinimumTtl));
        var bySpeakers = new HashSet<SessionName>();
        foreach (var peer in _peers)
        {
            if (_local is not { } local || peer.Family != local.Family)
                continue;
            var name = new SessionName(local, peer);
            bySpeakers.Add(name);
            wanted[name] = new SessionWish(name, wanted.TryGetValue(name, out var other) ? other.Settings.FasterOf(betweenSpeakers) : betweenSpeakers, _key);
        }

        return (wanted, bySpeakers);
    }
}

/// <summary>What is to be held no more, and whether by plan, and what is to be held from now on, or otherwise.</summary>
internal readonly record struct SessionChanges(IReadOnlyList<(SessionName Name, bool Planned)> Ended, IReadOnlyList<SessionWish> Wanted);
