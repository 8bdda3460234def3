using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Portolan.Core.Addresses;
using Portolan.Linux.Sockets;
using Portolan.Protocols.Bfd;

namespace Portolan.Bfd;

/// <summary>
/// Carries a <see cref="BfdEngine{TPeer}"/> on UDP, over one hop (RFC 5881) or more (RFC 5883), for the one thread that calls it. Once its sessions are up a turn allocates
/// nothing and takes no lock.
/// </summary>
/// <param name="wait">What the thread waits with.</param>
/// <param name="onTransition">Told of each change of a session.</param>
/// <param name="onListening">Told whether an address is listened on.</param>
/// <param name="log">Told of what should not happen.</param>
internal sealed class SessionLoop(DeadlineWait wait, Action<BfdTransition<SessionName>> onTransition, Action<ListenNews> onListening, ILogger log) : IDisposable
{
    // Nobody may flood a listener so that nothing is sent any more.
    private const int MostPacketsATurn = 64;
    private const int Farewells = 3;
    private static readonly TimeSpan FarewellPause = TimeSpan.FromMilliseconds(10);

    // At AdminDown's pace of one a second three more packets, should all that were said at once be lost (RFC 5880 §6.8.16).
    private const long PartFor = 3_500_000;

    private readonly BfdEngine<SessionName> _engine = new(default, Random.Shared, Belongs);
    private readonly Dictionary<SessionName, SessionWish> _wishes = [];
    private readonly List<SessionName> _names = [];
    private readonly Partings _partings = new();
    private readonly Listeners _listeners = new(wait, onListening);
    private readonly Senders _senders = new(log);
    private readonly byte[] _buffer = new byte[BfdPacket.MaxSize];
    private long _deadline = long.MaxValue;
    private int _reported;

    /// <summary>What it counts.</summary>
    public LoopFigures Figures { get; } = new();

    /// <summary>How many sessions it holds.</summary>
    public int Count => _wishes.Count;

    /// <summary>No interval below this many microseconds is agreed to.</summary>
    public uint Floor { get; init; }

    /// <summary>Whether the sessions outlive the speaker that uses them, and say so by the C bit (RFC 5880 §4.1).</summary>
    public bool OutlivesSpeaker { init => _engine.ControlPlaneIndependent = value; }

    /// <summary>Starts a session, or changes one. Of one that there is already it is told how it is.</summary>
    public void Want(SessionWish wish)
    {
        wish = wish with { Settings = wish.Settings.NoFasterThan(Floor) };
        var now = DeadlineWait.Now;
        _partings.Remove(wish.Name);
        if (_engine.Add(wish.Name, wish.Settings, wish.Key, now))
        {
            _names.Add(wish.Name);
        }
        else
        {
            var before = _wishes[wish.Name];
            if (before.Settings != wish.Settings)
                _engine.Configure(wish.Name, wish.Settings, now);
            if (!Equals(before.Key, wish.Key))
                _engine.UseKey(wish.Name, wish.Key);
            _engine.Enable(wish.Name, now);
            _engine.Report(wish.Name);
        }

        _wishes[wish.Name] = wish;
        _listeners.Use(wish.Name, wish.MinimumTtl, now);
        // A speaker that came back does not know what its former life was told.
        _listeners.Tell(wish.Name.Place);
    }

    /// <summary>A session, to look at.</summary>
    public bool TryGet(SessionName name, [MaybeNullWhen(false)] out BfdSession session) => _engine.TryGet(name, out session);

    /// <summary>Ends a session without a word.</summary>
    public void Forget(SessionName name)
    {
        if (!_engine.Remove(name))
            return;
        _wishes.Remove(name);
        _names.Remove(name);
        _partings.Remove(name);
        _senders.Remove(name);
        _listeners.Leave(name, DeadlineWait.Now);
    }

    /// <summary>Tells a peer that its session is down on purpose, and ends it when that must have been heard.</summary>
    public void Dismiss(SessionName name)
    {
        if (!_wishes.ContainsKey(name))
            return;
        var now = DeadlineWait.Now;
        _engine.AdminDown(name, now);
        _partings.Add(name, now, PartFor, repeats: true);
    }

