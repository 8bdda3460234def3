using System.Buffers.Binary;
using System.ComponentModel;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
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

    // How long a connection is read from after our last words, before it is closed for good.
    private const long Linger = 1_000_000;

    private readonly BgpLoop _loop;
    private readonly PeerSession<BgpConnection> _session;
    private readonly List<BgpConnection> _connections = [];
    private readonly Queue<RouteReader> _readers = new();
    private RouteTable _table;
    private RouteTable _wanted;
    private BgpConnection? _established;
    private BgpConnection? _dialling;
    private string? _cannotDial;
    private string? _toldFailure;
    private BgpFamilies _endsOfRibDue;
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
        if (Address is not null && Address.Equals(address))
            return;
        var isFirst = Address is null;
        Address = address;
        if (isFirst)
            _session.Start(now);
        else
            _session.Reset(new BgpError(BgpErrorCode.Cease, (byte)CeaseSubcode.ConfigurationChange, default, $"the neighbour on {Settings.Interface} is {address} now"), false, now);
    }

    /// <summary>It is to have the routes of another table: it is told what goes, then what it has to have, once it has been told all of this one.</summary>
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
            var connection = new BgpConnection(SessionListener.Adopt(accepted, Options()), isIncoming: true);
            _connections.Add(connection);
            _loop.Wait.Add(connection.Socket.Socket);
            _session.Accepted(connection, now);
        }
        catch (SocketException failure)
        {
            // With TTL security that cannot be had there is to be no session.
            _loop.Log.LogWarning("bgp: the connection of peer {Peer} cannot be used: {Failure}", Title, failure.Message);
        }
    }

    /// <summary>Reads, writes, and does what is due.</summary>
    public void Advance(long now)
    {
        for (var i = _connections.Count - 1; i >= 0; i--)
            Serve(_connections[i], now);
        if (_cannotDial is { } reason)
        {
            _cannotDial = null;
            _session.ConnectFailed(reason, now);
        }

        _session.Tick(now);
        for (var i = _connections.Count - 1; i >= 0; i--)
            if (_connections[i] is { Phase: ConnectionPhase.Closing } closing && (now >= closing.CloseBy || closing.Error != 0))
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
            LastEnd = _session.LastError ?? _session.LastEnd,
            LastEndAt = _session.LastEnd is null ? null : clock(_lastEndAt),
            Routes = _table.Count,
            Pending = _readers.Sum(reader => reader.Pending),
            IsSynchronized = _established is not null && _readers.All(reader => reader.IsSynchronized) && _readers.Count == 1,
        };
    }

    /// <summary>What is announced to it.</summary>
    public IReadOnlyList<RouteReport> Routes()
    {
        var reader = _readers.Count == 1 ? _readers.Peek() : null;
        return [.. _table.ToArray().Select(route => BgpReports.Of(route, reader?.Terms, reader?.IsSent(route.Prefix) is true))];
    }

    void IPeerSink<BgpConnection>.Connect()
    {
        try
        {
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
        var nextHops = NextHops.Choose(SessionAddresses.Of(connection.Socket.Local.Address, Address!), terms, Settings.LinkLocal);
        var encoding = EncodingTerms.Of(terms, nextHops.IPv4, nextHops.IPv6);
        _readers.Enqueue(_table.Read(encoding));
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
        _changedAt = _lastEndAt = DeadlineWait.Now;
        (_endsOfRibDue, _refreshesOpen) = (BgpFamilies.None, BgpFamilies.None);
        foreach (var reader in _readers)
            reader.Dispose();
        _readers.Clear();
        if (Settings.Interface.Length > 0)
            _loop.LookAgain(Settings.Interface);
        _loop.Log.LogWarning("bgp: session with {Peer} ({Address}) is over: {End}", Title, Address, end);
        _loop.Changed(this);
    }

    void IPeerSink<BgpConnection>.Failed(SessionEnd end)
    {
        _lastEndAt = DeadlineWait.Now;
        // What nobody else says and somebody must mend is told loudly, and once until it changes.
        var isNews = end.Error.Code is not BgpErrorCode.None && _toldFailure != end.ToString();
        _toldFailure = end.ToString();
        _loop.Log.Log(isNews ? LogLevel.Warning : LogLevel.Debug, "bgp: no session with {Peer} ({Address}): {End}", Title, Address, end);
        _loop.Changed(this);
    }

    void IPeerSink<BgpConnection>.RefreshAsked(BgpFamily family)
    {
        if (_session.Terms is { EnhancedRouteRefresh: true } && _established is { } connection)
        {
            Mark(connection, family, RouteRefreshSubtype.Begin);
            _refreshesOpen |= Flag(family);
        }

        foreach (var reader in _readers)
            reader.Restart(family);
    }

    void IPeerSink<BgpConnection>.EndOfRibHeard(BgpFamily family)
    {
        // We keep none of its routes.
    }

    void IPeerSink<BgpConnection>.Stalled(BgpConnection connection, long since) =>
        _loop.Log.LogWarning("bgp: {Peer} ({Address}) has taken nothing of what it is sent for {Seconds} s", Title, Address, (DeadlineWait.Now - since) / 1_000_000);

    public void Dispose()
    {
        foreach (var reader in _readers)
            reader.Dispose();
        _readers.Clear();
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

    private void Serve(BgpConnection connection, long now)
    {
        if (connection.Phase is ConnectionPhase.Connecting)
        {
            if (_loop.Wait.IsWritable(connection.Socket.Socket))
                FinishConnecting(connection, now);
            return;
        }

        if (connection.Waiting > 0 && _loop.Wait.IsWritable(connection.Socket.Socket))
            Flush(connection, now);
        if (_loop.Wait.IsReady(connection.Socket.Socket) || connection.Error != 0)
            Read(connection, now);
    }

    private void FinishConnecting(BgpConnection connection, long now)
    {
        var error = connection.Socket.TakeError();
        _dialling = null;
        if (error != 0)
        {
            Drop(connection);
            _session.ConnectFailed(new Win32Exception(error).Message, now);
            return;
        }

        connection.Phase = ConnectionPhase.Open;
        _loop.Wait.AwaitWritable(connection.Socket.Socket, false);
        _session.Connected(connection, now);
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

    // As much as there is room for; an End-of-RIB behind the first time that everything has been sent.
    private bool Fill(BgpConnection connection)
    {
        var room = connection.Room();
        var size = 0;
        while (_readers.TryPeek(out var reader))
        {
            var filled = reader.Fill(room[size..]);
            size += filled;
            _updatesSent += CountOf(room.Slice(size - filled, filled));
            if (filled > 0 || !reader.IsCaughtUp || (_readers.Count == 1 && _table == _wanted))
                break;
            _readers.Dequeue().Dispose();
            if (_readers.Count > 0)
                continue;
            _readers.Enqueue(Withdrawals.Of(_table, _wanted, reader.Terms));
            _readers.Enqueue(_wanted.Read(reader.Terms));
            _table = _wanted;
        }

        connection.Added(size);
        if ((_endsOfRibDue | _refreshesOpen) is not BgpFamilies.None && _readers is { Count: 1 } && _readers.Peek().IsSynchronized)
            EndAll(connection);
        return connection.Waiting > 0;
    }

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
