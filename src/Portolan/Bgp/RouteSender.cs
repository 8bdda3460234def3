using System.Buffers.Binary;
using Portolan.Protocols.Bgp.Routes;
using Portolan.Protocols.Bgp.Sessions;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Bgp;

/// <summary>
/// Tells a neighbour its routes: everything that is in its table and then what changes there, what goes when it is to have another table, what it asks for
/// anew, and the words that this was all. What is not sent yet is a place in the table, not a queue. The loop's thread only; nothing is allocated while routes go out.
/// </summary>
/// <param name="table">The routes that it is to have.</param>
internal sealed class RouteSender(RouteTable table)
{
    private const int LengthOffset = 16;

    private RouteTable _table = table;
    private RouteTable _wanted = table;
    private RouteReader? _reader;
    private RouteReader? _coming; // then, on the way to another table, what was there before, then what goes of that
    private Route[]? _former;
    private RouteReader? _going;
    private bool _marksRefreshes;
    private BgpFamilies _endsOfRibDue;
    private BgpFamilies _refreshesAsked;
    private BgpFamilies _refreshesOpen;

    /// <summary>Routes that it is to have.</summary>
    public int Count => _table.Count;

    /// <summary>Routes of those, or of those that it is to forget, that have not been sent yet.</summary>
    public int Pending => (_reader?.Pending ?? 0) + (_coming?.Pending ?? 0) + (_going?.Pending ?? 0);

    /// <summary>It has everything, or had at some moment of this session.</summary>
    public bool IsSynchronized { get; private set; }

    /// <summary>UPDATEs, over all sessions.</summary>
    public long UpdatesSent { get; private set; }

    /// <summary>ROUTE-REFRESHes, over all sessions.</summary>
    public long RefreshesSent { get; private set; }

    /// <summary>The table that it is to have.</summary>
    public RouteTable Wanted => _wanted;

    // It was told all of the table at some moment, and is on no way to another one.
    private bool HasAll => _reader is { IsSynchronized: true } && _coming is null && _former is null && _going is null && _table == _wanted;

    /// <summary>It is to have the routes of another table: once it has been told all of this one it is told what it has to have, then what goes.</summary>
    public void Use(RouteTable other)
    {
        _wanted = other;
        if (_reader is null)
            _table = other;
    }

    /// <summary>A session is established.</summary>
    /// <param name="encoding">How routes are written.</param>
    /// <param name="terms">What was agreed.</param>
    public void Begin(EncodingTerms encoding, SessionTerms terms)
    {
        _reader = _table.Read(encoding);
        (_endsOfRibDue, _marksRefreshes) = (terms.Families, terms.EnhancedRouteRefresh);
    }

    /// <summary>The session is over.</summary>
    public void End()
    {
        (_endsOfRibDue, _refreshesAsked, _refreshesOpen) = (BgpFamilies.None, BgpFamilies.None, BgpFamilies.None);
        _reader?.Dispose();
        _coming?.Dispose();
        _going?.Dispose();
        (_reader, _coming, _former, _going, IsSynchronized, _table) = (null, null, null, null, false, _wanted);
    }

    /// <summary>It wants all routes of a family anew: answered when there is room, and when what was asked for before has been. However often it asks, it costs what it reads.</summary>
    public void Ask(BgpFamily family) => _refreshesAsked |= Flag(family);

    /// <summary>
    /// Puts on a connection as much as there is room for; behind the first time that everything has been sent, and behind what was asked for anew, the word that
    /// this was all.
    /// </summary>
    /// <returns>Whether anything waits to be sent there.</returns>
    public bool Fill(BgpConnection connection)
    {
        if (_reader is null)
            return false;
        if (_refreshesAsked is not BgpFamilies.None && HasAll)
            BeginRefresh(connection);
        var room = connection.Room();
        var size = FillRoutes(room);
        connection.Added(size);
        UpdatesSent += CountOf(room[..size]);
        if ((_endsOfRibDue | _refreshesOpen) is not BgpFamilies.None && HasAll)
            EndAll(connection);
        return connection.Waiting > 0;
    }

    /// <summary>All that it is to have, for people.</summary>
    public IReadOnlyList<RouteReport> Report() =>
        [.. _table.ToArray().Select(route => BgpReports.Of(route, _reader?.Terms, IsSent(route)))];

    private bool IsSent(Route route) => _reader?.IsSent(route.Prefix) is true && _coming?.IsPending(route.Prefix) is not true;

    private int FillRoutes(Span<byte> room)
    {
        while (true)
        {
            // What belongs to the way goes before what has changed since it was begun, and must not be taken back by it.
            if (Fill(ref _coming, room) is > 0 and var came)
                return came;
            if (Fill(ref _going, room) is > 0 and var gone)
                return gone;
            var reader = _reader!;
            if (reader.Fill(room) is > 0 and var size)
                return size;
            if (!reader.IsCaughtUp || (_former is null && _table == _wanted))
                return 0;
            if (_former is null)
                TurnTo(_wanted, reader);
            else
                (_going, _former) = (TableChange.Going(_former, _table, reader.Terms), null);
        }
    }

    // It was told all of the present table. Where little is other in the next, it is told only that.
    private void TurnTo(RouteTable next, RouteReader reader)
    {
        _coming = TableChange.Coming(_table, next, reader.Terms);
        _reader = _coming is null ? next.Read(reader.Terms) : next.ReadChanges(reader.Terms);
        (_former, _table) = (_table.ToArray(), next);
        reader.Dispose();
    }

    private static int Fill(ref RouteReader? reader, Span<byte> room)
    {
        var size = reader?.Fill(room) ?? 0;
        if (size == 0)
        {
            reader?.Dispose();
            reader = null;
        }

        return size;
    }

    private void BeginRefresh(BgpConnection connection)
    {
        var asked = _refreshesAsked;
        _refreshesAsked = BgpFamilies.None;
        foreach (var family in (ReadOnlySpan<BgpFamily>)[BgpFamily.IPv4Unicast, BgpFamily.IPv6Unicast])
        {
            if ((asked & Flag(family)) == 0)
                continue;
            if (_marksRefreshes)
            {
                Mark(connection, family, RouteRefreshSubtype.Begin);
                _refreshesOpen |= Flag(family);
            }

            _reader!.Restart(family);
        }
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
            UpdatesSent++;
        }

        (_endsOfRibDue, _refreshesOpen, IsSynchronized) = (BgpFamilies.None, BgpFamilies.None, true);
    }

    private void Mark(BgpConnection connection, BgpFamily family, RouteRefreshSubtype subtype)
    {
        Span<byte> message = stackalloc byte[RouteRefreshMessage.Size];
        new RouteRefreshMessage(family, subtype).WriteTo(message);
        connection.Add(message);
        RefreshesSent++;
    }

    private static int CountOf(ReadOnlySpan<byte> messages)
    {
        var count = 0;
        for (; messages.Length >= BgpFraming.HeaderSize; count++)
            messages = messages[BinaryPrimitives.ReadUInt16BigEndian(messages[LengthOffset..])..];
        return count;
    }

    private static BgpFamilies Flag(BgpFamily family) => family is BgpFamily.IPv4Unicast ? BgpFamilies.IPv4Unicast : BgpFamilies.IPv6Unicast;
}