    /// <summary>Ends later, without another word, what is not wanted before then.</summary>
    /// <param name="after">Microseconds.</param>
    public void ForgetLater(long after)
    {
        foreach (var name in _names)
            _partings.Add(name, DeadlineWait.Now, after, repeats: false);
    }

    /// <summary>Shows some of the sessions, each time the next ones.</summary>
    /// <param name="most">How many at most.</param>
    /// <param name="show">Sees them.</param>
    public void Report(int most, Action<SessionFigures> show)
    {
        for (var i = 0; i < Math.Min(most, _names.Count); i++)
        {
            _reported = (_reported + 1) % _names.Count;
            if (_engine.TryGet(_names[_reported], out var session))
                show(SessionFigures.Of(_names[_reported], session));
        }
    }

    /// <summary>Tells every peer at once that its session is down on purpose, and goes on saying so.</summary>
    public void AdminDown()
    {
        _engine.AdminDown(DeadlineWait.Now);
        SendDue();
    }

    /// <summary>Says goodbye to every peer, more than once as packets get lost.</summary>
    public void SayFarewell()
    {
        for (var i = 0; i < Farewells && Count > 0; i++)
        {
            if (i > 0)
                Thread.Sleep(FarewellPause);
            AdminDown();
        }
    }

    /// <summary>Takes what has come, sends what is due, tells what has changed; then waits until there is more to do, or somebody wakes.</summary>
    /// <param name="latest">Microseconds: do not wait longer.</param>
    public void Turn(long latest = long.MaxValue)
    {
        // How late this thread is: if it waited for a time, and nothing else woke it before.
        var now = DeadlineWait.Now;
        if (now >= _deadline && _deadline > 0)
            Figures.WokenLate(now - _deadline);
        _listeners.Retry(now);
        for (var i = 0; i < wait.ReadyCount; i++)
            if (_listeners.TryFind(wait.Ready(i), out var place, out var listener))
                Receive(place, listener);
        while (_partings.TryTake(now, out var name, out var isOver))
        {
            if (isOver)
                Forget(name);
            else
                _engine.AdminDown(name, now);
        }

        SendDue();
        while (_engine.TryTakeTransition(out var transition))
            onTransition(transition);
        _deadline = Math.Min(Math.Min(_engine.Deadline, _listeners.Deadline), Math.Min(_partings.Deadline, latest));
        wait.Until(_deadline);
    }

    public void Dispose()
    {
        _listeners.Dispose();
        _senders.Dispose();
    }

    // From a source of a session over one hop anything may come that names the session; over more hops only the neighbour itself may name it. And what
    // may have come from afar is never a packet of a session over one hop (RFC 5883 §4).
    private static bool Belongs(SessionName session, SessionName source) => session.Multihop ? session == source : !source.Multihop;

    private void Receive(SessionPlace place, UdpListener listener)
    {
        for (var i = 0; i < MostPacketsATurn && listener.TryReceive(_buffer, out var length, out var from); i++)
        {
            var source = new SessionName(place.Local, IpAddress.Read(from), place.Link, place.Multihop);
            // What comes by an interface with a listener of its own may be for a session that minds no interface.
            if (source.Link.Length > 0 && !_wishes.ContainsKey(source))
                source = source with { Link = "" };
            var rejection = _engine.Receive(source, _buffer.AsSpan(0, length), DeadlineWait.Now);
            if (rejection is BfdRejection.None)
            {
                Figures.Received++;
                continue;
            }

            Figures.Discarded++;
            if (log.IsEnabled(LogLevel.Debug))
                log.LogDebug("bfd: a packet of {Peer} is discarded: {Rejection}", source.Peer, rejection);
        }
    }

    private void SendDue()
    {
        while (_engine.TryTakePacket(DeadlineWait.Now, _buffer, out var name, out var length))
            if (_senders.Send(name, _buffer.AsSpan(0, length)))
                Figures.Sent++;
    }
}
