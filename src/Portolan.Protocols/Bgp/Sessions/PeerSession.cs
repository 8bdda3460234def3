using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Bgp.Sessions;

/// <summary>
/// One neighbour: makes and accepts connections, keeps one of them (RFC 4271 §6.8), agrees on terms, keeps it alive and notices when it is not, without
/// sockets and without a clock. Times are microseconds of a clock that never goes back, passed in. Not thread safe. Nothing is allocated while an
/// established session exchanges KEEPALIVEs and UPDATEs.
/// </summary>
/// <remarks>
/// What has arrived on a connection is to be given to <see cref="Received"/> before <see cref="Tick(long)"/>: a program that was stopped for a while must not
/// take its own silence for the peer's.
/// </remarks>
/// <typeparam name="TConnection">A TCP connection; told apart by reference.</typeparam>
public sealed partial class PeerSession<TConnection>
    where TConnection : class
{
    /// <summary>Why an attempt failed that nobody answered in time.</summary>
    public const string NoAnswer = "no answer";

    private const long Never = ConnectionLane<TConnection>.Never;
    private const long Second = 1_000_000;

    // A session that lived so long was a good one: the next failure is the first again.
    private const long SettlingTime = 30 * Second;

    private readonly PeerSettings _settings;
    private readonly IPeerSink<TConnection> _sink;
    private readonly Random _random;
    private readonly ConnectionLane<TConnection> _outgoing = new(isIncoming: false);
    private readonly ConnectionLane<TConnection> _incoming = new(isIncoming: true);
    private readonly ReceivedPrefixes? _prefixes;
    private readonly byte[] _keepalive = new byte[BgpFraming.HeaderSize];
    private long _settledAt = Never;

    /// <param name="settings">How to speak with the neighbour.</param>
    /// <param name="sink">Carries out what the session wants.</param>
    /// <param name="random">For jitter.</param>
    /// <exception cref="ArgumentException">Settings that cannot be written into an OPEN.</exception>
    public PeerSession(PeerSettings settings, IPeerSink<TConnection> sink, Random random)
    {
        if (settings.LocalAsn == 0 || settings.Identifier == 0 || settings.HoldTime is 1 or 2 || settings.Families is BgpFamilies.None || settings.Restart is { Time: 0 or > GracefulRestart.MaxRestartTime })
            throw new ArgumentException("AS number, identifier, hold time, families or restart time", nameof(settings));
        (_settings, _sink, _random) = (settings, sink, random);
        _prefixes = settings.MaxPrefixes is { } limit ? new ReceivedPrefixes(limit) : null;
        IsRestarting = settings.IsRestarting;
        BgpFraming.WriteKeepalive(_keepalive);
    }

    /// <summary>Whether the neighbour is to be spoken with.</summary>
    public bool IsStarted { get; private set; }

    /// <summary>How far the better of both connections has come.</summary>
    public SessionState State => _outgoing.State > _incoming.State ? _outgoing.State : _incoming.State;

    /// <summary>What was agreed on, or null while no session is established.</summary>
    public SessionTerms? Terms => Established?.Terms;

    /// <summary>The connection of the established session, or null.</summary>
    public TConnection? Connection => Established?.Connection;

    /// <summary>When the session was established, microseconds, or null.</summary>
    public long? EstablishedAt { get; private set; }

    /// <summary>No session has been established since the program started: the R bit of our OPENs.</summary>
    public bool IsRestarting { get; private set; }

    /// <summary>Failures since the last session that lived for 30 s (RFC 4271: ConnectRetryCounter).</summary>
    public int Failures { get; private set; }

    /// <summary>How the last attempt or session ended, or null.</summary>
    public SessionEnd? LastEnd { get; private set; }

    /// <summary>The last end that a NOTIFICATION told of, sent or received; that one of two connections gave way does not count.</summary>
    public SessionEnd? LastError { get; private set; }

    /// <summary>What the peer's sessions did.</summary>
    public PeerCounters Counters { get; } = new();

    /// <summary>When <see cref="Tick(long)"/> next has something to do: microseconds, <see cref="long.MaxValue"/> for never.</summary>
    public long NextDeadline => Math.Min(_settledAt, Math.Min(Deadline(_outgoing), Deadline(_incoming)));

    private ConnectionLane<TConnection>? Established =>
        _outgoing.State is SessionState.Established ? _outgoing : _incoming.State is SessionState.Established ? _incoming : null;

    // While the peer's connection is as good as a session, ours would only collide with it.
    private bool IsHeldBack => _incoming.State >= SessionState.OpenConfirm;

    /// <summary>Begins to connect, at once, and to accept. Where that waits for the end of a pause, the pause is over.</summary>
    public void Start(long now)
    {
        IsStarted = true;
        Happen(_incoming, SessionEvent.ManualStart, now);
        if (!_settings.IsPassive && !IsHeldBack)
            Happen(_outgoing, _outgoing.State is SessionState.Active ? SessionEvent.ConnectRetryTimerExpires : SessionEvent.ManualStart, now);
    }

    /// <summary>Ends everything until the next start.</summary>
    /// <param name="why">What the peer is told.</param>
    /// <param name="quietly">Only close, without a NOTIFICATION: a peer that keeps routes over a restart keeps ours (RFC 4724 §4).</param>
    /// <param name="now">The present, microseconds.</param>
    public void Stop(BgpError why, bool quietly, long now)
    {
        IsStarted = false;
        var told = Told(why, quietly);
        Happen(_outgoing, SessionEvent.ManualStop, now, told);
        Happen(_incoming, SessionEvent.ManualStop, now, told);
    }

    /// <summary>Ends the session, to begin a new one after a pause.</summary>
    /// <param name="why">What the peer is told.</param>
    /// <param name="quietly">Only close, without a NOTIFICATION.</param>
    /// <param name="now">The present, microseconds.</param>
    public void Reset(BgpError why, bool quietly, long now)
    {
        var told = Told(why, quietly);
        if (_outgoing.State >= SessionState.OpenSent)
            Happen(_outgoing, SessionEvent.AutomaticStop, now, told);
        if (_incoming.State >= SessionState.OpenSent)
            Happen(_incoming, SessionEvent.AutomaticStop, now, told);
    }

    /// <summary>The connection that was wanted is made.</summary>
    public void Connected(TConnection connection, long now)
    {
        if (_outgoing.State is not SessionState.Connect)
        {
            _sink.Close(connection);
            return;
        }

        ComeUp(_outgoing, connection, now);
    }

    /// <summary>The connection that was wanted could not be made.</summary>
    /// <param name="reason">Why, for people.</param>
    /// <param name="now">The present, microseconds.</param>
    public void ConnectFailed(string reason, long now)
    {
        if (_outgoing.State is SessionState.Connect)
            Happen(_outgoing, SessionEvent.TcpConnectionFails, now, Remark(reason));
    }

    /// <summary>A connection is gone, whoever closed it. One that the session itself wanted closed is not to be told of.</summary>
    /// <param name="connection">Which.</param>
    /// <param name="reason">Why, for people.</param>
    /// <param name="now">The present, microseconds.</param>
    public void Closed(TConnection connection, string reason, long now)
    {
        if (Find(connection) is not { } lane)
            return;
        Happen(lane, SessionEvent.TcpConnectionFails, now, Remark(reason));
        Resume(now);
    }

    /// <summary>The kernel did not take all that was to be sent.</summary>
    public void Blocked(TConnection connection, long now)
    {
        if (Find(connection) is { WaitsSince: Never } lane)
            lane.WaitsSince = now;
    }

    /// <summary>The kernel took some of what was to be sent.</summary>
    /// <param name="connection">On which connection.</param>
    /// <param name="all">Nothing waits any more.</param>
    /// <param name="now">The present, microseconds.</param>
    public void Wrote(TConnection connection, bool all, long now)
    {
        if (Find(connection) is { } lane)
            (lane.WaitsSince, lane.IsStallTold) = (all ? Never : now, false);
    }

    /// <summary>Does what is due.</summary>
    public void Tick(long now)
    {
        Expire(_outgoing, now);
        Expire(_incoming, now);
        if (now >= _settledAt)
            (_settledAt, Failures) = (Never, 0);
        Resume(now);
    }

    private void Expire(ConnectionLane<TConnection> lane, long now)
    {
        if (now >= lane.SendHoldAt)
            Happen(lane, SessionEvent.SendHoldTimerExpires, now);
        if (now >= lane.StallAt(_settings.StallTime))
        {
            lane.IsStallTold = true;
            _sink.Stalled(lane.Connection!, lane.WaitsSince);
        }

        if (now >= lane.HoldAt)
            Happen(lane, SessionEvent.HoldTimerExpires, now);
        if (now >= lane.KeepaliveAt)
            Happen(lane, SessionEvent.KeepaliveTimerExpires, now);
        if (now >= lane.GiveUpAt)
            Happen(lane, SessionEvent.OpenCollisionDump, now);
        if (now >= lane.RetryAt && !IsHeldBack)
        {
            var happened = lane.State is SessionState.Idle ? SessionEvent.IdleHoldTimerExpires : SessionEvent.ConnectRetryTimerExpires;
            Happen(lane, happened, now, lane.State is SessionState.Connect ? Remark(NoAnswer) : default);
        }
    }

    private long Deadline(ConnectionLane<TConnection> lane)
    {
        var deadline = Math.Min(Math.Min(lane.HoldAt, lane.KeepaliveAt), Math.Min(lane.GiveUpAt, IsHeldBack ? Never : lane.RetryAt));
        return Math.Min(deadline, Math.Min(lane.SendHoldAt, lane.StallAt(_settings.StallTime)));
    }

    private ConnectionLane<TConnection>? Find(TConnection connection) =>
        ReferenceEquals(_outgoing.Connection, connection) ? _outgoing : ReferenceEquals(_incoming.Connection, connection) ? _incoming : null;

    private ConnectionLane<TConnection> Other(ConnectionLane<TConnection> lane) => lane.IsIncoming ? _outgoing : _incoming;

    private static BgpError Remark(string reason) => new(BgpErrorCode.None, 0, default, reason);

    private static BgpError Told(BgpError why, bool quietly) => quietly ? Remark(why.Reason) : why;
}
