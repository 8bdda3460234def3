using Portolan.Protocols.Bgp.Sessions;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Tests.Bgp.Sessions;

/// <summary>One end of a TCP connection between two <see cref="Side"/>s.</summary>
internal sealed class TcpEnd(Side owner)
{
    public Side Owner => owner;

    public TcpEnd Other { get; set; } = null!;

    /// <summary>Its session closed it, or was told that it is gone.</summary>
    public bool IsGone { get; set; }

    /// <summary>Something was lost on its way: nothing arrives any more.</summary>
    public bool IsBroken { get; set; }

    /// <summary>When the last of what was sent to it arrives: nothing overtakes.</summary>
    public long LastArrival { get; set; }
}

/// <summary>A speaker on the wire.</summary>
internal sealed class Side : IPeerSink<TcpEnd>
{
    private readonly TwoSides _wire;
    private readonly int _seed;
    private PeerSettings _settings;
    private int _attempt;

    public Side(TwoSides wire, PeerSettings settings, int seed)
    {
        (_wire, _settings, _seed) = (wire, settings, seed);
        Session = new PeerSession<TcpEnd>(settings, this, new Random(seed));
    }

    public Side Peer { get; set; } = null!;

    public PeerSession<TcpEnd> Session { get; private set; }

    /// <summary>Connections that the session has and did not close.</summary>
    public List<TcpEnd> Open { get; } = [];

    /// <summary>How sessions ended that were established.</summary>
    public List<SessionEnd> Downs { get; } = [];

    /// <summary>How attempts ended.</summary>
    public List<SessionEnd> Failures { get; } = [];

    public bool IsEstablished => Session.State is SessionState.Established;

    public long Now => _wire.Now;

    public void Start() => Session.Start(_wire.Now);

    public void Stop(bool quietly) => Session.Stop(BgpError.Cease(CeaseSubcode.AdministrativeShutdown, "stopped"), quietly, _wire.Now);

    public void Reset() => Session.Reset(BgpError.Cease(CeaseSubcode.AdministrativeReset, "reset"), quietly: false, _wire.Now);

    /// <summary>The process dies and another one begins: the kernel closes its connections.</summary>
    public void Restart()
    {
        _attempt++;
        foreach (var end in Open.ToArray())
            Gone(end);
        _settings = _settings with { IsRestarting = true };
        Session = new PeerSession<TcpEnd>(_settings, this, new Random(_seed + 1));
        Start();
    }

    /// <summary>The machine loses its power: nobody is told.</summary>
    public void LosePower()
    {
        foreach (var end in Open)
            end.IsGone = true;
        Open.Clear();
        Restart();
    }

    void IPeerSink<TcpEnd>.Connect()
    {
        var attempt = ++_attempt;
        var (ours, theirs) = (new TcpEnd(this), new TcpEnd(Peer));
        (ours.Other, theirs.Other) = (theirs, ours);
        // A connection attempt is lost in a cut wire, and nothing answers.
        _wire.After(this, () =>
        {
            _wire.Deliver(theirs, () =>
            {
                if (attempt != _attempt)
                {
                    Gone(ours);
                    return;
                }

                Add(ours);
                Session.Connected(ours, _wire.Now);
            });
            Peer.Add(theirs);
            Peer.Session.Accepted(theirs, _wire.Now);
        });
    }

    void IPeerSink<TcpEnd>.CancelConnect() => _attempt++;

    void IPeerSink<TcpEnd>.Send(TcpEnd connection, ReadOnlySpan<byte> bytes)
    {
        Assert.False(connection.IsGone, "sent on a closed connection");
        var rest = bytes.ToArray();
        while (rest.Length > 0)
        {
            var piece = rest[.._wire.Random.Next(1, rest.Length + 1)];
            rest = rest[piece.Length..];
            _wire.Deliver(connection, () => connection.Other.Owner.Session.Received(connection.Other, piece, _wire.Now));
        }
    }

    void IPeerSink<TcpEnd>.Close(TcpEnd connection) => Gone(connection);

    void IPeerSink<TcpEnd>.Established(TcpEnd connection, SessionTerms terms) => Assert.Contains(connection, Open);

