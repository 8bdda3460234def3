using System.Buffers.Binary;
using System.ComponentModel;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Portolan.Linux.Links;
using Portolan.Linux.Sockets;
using Portolan.Protocols.Bgp.Routes;
using Portolan.Protocols.Bgp.Sessions;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Bgp;

/// <summary>
/// A neighbour: its session, the connections of that, and its place in the table of routes that it is to have. The loop's thread only.
/// </summary>
internal sealed class Neighbor : IPeerSink<BgpConnection>, IDisposable
{
    private const int ReadAtOnce = 16;
    private const int LengthOffset = 16;
    private const int TimedOut = 110; // ETIMEDOUT

    // More than a session ever has: beyond that somebody connects again and again, and the oldest of those that are being closed goes at once.
    private const int MostConnections = 8;

    // How long a connection is read from after our last words, before it is closed for good.
    private const long Linger = 1_000_000;

    private readonly BgpLoop _loop;
    private readonly PeerSession<BgpConnection> _session;
    private readonly List<BgpConnection> _connections = [];
    private RouteTable _table;
    private RouteTable _wanted;
    private RouteReader? _reader;
    private Route[]? _former;
    private RouteReader? _withdrawals;
    private SessionEnd? _lastEnd;
    private bool _isSynchronized;
    private long _badSignatures;
    private BgpConnection? _established;
    private BgpConnection? _dialling;
    private string? _cannotDial;
    private string? _toldFailure;
    private BgpFamilies _endsOfRibDue;
    private BgpFamilies _refreshesAsked;
    private BgpFamilies _refreshesOpen;
    private long _changedAt;
    private long _lastEndAt;
    private long _updatesSent;
    private long _refreshesSent;

    public Neighbor(BgpLoop loop, NeighborSettings settings, RouteTable table, IPAddress? address)
    {
        (_loop, Settings, _table, _wanted, Address, _changedAt) = (loop, settings, table, table, address, DeadlineWait.Now);
        _session = new PeerSession<BgpConnection>(settings.Session, this, Random.Shared);
    }

    /// <summary>How to speak with it.</summary>
    public NeighborSettings Settings { get; }

    /// <summary>Where it is; null while nobody was found on its interface.</summary>
    public IPAddress? Address { get; private set; }

    /// <summary>What it was made from, where it connected from a range: then it is forgotten with its session.</summary>
    public NeighborSettings? Template { get; init; }

    /// <summary>It connected from a range.</summary>
    public bool IsDynamic => Template is not null;

    /// <summary>What it is called: the name, and with it the address of one that connected from a range.</summary>
    public string Title => IsDynamic ? $"{Settings.Name}/{Address}" : Settings.Name;

    /// <summary>When <see cref="Advance"/> must be called: microseconds.</summary>
    public long Deadline
    {
        get
        {
            var deadline = _cannotDial is null ? _session.NextDeadline : 0;
            foreach (var connection in _connections)
                deadline = Math.Min(deadline, connection.CloseBy);
            return deadline;
        }
    }

    /// <summary>Nothing is left of it: it was stopped, and its last words are out.</summary>
    public bool IsOver => !_session.IsStarted && _connections.Count == 0;

    /// <summary>It connected from a range, and is gone.</summary>
    public bool IsForgotten => IsDynamic && _connections.Count == 0;

    /// <summary>Routes are exchanged.</summary>
    public bool IsEstablished => _established is not null;

    /// <summary>Since when it is established, or is not: microseconds.</summary>
    public long Since => _changedAt;

    /// <summary>Both addresses of the established session.</summary>
    public (IPAddress Local, IPAddress Peer)? Ends => _established is { } connection && Address is { } peer ? (connection.Socket.Local.Address, peer) : null;

    /// <summary>Begins.</summary>
    public void Start(long now)
    {
        if (Address is not null || Settings.Interface.Length == 0)
            _session.Start(now);
    }

    /// <summary>Ends for good.</summary>
    public void Stop(BgpError why, bool quietly, long now) => _session.Stop(why, quietly, now);

    /// <summary>Ends the session; another one follows.</summary>
    public void Reset(BgpError why, bool quietly, long now) => _session.Reset(why, quietly, now);

