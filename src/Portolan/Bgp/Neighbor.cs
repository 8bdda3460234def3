using System.Net;
using System.Net.Sockets;
using Portolan.Linux.Sockets;
using Portolan.Protocols.Bgp.Routes;
using Portolan.Protocols.Bgp.Sessions;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Bgp;

/// <summary>
/// A neighbour: its session, the connections of that, and what it is told over them (<see cref="RouteSender"/>). The loop's thread only.
/// </summary>
internal sealed partial class Neighbor : IPeerSink<BgpConnection>, IDisposable
{
    // More than a session ever has: beyond that somebody connects again and again, and the oldest of those that are being closed goes at once.
    private const int MostConnections = 8;

    // How long a connection is read from after our last words, before it is closed for good.
    private const long Linger = 1_000_000;

    private readonly BgpLoop _loop;
    private readonly PeerSession<BgpConnection> _session;
    private readonly List<BgpConnection> _connections = [];
    private readonly RouteSender _sender;
    private readonly SessionEnds _ends;
    private BgpConnection? _established;
    private BgpConnection? _dialling;
    private string? _cannotDial;
    private long _changedAt;
    private long _beginAt = long.MaxValue;

    public Neighbor(BgpLoop loop, NeighborSettings settings, RouteTable table, IPAddress? address)
    {
        (_loop, Settings, Address, _changedAt) = (loop, settings, address, DeadlineWait.Now);
        _session = new PeerSession<BgpConnection>(settings.Session, this, Random.Shared);
        (_sender, _ends) = (new RouteSender(table), new SessionEnds(loop.Log, now => !IsDynamic || _loop.MayWarn(Settings.Name, now)));
    }

    /// <summary>How to speak with it.</summary>
    public NeighborSettings Settings { get; }

    /// <summary>Where it is; null while nobody was found on its interface.</summary>
    public IPAddress? Address { get; private set; }

    /// <summary>What it was made from, where it connected from a range: then it is forgotten with its session.</summary>
    public NeighborSettings? Template { get; init; }

    /// <summary>How often serving it has failed, in its former lives.</summary>
    public Faults Faults { get; private init; }

    /// <summary>It connected from a range.</summary>
    public bool IsDynamic => Template is not null;

    /// <summary>What it is called: the name, and with it the address of one that connected from a range.</summary>
    public string Title => IsDynamic ? $"{Settings.Name}/{Address}" : Settings.Name;

    /// <summary>When <see cref="Advance"/> must be called: microseconds.</summary>
    public long Deadline
    {
        get
        {
            var deadline = _cannotDial is null ? Math.Min(_session.NextDeadline, _beginAt) : 0;
            foreach (var connection in _connections)
                deadline = Math.Min(deadline, connection.CloseBy);
            return deadline;
        }
    }

    /// <summary>Nothing is left of it: it was stopped, and its last words are out.</summary>
    public bool IsOver => !_session.IsStarted && _connections.Count == 0;

    /// <summary>It connected from a range, and is gone.</summary>
    public bool IsForgotten => IsDynamic && _connections.Count == 0 && !IsLeftAlone;

    /// <summary>Routes are exchanged.</summary>
    public bool IsEstablished => _established is not null;

    /// <summary>Since when it is established, or is not: microseconds.</summary>
    public long Since => _changedAt;

    // It failed, and is not to do so again at once.
    private bool IsLeftAlone => _beginAt != long.MaxValue;

    /// <summary>Begins.</summary>
    public void Start(long now)
    {
        _beginAt = long.MaxValue;
        if (Address is not null || Settings.Interface.Length == 0)
            _session.Start(now);
    }

    /// <summary>The same neighbour, from its begin, once it has been left alone for a while. This one is to be disposed of.</summary>
    /// <param name="failure">What happened to this one.</param>
    /// <param name="now">The present, microseconds.</param>
    public Neighbor Anew(Exception failure, long now)
    {
        var faults = Faults.Another(now);
        var next = new Neighbor(_loop, Settings, _sender.Wanted, Address) { Template = Template, Faults = faults, _beginAt = faults.Until };
        next._ends.Fault(failure, _session.State, now);
        return next;
    }

    /// <summary>Ends for good.</summary>
    public void Stop(BgpError why, bool quietly, long now)
    {
        _beginAt = long.MaxValue;
        _session.Stop(why, quietly, now);
    }

    /// <summary>Ends the session; another one follows.</summary>
    public void Reset(BgpError why, bool quietly, long now) => _session.Reset(why, quietly, now);

