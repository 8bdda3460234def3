using System.Diagnostics.CodeAnalysis;
using Microsoft.Extensions.Logging;
using Portolan.Core.Addresses;
using Portolan.Linux.Sockets;
using Portolan.Protocols.Bfd;

namespace Portolan.Bfd;

/// <summary>
/// Carries a <see cref="BfdEngine{TPeer}"/> on UDP, single hop (RFC 5881), for the one thread that calls it. Once its sessions are up a turn allocates
/// nothing and takes no lock.
/// </summary>
/// <param name="wait">What the thread waits with.</param>
/// <param name="onTransition">Told of each change of a session.</param>
/// <param name="onListening">Told whether an address is listened on.</param>
/// <param name="log">Told of what should not happen.</param>
internal sealed class SessionLoop(DeadlineWait wait, Action<BfdTransition<SessionName>> onTransition, Action<ListenNews> onListening, ILogger log) : IDisposable
{
    /// <summary>The UDP port of single-hop control packets (RFC 5881 §4).</summary>
    public const int Port = 3784;

    // Nobody may flood a listener so that nothing is sent any more.
    private const int MostPacketsATurn = 64;
    private const int Farewells = 3;
    private static readonly TimeSpan FarewellPause = TimeSpan.FromMilliseconds(10);

    private readonly BfdEngine<SessionName> _engine = new(default, Random.Shared);
    private readonly Dictionary<SessionName, SessionWish> _wishes = [];
    private readonly Listeners _listeners = new(wait, onListening);
    private readonly Senders _senders = new(log);
    private readonly byte[] _buffer = new byte[BfdPacket.MaxSize];
    private long _deadline = long.MaxValue;

    /// <summary>What it counts.</summary>
    public LoopFigures Figures { get; } = new();

    /// <summary>How many sessions it holds.</summary>
    public int Count => _wishes.Count;

    /// <summary>No interval below this many microseconds is agreed to.</summary>
    public uint Floor { get; init; }

    /// <summary>Listens on an address for as long as the loop lives, with sessions or without.</summary>
    public void Listen(IpAddress local)
    {
        _listeners.Use(local, "", DeadlineWait.Now);
        _listeners.Tell(local, "");
    }

    /// <summary>Starts a session, or changes one.</summary>
    public void Want(SessionWish wish)
    {
        wish = wish with { Settings = wish.Settings.NoFasterThan(Floor) };
        var now = DeadlineWait.Now;
        if (_engine.Add(wish.Name, wish.Settings, wish.Key, now))
        {
            _listeners.Use(wish.Name.Local, wish.Name.Link, now);
        }
        else
        {
            var before = _wishes[wish.Name];
            if (before.Settings != wish.Settings)
                _engine.Configure(wish.Name, wish.Settings, now);
            if (!Equals(before.Key, wish.Key))
                _engine.UseKey(wish.Name, wish.Key);
        }

        _engine.Enable(wish.Name, now);
        _wishes[wish.Name] = wish;
        // A speaker that came back does not know what its former life was told.
        _listeners.Tell(wish.Name.Local, wish.Name.Link);
    }

    /// <summary>A session, to look at.</summary>
    public bool TryGet(SessionName name, [MaybeNullWhen(false)] out BfdSession session) => _engine.TryGet(name, out session);

    /// <summary>Ends a session without a word.</summary>
    public void Forget(SessionName name)
    {
        if (!_engine.Remove(name))
            return;
        _wishes.Remove(name);
        _senders.Remove(name);
        _listeners.Leave(name.Local, name.Link);
    }

    /// <summary>Ends all of them without a word.</summary>
    public void ForgetAll()
    {
        foreach (var name in _wishes.Keys.ToList())
            Forget(name);
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
        for (var place = 0; place < _listeners.Count; place++)
            Receive(_listeners[place]);
        SendDue();
        while (_engine.TryTakeTransition(out var transition))
            onTransition(transition);
        _deadline = Math.Min(Math.Min(_engine.Deadline, _listeners.Deadline), latest);
        wait.Until(_deadline);
    }

    public void Dispose()
    {
        _listeners.Dispose();
        _senders.Dispose();
    }

    private void Receive((IpAddress Local, string Link, SingleHopListener? Socket) at)
    {
        for (var i = 0; i < MostPacketsATurn && at.Socket is { } socket && socket.TryReceive(_buffer, out var length, out var source); i++)
        {
            var rejection = _engine.Receive(new SessionName(at.Local, IpAddress.Read(source), at.Link), _buffer.AsSpan(0, length), DeadlineWait.Now);
            if (rejection is BfdRejection.None)
            {
                Figures.Received++;
                continue;
            }

            Figures.Discarded++;
            if (log.IsEnabled(LogLevel.Debug))
                log.LogDebug("bfd: a packet of {Peer} is discarded: {Rejection}", IpAddress.Read(source), rejection);
        }
    }

    private void SendDue()
    {
        while (_engine.TryTakePacket(DeadlineWait.Now, _buffer, out var name, out var length))
            if (_senders.Send(name, _buffer.AsSpan(0, length)))
                Figures.Sent++;
    }
}