    /// <summary>Somebody was found on its interface: from now on it is there.</summary>
    public void FoundAt(IPAddress address, long now)
    {
        // While a session is up, others on the link may say what they want.
        if (IsEstablished || address.Equals(Address))
            return;
        var isFirst = Address is null;
        Address = address;
        if (isFirst)
            _session.Start(now);
        else
            _session.Reset(new BgpError(BgpErrorCode.Cease, (byte)CeaseSubcode.ConfigurationChange, default, $"the neighbour on {Settings.Interface} is {address} now"), false, now);
    }

    /// <summary>It is to have the routes of another table: once it has been told all of this one it is told what it has to have, then what goes.</summary>
    public void Use(RouteTable table)
    {
        _wanted = table;
        if (_established is null)
            _table = table;
    }

    /// <summary>Takes a connection that the neighbour made.</summary>
    public void Accept(Socket accepted, long now)
    {
        try
        {
            if (_connections.Count >= MostConnections && _connections.Find(known => known.Phase is ConnectionPhase.Closing) is { } oldest)
                Drop(oldest);
            var connection = new BgpConnection(SessionListener.Adopt(accepted, Options()), isIncoming: true);
            _connections.Add(connection);
            _loop.Wait.Add(connection.Socket.Socket);
            _session.Accepted(connection, now);
            LookAround(connection);
        }
        catch (SocketException failure)
        {
            // With TTL security that cannot be had there is to be no session.
            var isNews = IsNews(failure.Message, now);
            _loop.Log.Log(isNews ? LogLevel.Warning : LogLevel.Debug, "bgp: the connection of peer {Peer} cannot be used: {Failure}", Title, failure.Message);
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

        _session.Tick(now);
        for (var i = _connections.Count - 1; i >= 0; i--)
            if (i < _connections.Count && _connections[i] is { Phase: ConnectionPhase.Closing } closing && (now >= closing.CloseBy || closing.Error != 0))
                Drop(closing);
    }

    /// <summary>Sends the routes that it does not have yet, as many as the kernel takes.</summary>
    /// <returns>Whether anything was sent.</returns>
    public bool SendRoutes(bool areReady, long now)
    {
        if (_established is not { Error: 0 } connection || !areReady)
            return false;
        var sent = false;
        while (connection.Waiting == 0 && Fill(connection))
        {
            sent = true;
            Flush(connection, now);
        }

        return sent;
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
                _updatesSent, counters.UpdatesReceived, _refreshesSent, counters.RefreshesReceived, counters.Established),
            LastEnd = _lastEnd,
            LastEndAt = _lastEnd is null ? null : clock(_lastEndAt),
            Routes = _table.Count,
            Pending = (_reader?.Pending ?? 0) + (_withdrawals?.Pending ?? 0),
            IsSynchronized = _isSynchronized,
        };
    }

    /// <summary>What is announced to it.</summary>
    public IReadOnlyList<RouteReport> Routes() =>
        [.. _table.ToArray().Select(route => BgpReports.Of(route, _reader?.Terms, _reader?.IsSent(route.Prefix) is true))];

    void IPeerSink<BgpConnection>.Connect()
    {
        try
        {
            _badSignatures = TcpMd5Key.BadSignatures();
            var remote = new IPEndPoint(Address!, Settings.Port);
            var connection = new BgpConnection(SessionSocket.Dial(remote, Settings.Source?.ToIPAddress(), Options()), isIncoming: false);
            _connections.Add(connection);
            _dialling = connection;
            _loop.Wait.Add(connection.Socket.Socket);
            _loop.Wait.AwaitWritable(connection.Socket.Socket, true);
        }
        catch (SocketException failure)
        {
            // Not now: the session waits for its answer.
            _cannotDial = failure.Message;
        }
    }

    void IPeerSink<BgpConnection>.CancelConnect()
    {
        _cannotDial = null;
        if (_dialling is { } connection)
            Drop(connection);
    }

    void IPeerSink<BgpConnection>.Send(BgpConnection connection, ReadOnlySpan<byte> bytes)
    {
        connection.Add(bytes);
        Flush(connection, DeadlineWait.Now);
    }

    void IPeerSink<BgpConnection>.Close(BgpConnection connection)
    {
        connection.Phase = ConnectionPhase.Closing;
        connection.CloseBy = DeadlineWait.Now + Linger;
        if (connection.Waiting == 0)
            connection.Socket.FinishSending();
    }

    void IPeerSink<BgpConnection>.Established(BgpConnection connection, SessionTerms terms)
    {
        _established = connection;
        _changedAt = DeadlineWait.Now;
        if (connection.Addresses == default)
            LookAround(connection);
        var nextHops = NextHops.Choose(connection.Addresses, terms, Settings.LinkLocal);
        var encoding = EncodingTerms.Of(terms, nextHops.IPv4, nextHops.IPv6);
        _reader = _table.Read(encoding);
        _endsOfRibDue = terms.Families;
        _loop.Log.LogInformation(
            "bgp: session with {Peer} ({Address}, AS {Asn}) is established: {Families}, hold time {Hold} s", Title, Address, terms.PeerAsn, terms.Families, terms.HoldTime);
        if ((terms.Families & ~encoding.Families) is not BgpFamilies.None and var mute)
            _loop.Log.LogWarning("bgp: {Peer} is sent no routes of {Families}: the interface of {Local} has no address for their next hop", Title, mute, connection.Socket.Local.Address);
        _loop.Changed(this);
    }

    void IPeerSink<BgpConnection>.Down(SessionEnd end)
    {
        _established = null;
        _table = _wanted;
        (_lastEnd, _changedAt) = (end, DeadlineWait.Now);
        _lastEndAt = _changedAt;
        ForgetPlace();
        if (Settings.Interface.Length > 0)
            _loop.LookAgain(Settings.Interface);
        _loop.Log.LogWarning("bgp: session with {Peer} ({Address}) is over: {End}", Title, Address, end);
        _loop.Changed(this);
    }

    void IPeerSink<BgpConnection>.Failed(SessionEnd end)
    {
        end = Explained(end);
        // What a NOTIFICATION said is not forgotten over attempts that come to nothing, nor over one of two connections that gave way.
        if (_lastEnd is null || _lastEnd.Value.Error.IsNone || (!end.Error.IsNone && !IsCollision(end)))
            (_lastEnd, _lastEndAt) = (end, DeadlineWait.Now);
        // What nobody else says and somebody must mend is told loudly, and once until it changes.
        var isNews = end.Error.Code is not BgpErrorCode.None && !IsCollision(end) && IsNews(end.ToString(), DeadlineWait.Now);
        _loop.Log.Log(isNews ? LogLevel.Warning : LogLevel.Debug, "bgp: no session with {Peer} ({Address}): {End}", Title, Address, end);
        _loop.Changed(this, isUrgent: false);
    }

    // Answered when there is room, and when what was asked for before has been: however often a peer asks, it costs what it reads.
    void IPeerSink<BgpConnection>.RefreshAsked(BgpFamily family) => _refreshesAsked |= Flag(family);

    void IPeerSink<BgpConnection>.EndOfRibHeard(BgpFamily family)
    {
        // We keep none of its routes.
    }

    void IPeerSink<BgpConnection>.Stalled(BgpConnection connection, long since) =>
        _loop.Log.LogWarning("bgp: {Peer} ({Address}) has taken nothing of what it is sent for {Seconds} s", Title, Address, (DeadlineWait.Now - since) / 1_000_000);

    public void Dispose()
    {
        ForgetPlace();
        for (var i = _connections.Count - 1; i >= 0; i--)
            Drop(_connections[i]);
    }

    private SessionSocketOptions Options() => new()
    {
        Ttl = Settings.Ttl,
        LeastTtl = Settings.LeastTtl,
        Link = Settings.Vrf.Length > 0 ? Settings.Vrf : Settings.Interface,
        Password = Settings.Password,
        LongestSegment = Settings.LongestSegment,
        UserTimeout = Settings.Session.HoldTime * 1000,
    };

    private void Serve(BgpConnection connection, bool isDue, long now)
    {
        if (connection.Phase is ConnectionPhase.Connecting)
        {
            if (_loop.Wait.IsWritable(connection.Socket.Socket))
                FinishConnecting(connection, now);
            return;
        }

        if (connection.Waiting > 0 && _loop.Wait.IsWritable(connection.Socket.Socket))
            Flush(connection, now);
        if (isDue || connection.Error != 0 || _loop.Wait.IsReady(connection.Socket.Socket))
            Read(connection, now);
    }

    private void FinishConnecting(BgpConnection connection, long now)
    {
        var error = connection.Socket.TakeError();
        _dialling = null;
        if (error != 0)
        {
            Drop(connection);
            _session.ConnectFailed(error == TimedOut ? PeerSession<BgpConnection>.NoAnswer : new Win32Exception(error).Message, now);
            return;
        }

        connection.Phase = ConnectionPhase.Open;
        _loop.Wait.AwaitWritable(connection.Socket.Socket, false);
        _session.Connected(connection, now);
        LookAround(connection);
    }

    // While the other side writes its OPEN: it takes a while, and nobody waits for it.
    private void LookAround(BgpConnection connection)
    {
        // One that broke at once has no end any more.
        if (connection is { Phase: ConnectionPhase.Open, Error: 0 } && connection.Socket.Socket.LocalEndPoint is IPEndPoint local)
            connection.Addresses = SessionAddresses.Of(LinkSnapshot.Read(), local.Address, Address!, Settings.Vrf);
    }

    private void Read(BgpConnection connection, long now)
    {
        for (var i = 0; i < ReadAtOnce && connection.Phase is not ConnectionPhase.Closed; i++)
        {
            var count = -1;
            if (connection.Error == 0)
            {
                count = connection.Socket.Receive(_loop.ReadBuffer, out var error);
                connection.Break(error);
            }

            if (count > 0)
            {
                if (connection.Phase is ConnectionPhase.Open)
                    _session.Received(connection, _loop.ReadBuffer.AsSpan(0, count), now);
                continue;
            }

            if (count < 0 && connection.Error == 0)
                return;
            var closing = connection.Phase is ConnectionPhase.Closing;
            var reason = connection.Error != 0 ? new Win32Exception(connection.Error).Message : "the peer has closed it";
            Drop(connection);
            if (!closing)
                _session.Closed(connection, reason, now);
            return;
        }
    }

    private void Flush(BgpConnection connection, long now)
    {
        var before = connection.Taken;
        var all = connection.Flush();
        _loop.Wait.AwaitWritable(connection.Socket.Socket, !all);
        if (connection.Phase is ConnectionPhase.Closing)
        {
            if (all)
                connection.Socket.FinishSending();
            return;
        }

        if (connection.Error != 0)
            _loop.Again();
        else if (!all && connection.Taken == before)
            _session.Blocked(connection, now);
        else if (connection.Taken > before)
            _session.Wrote(connection, all, now);
    }

    // As much as there is room for; behind the first time that everything has been sent, and behind what was asked for anew, the word that this was all.
    private bool Fill(BgpConnection connection)
    {
        if (_refreshesAsked is not BgpFamilies.None && HasAll)
            BeginRefresh(connection);
        var room = connection.Room();
        var size = FillRoutes(room);
        connection.Added(size);
        _updatesSent += CountOf(room[..size]);
        if ((_endsOfRibDue | _refreshesOpen) is not BgpFamilies.None && HasAll)
            EndAll(connection);
        return connection.Waiting > 0;
    }

    // It was told all of the table at some moment, and is on no way to another one.
    private bool HasAll => _reader is { IsSynchronized: true } && _withdrawals is null && _former is null && _table == _wanted;

    private int FillRoutes(Span<byte> room)
    {
        while (true)
        {
            // What goes first: what is announced of the same prefixes later must not be taken back by it.
            if (_withdrawals is { } withdrawals)
            {
                if (withdrawals.Fill(room) is > 0 and var gone)
                    return gone;
                withdrawals.Dispose();
                _withdrawals = null;
            }

            var reader = _reader!;
            if (reader.Fill(room) is > 0 and var size)
                return size;
            if (!reader.IsCaughtUp)
                return 0;
            if (_former is { } former)
            {
                (_withdrawals, _former) = (Withdrawals.Of(former, _table, reader.Terms), null);
            }
            else if (_table != _wanted)
            {
                (_former, _table) = (_table.ToArray(), _wanted);
                _reader = _table.Read(reader.Terms);
                reader.Dispose();
            }
            else
            {
                return 0;
            }
        }
    }

    private void BeginRefresh(BgpConnection connection)
    {
        var asked = _refreshesAsked;
        _refreshesAsked = BgpFamilies.None;
        foreach (var family in (ReadOnlySpan<BgpFamily>)[BgpFamily.IPv4Unicast, BgpFamily.IPv6Unicast])
        {
            if ((asked & Flag(family)) == 0)
                continue;
            if (_session.Terms is { EnhancedRouteRefresh: true })
            {
                Mark(connection, family, RouteRefreshSubtype.Begin);
                _refreshesOpen |= Flag(family);
            }

            _reader!.Restart(family);
        }
    }

    private void ForgetPlace()
    {
        (_endsOfRibDue, _refreshesAsked, _refreshesOpen) = (BgpFamilies.None, BgpFamilies.None, BgpFamilies.None);
        _reader?.Dispose();
        _withdrawals?.Dispose();
        (_reader, _withdrawals, _former, _isSynchronized) = (null, null, null, false);
    }

    private bool IsNews(string failure, long now)
    {
        if (_toldFailure == failure)
            return false;
        _toldFailure = failure;
        return !IsDynamic || _loop.MayWarn(Settings.Name, now);
    }

    // A key that is not theirs shows only as silence.
    private SessionEnd Explained(SessionEnd end)
    {
        if (end is not { Origin: SessionEndOrigin.Transport, State: SessionState.Connect, Error.Reason: PeerSession<BgpConnection>.NoAnswer })
            return end;
        var dropped = TcpMd5Key.BadSignatures() - _badSignatures;
        var why = dropped > 0 ? $"; meanwhile {dropped} TCP segments came whose MD5 signature was wrong or missing" : Settings.Password.Length > 0 ? "; its TCP MD5 key may be another one" : "";
        return end with { Error = end.Error with { Reason = end.Error.Reason + why } };
    }

    private static bool IsCollision(SessionEnd end) => (end.Error.Code, end.Error.Subcode) == (BgpErrorCode.Cease, (byte)CeaseSubcode.CollisionResolution);

    private void EndAll(BgpConnection connection)
    {
        Span<byte> message = stackalloc byte[EndOfRib.MaxSize];
        foreach (var family in (ReadOnlySpan<BgpFamily>)[BgpFamily.IPv4Unicast, BgpFamily.IPv6Unicast])
        {
            if ((_refreshesOpen & Flag(family)) != 0)
                Mark(connection, family, RouteRefreshSubtype.End);
            if ((_endsOfRibDue & Flag(family)) == 0)
                continue;
            connection.Add(message[..EndOfRib.WriteTo(message, family)]);
            _updatesSent++;
        }

        var isFirst = _endsOfRibDue is not BgpFamilies.None;
        (_endsOfRibDue, _refreshesOpen) = (BgpFamilies.None, BgpFamilies.None);
        _isSynchronized = true;
        if (isFirst)
            _loop.Changed(this);
    }

    private void Mark(BgpConnection connection, BgpFamily family, RouteRefreshSubtype subtype)
    {
        Span<byte> message = stackalloc byte[RouteRefreshMessage.Size];
        new RouteRefreshMessage(family, subtype).WriteTo(message);
        connection.Add(message);
        _refreshesSent++;
    }

    private static int CountOf(ReadOnlySpan<byte> messages)
    {
        var count = 0;
        for (; messages.Length >= BgpFraming.HeaderSize; count++)
            messages = messages[BinaryPrimitives.ReadUInt16BigEndian(messages[LengthOffset..])..];
        return count;
    }

    private static BgpFamilies Flag(BgpFamily family) => family is BgpFamily.IPv4Unicast ? BgpFamilies.IPv4Unicast : BgpFamilies.IPv6Unicast;

    private void Drop(BgpConnection connection)
    {
        if (_dialling == connection)
            _dialling = null;
        connection.Phase = ConnectionPhase.Closed;
        _connections.Remove(connection);
        _loop.Wait.Remove(connection.Socket.Socket);
        connection.Dispose();
    }
}