    void IPeerSink<TcpEnd>.Down(SessionEnd end) => Downs.Add(end);

    void IPeerSink<TcpEnd>.Failed(SessionEnd end) => Failures.Add(end);

    void IPeerSink<TcpEnd>.RefreshAsked(BgpFamily family)
    {
    }

    void IPeerSink<TcpEnd>.EndOfRibHeard(BgpFamily family)
    {
    }

    void IPeerSink<TcpEnd>.Stalled(TcpEnd connection, long since)
    {
    }

    /// <summary>The end is no more; the other one hears of it behind what was sent.</summary>
    public void Gone(TcpEnd end)
    {
        end.IsGone = true;
        Open.Remove(end);
        _wire.Deliver(end, () => end.Other.Owner.Hear(end.Other));
    }

    /// <summary>The end is no more, as the other side let know.</summary>
    public void Hear(TcpEnd end)
    {
        end.IsGone = true;
        Open.Remove(end);
        Session.Closed(end, "closed by the peer", _wire.Now);
    }

    private void Add(TcpEnd end)
    {
        if (!end.IsGone)
            Open.Add(end);
    }
}

/// <summary>Two speakers that connect to each other, in virtual time, over a wire with delays.</summary>
internal sealed class TwoSides
{
    private readonly PriorityQueue<Action, (long Time, int Order)> _queue = new();
    private readonly Func<Side, long> _delay;
    private int _order;

    /// <param name="seed">For jitter, and for where what is sent is cut.</param>
    /// <param name="first">One side's settings.</param>
    /// <param name="second">The other's.</param>
    /// <param name="delay">Microseconds that something from a side takes.</param>
    public TwoSides(int seed, PeerSettings first, PeerSettings second, Func<TwoSides, Side, long> delay)
    {
        Random = new Random(seed);
        (First, Second) = (new Side(this, first, seed + 10), new Side(this, second, seed + 20));
        (First.Peer, Second.Peer) = (Second, First);
        _delay = side => delay(this, side);
    }

    public Side First { get; }

    public Side Second { get; }

    public Random Random { get; }

    public long Now { get; private set; } = 1_000_000_000;

    /// <summary>What is sent is lost, and nobody is told.</summary>
    public bool IsCut { get; set; }

    /// <summary>Both have the same connection established, and no other.</summary>
    public bool AreOne =>
        First.IsEstablished && Second.IsEstablished
        && First.Session.Connection!.Other == Second.Session.Connection
        && First.Open.Count == 1 && Second.Open.Count == 1;

    public void At(long time, Action action) => _queue.Enqueue(action, (time, _order++));

    /// <summary>Does something when it arrives, unless the wire is cut.</summary>
    public void After(Side from, Action action)
    {
        if (!IsCut)
            At(Now + _delay(from), action);
    }

    /// <summary>The same, in the order of the connection. An end that is no more answers with a reset.</summary>
    public void Deliver(TcpEnd from, Action action)
    {
        var to = from.Other;
        if (IsCut || from.IsBroken)
        {
            (from.IsBroken, to.IsBroken) = (true, true);
            return;
        }

        to.LastArrival = Math.Max(to.LastArrival, Now + _delay(from.Owner));
        At(to.LastArrival, () =>
        {
            if (!to.IsGone)
                action();
            else if (!from.IsGone)
                Deliver(to, () => from.Owner.Hear(from));
        });
    }

    /// <summary>Lets the time pass.</summary>
    public void Run(long time)
    {
        for (var end = Now + time; ;)
        {
            var deadline = Math.Min(First.Session.NextDeadline, Second.Session.NextDeadline);
            var arrival = _queue.TryPeek(out _, out var at) ? at.Time : long.MaxValue;
            if (Math.Min(deadline, arrival) > end)
            {
                Now = end;
                return;
            }

            Now = Math.Max(Now, Math.Min(deadline, arrival));
            if (arrival <= deadline)
            {
                _queue.Dequeue()();
            }
            else
            {
                First.Session.Tick(Now);
                Second.Session.Tick(Now);
            }

            Assert.True(First.Open.Count <= 2 && Second.Open.Count <= 2, "more than two connections");
        }
    }
}
