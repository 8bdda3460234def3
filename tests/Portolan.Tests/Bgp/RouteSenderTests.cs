using System.Net;
using System.Net.Sockets;
using Portolan.Bgp;
using Portolan.Linux.Sockets;
using Portolan.Protocols.Bgp.Routes;
using Portolan.Protocols.Bgp.Sessions;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Tests.Bgp;

/// <summary>What is written onto a connection, read at its other end.</summary>
public sealed class RouteSenderTests : IDisposable
{
    private static readonly EncodingTerms _encoding = new() { IsInternal = false, LocalAsn = 64512, FourOctetAsn = true, IPv4NextHop = NextHop.IPv4(0x0a000001) };

    private readonly Socket _listener = new(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
    private readonly Socket _other;
    private readonly BgpConnection _connection;
    private readonly RouteTable _table = new();
    private readonly RouteSender _sender;
    private readonly byte[] _buffer = new byte[256 * 1024];

    public RouteSenderTests()
    {
        _listener.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        _listener.Listen();
        _connection = new BgpConnection(SessionSocket.Dial((IPEndPoint)_listener.LocalEndPoint!, null, new SessionSocketOptions()), isIncoming: false);
        _other = _listener.Accept();
        _other.ReceiveTimeout = 10_000;
        _sender = new RouteSender(_table);
    }

    public void Dispose()
    {
        _connection.Dispose();
        _other.Dispose();
        _listener.Dispose();
    }

    [Fact]
    public void TellsEverything_ThenThatThisWasAll_ThenWhatChanges()
    {
        Set(_table, 1, 2, 3);
        Begin();
        Assert.Equal(["+1 +2 +3", "end"], Sent());
        Assert.True(_sender.IsSynchronized);
        Assert.Empty(Sent());
        _table.Withdraw(Prefix(2));
        Set(_table, 4);
        Assert.Equal(["-2", "+4"], Sent());
        Assert.Equal((4L, 0, 3), (_sender.UpdatesSent, _sender.Pending, _sender.Count));
    }

    [Fact]
    public void AnEmptyTableIsAllThereIs()
    {
        Begin();
        Assert.Equal(["end"], Sent());
        Assert.True(_sender.IsSynchronized);
    }

    [Fact]
    public void WhatIsAskedForAnew_IsMarked_WhereThePeerKnowsMarks()
    {
        Set(_table, 1);
        Begin(marks: true);
        Sent();
        _sender.Ask(BgpFamily.IPv4Unicast);
        _sender.Ask(BgpFamily.IPv4Unicast);
        Assert.Equal(["refresh Begin", "+1", "refresh End"], Sent());
        Assert.Equal(2, _sender.RefreshesSent);
        _sender.End();
        Begin(marks: false);
        Assert.Equal(["+1", "end"], Sent());
        _sender.Ask(BgpFamily.IPv4Unicast);
        Assert.Equal(["+1"], Sent());
    }

    [Fact]
    public void AnotherTable_IsToldBeforeWhatGoes()
    {
        Set(_table, 1, 2, 3);
        var other = new RouteTable();
        Set(other, 3, 4);
        Begin();
        Sent();
        _sender.Use(other);
        Assert.Equal(["+4", "-1 -2"], Sent());
        Assert.Equal(2, _sender.Count);
        _sender.Use(_table);
        Assert.Equal(["+1 +2 +3", "-4"], Sent()); // most of it is other
        Assert.Equal((0, 3), (_sender.Pending, _sender.Count));
    }

    [Fact]
    public void OfAnotherTable_OnlyWhatIsOtherIsTold()
    {
        Set(_table, 1, 2, 3, 4, 5);
        var other = new RouteTable();
        Set(other, 1, 2, 3, 5, 6);
        other.Set(Prefix(5), new PathAttributes { Med = 7 });
        Begin();
        Sent();
        _sender.Use(other);
        Assert.Equal(["+6", "+5", "-4"], Sent());
        // From then on it is a table like any other.
        Assert.True(_sender.IsSynchronized);
        other.Withdraw(Prefix(1));
        Set(other, 5, 7);
        Assert.Equal(["-1", "+5 +7"], Sent());
        _sender.Ask(BgpFamily.IPv4Unicast);
        Assert.Equal(["refresh Begin", "+2 +3 +6 +5 +7", "refresh End"], Sent());
        Assert.All(_sender.Report(), route => Assert.True(route.IsSent));
    }

    [Fact]
    public void WhatIsOnItsWay_IsPending()
    {
        Set(_table, 1, 2, 3);
        var other = new RouteTable();
        Set(other, 1, 2, 4);
        Begin();
        Sent();
        _sender.Use(other);
        Assert.True(_sender.Fill(_connection));
        var changed = Prefix(2);
        other.Set(changed, new PathAttributes { Med = 7 });
        Assert.Equal([$"{changed}"], _sender.Report().Where(route => !route.IsSent).Select(route => route.Prefix));
        Sent();
        Assert.Equal(0, _sender.Pending);
    }

    [Fact]
    public void WithTheSession_TheWayIsForgotten()
    {
        Set(_table, 1, 2, 3);
        var other = new RouteTable();
        Set(other, 1, 2, 4);
        Begin();
        Sent();
        _sender.Use(other);
        Assert.True(_sender.Fill(_connection));
        _sender.End();
        Assert.Equal(0, _sender.Pending);
        Sent();
        Begin();
        Assert.Equal(["+1 +2 +4", "end"], Sent());
    }

    [Fact]
    public void AChangeOfTheOtherTable_WhileTheWayThereIsNotOver_IsNotTakenBack()
    {
        Set(_table, 1, 2);
        var other = new RouteTable();
        Set(other, 3);
        Begin();
        Sent();
        _sender.Use(other);
        Assert.True(_sender.Fill(_connection)); // what comes is on its way
        Set(other, 1);
        other.Withdraw(Prefix(3));
        var told = new HashSet<string>(["1", "2"]);
        foreach (var said in Sent().SelectMany(said => said.Split(' ')))
            _ = said[0] is '+' ? told.Add(said[1..]) : told.Remove(said[1..]);
        Assert.Equal(["1"], told);
    }

    [Fact]
    public void WithTheSession_EverythingBeginsAnew()
    {
        Set(_table, 1);
        var other = new RouteTable();
        Set(other, 2);
        Begin();
        Sent();
        _sender.Use(other);
        _sender.End();
        Assert.False(_sender.IsSynchronized);
        Assert.False(_sender.Fill(_connection));
        Begin();
        Assert.Equal(["+2", "end"], Sent());
    }

    [Fact]
    public void AllocatesNothingWhileRoutesGoOut()
    {
        Begin();
        var attributes = new[] { new PathAttributes { Med = 1 }, new PathAttributes { Med = 2 } };
        long allocated = 0;
        for (var round = 0; round < 60; round++)
        {
            for (uint i = 0; i < 50; i++)
                _table.Set(Prefix(i), attributes[round % 2]);
            var before = GC.GetAllocatedBytesForCurrentThread();
            while (_sender.Fill(_connection))
                _connection.Flush();
            if (round >= 30)
                allocated += GC.GetAllocatedBytesForCurrentThread() - before;
            while (_other.Available > 0)
                _other.Receive(_buffer);
        }

        Assert.Equal(0, allocated);
    }

    private void Begin(bool marks = true) => _sender.Begin(_encoding, new SessionTerms
    {
        LocalAsn = 64512,
        PeerAsn = 64513,
        PeerIdentifier = 1,
        HoldTime = 90,
        Families = BgpFamilies.IPv4Unicast,
        FourOctetAsn = true,
        ExtendedNextHop = false,
        LinkLocalNextHop = false,
        LongestSent = 4096,
        LongestReceived = 4096,
        PeerRestart = null,
        PeerKeepsRoutes = false,
        RouteRefresh = true,
        EnhancedRouteRefresh = marks,
    });

    private static void Set(RouteTable table, params uint[] numbers)
    {
        foreach (var number in numbers)
            table.Set(Prefix(number), PathAttributes.Default);
    }

    private static BgpPrefix Prefix(uint number) => new(BgpFamily.IPv4Unicast, 0xcb007100 + number, 32);

    // A word for each message: what comes and goes, an end of RIB, a mark.
    private List<string> Sent()
    {
        while (_sender.Fill(_connection))
            Assert.True(_connection.Flush());
        Assert.True(_connection.Flush());
        var said = new List<string>();
        var size = 0;
        // All that was sent is there: both ends are on this machine.
        for (var waited = 0; waited < 5; waited++)
        {
            for (; _other.Available > 0; waited = 0)
                size += _other.Receive(_buffer, size, _buffer.Length - size, SocketFlags.None);
            Thread.Sleep(1);
        }

        for (var rest = _buffer.AsSpan(0, size); rest.Length > 0;)
        {
            var message = rest[..(rest[16] << 8 | rest[17])];
            rest = rest[message.Length..];
            if (message[18] == 5)
            {
                said.Add($"refresh {(RouteRefreshSubtype)message[21]}");
                continue;
            }

            Assert.True(UpdateMessage.TryParse(message, out var update, out _));
            var prefixes = new List<string>();
            foreach (var (prefix, isAnnounced) in update.Prefixes)
                prefixes.Add($"{(isAnnounced ? '+' : '-')}{(uint)prefix.Address - 0xcb007100}");
            said.Add(prefixes.Count == 0 ? "end" : string.Join(' ', prefixes));
        }

        return said;
    }
}