    /// <summary>Somebody was found on its interface: from now on it is there.</summary>
    public void FoundAt(IPAddress address, long now)
    {
        // While a session is up, others on the link may say what they want.
        if (_established is not null || address.Equals(Address))
            return;
        var isFirst = Address is null;
        Address = address;
        if (IsLeftAlone)
            return;
        if (isFirst)
            _session.Start(now);
        else
            _session.Reset(new BgpError(BgpErrorCode.Cease, (byte)CeaseSubcode.ConfigurationChange, default, $"the neighbour on {Settings.Interface} is {address} now"), false, now);
    }

    /// <inheritdoc cref="RouteSender.Use"/>
    public void Use(RouteTable table) => _sender.Use(table);

    /// <summary>Takes a connection that the neighbour made.</summary>
    public void Accept(Socket accepted, long now)
    {
        try
        {
            if (_connections.Count >= MostConnections && _connections.Find(known => known.Phase is ConnectionPhase.Closing) is { } oldest)
                Drop(oldest);
            var connection = new BgpConnection(SessionListener.Adopt(accepted, Settings.ForSocket()), isIncoming: true);
            _connections.Add(connection);
            _loop.Wait.Add(connection.Socket.Socket);
            _session.Accepted(connection, now);
            LookAround(connection);
        }
        catch (SocketException failure)
        {
            // With TTL security that cannot be had there is to be no session.
            _ends.Unusable(Title, failure.Message, now);
        }
    }

    /// <summary>Reads, writes, and does what is due.</summary>
    public void Advance(long now)
    {
        // Before a timer is believed, what has arrived is read, even where it came after the last wait.
        var isDue = now >= _session.NextDeadline;
        for (var i = _connections.Count - 1; i >= 0; i--)
            if (i < _connections.Count)
                Serve(_connections[i], isDue, now);
        if (_cannotDial is { } reason)
        {
            _cannotDial = null;
            _session.ConnectFailed(reason, now);
        }

        if (now >= _beginAt)
            Start(now);
        _session.Tick(now);
        for (var i = _connections.Count - 1; i >= 0; i--)
            if (i < _connections.Count && _connections[i] is { Phase: ConnectionPhase.Closing } closing && (now >= closing.CloseBy || closing.Error != 0))
                Drop(closing);
    }

    /// <summary>
    /// Sends some of the routes that it does not have yet, if the kernel has taken all before; there may be more. So neighbours go through a table side by side, and
    /// what is written for one is still there for the others.
    /// </summary>
    /// <returns>Whether anything was sent.</returns>
    public bool SendRoutes(bool areReady, long now)
    {
        if (_established is not { Error: 0, Waiting: 0 } connection || !areReady)
            return false;
        var hadAll = _sender.IsSynchronized;
        var isMore = _sender.Fill(connection);
        if (isMore)
        {
            Flush(connection, now);
            if (connection.Waiting == 0)
                _loop.Again();
        }

        if (_sender.IsSynchronized != hadAll)
            _loop.Changed(this);
        return isMore;
    }

    /// <summary>How it is.</summary>
    public NeighborStatus Status(Func<long, DateTimeOffset> clock)
    {
        var counters = _session.Counters;
        return new NeighborStatus
        {
            Name = Title,
            Address = Address,
            Interface = Settings.Interface,
            Port = Settings.Port,
            Vrf = Settings.Vrf,
            LocalAsn = Settings.Session.LocalAsn,
            PeerAsn = _session.Terms?.PeerAsn ?? Settings.Session.PeerAsn,
            State = _session.State,
            Since = clock(_changedAt),
            Terms = _session.Terms,
            LocalAddress = _established?.Socket.Local.Address,
            Counts = new PeerCounts(
                counters.OpensSent, counters.OpensReceived, counters.KeepalivesSent, counters.KeepalivesReceived, counters.NotificationsSent, counters.NotificationsReceived,
                _sender.UpdatesSent, counters.UpdatesReceived, _sender.RefreshesSent, counters.RefreshesReceived, counters.Established),
            LastEnd = _ends.Last,
            LastEndAt = _ends.Last is null ? null : clock(_ends.LastAt),
            Routes = _sender.Count,
            Pending = _sender.Pending,
            IsSynchronized = _sender.IsSynchronized,
            Faults = Faults.Count,
        };
    }

    /// <summary>What is announced to it.</summary>
    public IReadOnlyList<RouteReport> Routes() => _sender.Report();

    public void Dispose()
    {
        for (var i = _connections.Count - 1; i >= 0; i--)
            Drop(_connections[i]);
        _sender.End();
    }
}
