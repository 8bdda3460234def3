using Portolan.Bgp;
using Portolan.Core.Addresses;
using Portolan.Protocols.Bgp.Routes;
using Portolan.Protocols.Bgp.Sessions;

namespace Portolan.Tests.Bgp;

/// <summary>A neighbour that means us harm, beside one that does not and would notice a loop that is late: its hold time is the shortest.</summary>
public sealed class HostilePeerTests : IDisposable
{
    private const string Good = "192.168.100.102";
    private const string Route = "203.0.113.7/32";

    private readonly NeighborSettings _goodOne = BgpWire.Neighbor(Good, "good", session => session with { HoldTime = 3 });
    private readonly NeighborSettings _badOne = BgpWire.Neighbor(change: session => session with { IsPassive = true, PeerAsn = BgpWire.TheirAsn });
    private readonly BgpWire _wire = new();
    private readonly ForeignSpeaker _good;
    private readonly BgpSide _us;
    private int _med;

    public HostilePeerTests()
    {
        _wire.Them.Link($"addr add {Good}/24 dev eth0");
        _good = ForeignSpeaker.Create("bird", _wire.Them, BgpWire.Peering() with { Local = Good, HoldTime = 3 });
        _good.Start();
        _us = new BgpSide(_wire.Us);
        _us.Announce(Route, PathAttributes.Default);
        _us.Speak(_goodOne, _badOne);
        _us.AwaitUp("good");
    }

    public void Dispose()
    {
        _us.Dispose();
        _good.Dispose();
        _wire.Dispose();
    }

    [Fact]
    public void GarbageIsAnswered_AndForgotten()
    {
        foreach (var (bytes, code, subcode) in (ReadOnlySpan<(byte[], byte, byte)>)[
            (Noise(64), 1, 1),
            ([.. RawPeer.Header(65535, 1), .. new byte[100]], 1, 2),
            ([.. RawPeer.Header(18, 4)], 1, 2),
            ([.. RawPeer.Header(4097, 2), .. new byte[4078]], 1, 2),
            ([.. RawPeer.Header(19, 9)], 1, 3),
            ([.. RawPeer.Header(29, 1), .. new byte[10]], 2, 1),
            ([.. RawPeer.Open(), .. RawPeer.Open()], 5, 2),
            ([.. RawPeer.Open(), .. RawPeer.Keepalive, .. RawPeer.Header(23, 2), 0xff, 0xff, 0, 0], 3, 1),
            (RawPeer.Open(asn: 64999), 2, 2),
            (RawPeer.Open(holdTime: 1), 2, 6),
            (RawPeer.Keepalive, 5, 1),
        ])
        {
            using var peer = new RawPeer(_wire.Them, BgpWire.Theirs);
            peer.Send(bytes);
            Assert.Equal((code, subcode), peer.Verdict());
            Assert.Null(peer.Next());
        }

        // Much of it, of which nobody reads the answer.
        for (var i = 0; i < 20; i++)
        {
            using var peer = new RawPeer(_wire.Them, BgpWire.Theirs);
            peer.Send(Noise(65536));
        }

        AllIsWell();
    }

    [Fact]
    public void BytesMayComeOneByOne()
    {
        using var peer = new RawPeer(_wire.Them, BgpWire.Theirs);
        foreach (var piece in (byte[])[.. RawPeer.Open(), .. RawPeer.Keepalive, .. RawPeer.Nothing])
        {
            peer.Send(piece);
            Thread.Sleep(1);
        }

        _us.AwaitUp();
        // And an end may come in the middle of a message.
        peer.Send(RawPeer.Header(100, 2));
        peer.Dispose();
        _us.Await("them", status => status.State is not SessionState.Established);
        AllIsWell();
    }

    [Fact]
    public void AFloodOfUpdatesKeepsNobodyWaiting()
    {
        using var peer = new RawPeer(_wire.Them, BgpWire.Theirs);
        peer.Establish();
        _us.AwaitUp();
        var flood = Enumerable.Repeat(RawPeer.Nothing, 40_000).SelectMany(message => message).ToArray();
        for (var i = 0; i < 20; i++)
            Assert.True(peer.Send(flood));
        _us.Await("them", status => status.Counts.UpdatesReceived == 800_000);
        AllIsWell();
        Assert.Equal(1, _us.Await("them", _ => true).Counts.Established);
    }

    [Fact]
    public void OneThatNeverReadsCostsNoMemory_HoweverOftenItAsks()
    {
        const int Routes = 10_000;
        for (var i = 0u; i < Routes; i++)
            _us.Announce($"10.1.{i / 250}.{i % 250}/32", new PathAttributes { Med = i, Communities = [.. Enumerable.Range(1, 60).Select(j => 64500u << 16 | (uint)j)] });
        using var peer = new RawPeer(_wire.Them, BgpWire.Theirs, receiveBuffer: 4096);
        peer.Establish();
        _us.Await("them", status => status is { State: SessionState.Established, Pending: > 0 });
        var before = GC.GetTotalMemory(forceFullCollection: true);
        var flood = Enumerable.Repeat(RawPeer.Refresh, 10_000).SelectMany(message => message).ToArray();
        for (var i = 0; i < 40; i++)
            Assert.True(peer.Send(flood));
        _us.Await("them", status => status.Counts.RefreshesReceived == 400_000);
        Assert.InRange(GC.GetTotalMemory(forceFullCollection: true) - before, long.MinValue, 4_000_000);
        AllIsWell();
        Assert.Equal(SessionState.Established, _us.Await("them", _ => true).State);

        // Once it reads, it has everything, and then one answer to all that it asked for.
        Assert.InRange(Until(subtype: 1), Routes, Routes + 10);
        Assert.InRange(Until(subtype: 2), Routes, Routes + 10);
        peer.Send(RawPeer.Refresh);
        Assert.Equal(0, Until(subtype: 1));

        int Until(byte subtype)
        {
            for (var updates = 0; ;)
            {
                var message = peer.Next() ?? throw new IOException("the connection is over");
                if (message[18] == 5)
                {
                    Assert.Equal(subtype, message[21]);
                    return updates;
                }

                updates += message[18] == 2 ? 1 : 0;
            }
        }
    }

    [Fact]
    public void OneThatReadsLate_HasInTheEndWhatIsMeantForIt()
    {
        // More than its connection holds, then another table, then a change of that one that it has not read yet.
        var communities = Enumerable.Range(1, 60).Select(j => 64500u << 16 | (uint)j).ToList();
        for (var i = 0u; i < 4000; i++)
            foreach (var table in (string[])["t", "u"])
                _us.Announce($"10.{(table == "t" ? 1 : 2)}.{i / 250}.{i % 250}/32", new PathAttributes { Med = i, Communities = communities }, table);
        _us.Announce("10.3.0.1/32", PathAttributes.Default);
        _us.Announce("10.3.0.1/32", PathAttributes.Default, "u");
        _us.Announce("10.3.0.2/32", PathAttributes.Default);
        Speak("t");
        using var peer = new RawPeer(_wire.Them, BgpWire.Theirs, receiveBuffer: 4096);
        peer.Establish();
        _us.Await("them", status => status is { State: SessionState.Established, Pending: > 0 });
        var told = new HashSet<string>();
        peer.Follow(told, 2000);
        Speak("u");
        peer.Follow(told, 3000);
        _us.Announce("10.3.0.1/32", null, "u");
        _us.Announce("10.3.0.3/32", PathAttributes.Default, "u");
        _us.Announce("10.2.0.0/32", null, "u");
        var expected = Enumerable.Range(1, 3999).Select(i => $"10.2.{i / 250}.{i % 250}/32").Append("10.3.0.3/32").ToHashSet();
        // What goes comes last; nothing is said when nothing is left.
        while (!told.SetEquals(expected))
            Assert.True(peer.Follow(told, 1), $"{told.Count} instead of {expected.Count}");
        AllIsWell();

        void Speak(string table) => _us.Loop.SetNeighbors([(_goodOne, "t"), (_badOne, table)], "t", "u");
    }

    [Fact]
    public void AFloodOfConnectionsIsBounded()
    {
        _wire.Them.Link("addr add 192.168.100.103/24 dev eth0");
        var peers = new List<RawPeer>();
        for (var i = 0; i < 400; i++)
        {
            peers.Add(new RawPeer(_wire.Them, i % 2 == 0 ? BgpWire.Theirs : "192.168.100.103"));
            if (i % 4 == 0)
                peers[^1].Send(RawPeer.Open());
        }

        AllIsWell();
        Patience.Until(
            () => _wire.Us.RunInside("ss", "-Htn state established sport = :179").Split('\n', StringSplitOptions.RemoveEmptyEntries).Length <= 10,
            () => _wire.Us.RunInside("ss", "-Htn"));
        foreach (var peer in peers)
            peer.Dispose();
        _us.Await("them", status => status.State is SessionState.Active);
        using var last = new RawPeer(_wire.Them, BgpWire.Theirs);
        last.Establish();
        _us.AwaitUp();
        AllIsWell();
    }

    [Fact]
    public void SilentOnesMakeRoom_InARangeToo()
    {
        const int Limit = 3;
        foreach (var own in Enumerable.Range(112, 8).Append(126))
            _wire.Them.Link($"addr add 192.168.100.{own}/24 dev eth0");
        var range = BgpWire.Neighbor(change: session => session with { PeerAsn = null }) with
        {
            Name = "range", Address = null, ListenRanges = new([IpPrefix.Containing(IpAddress.Parse("192.168.100.112"), 28)], Limit),
        };
        _us.Speak(_goodOne, range);
        var strangers = new List<RawPeer>();
        for (var i = 0; i < 40; i++)
            Stranger(i);
        Patience.Until(() => _us.Await("good", _ => true) is not null && _us.Shown.Count(InRange) == Limit, () => string.Join('\n', _us.Shown));
        // The first had to go, and was told so.
        Assert.Equal(((byte)6, (byte)8), strangers[0].Verdict());

        using var known = ForeignSpeaker.Create("bird", _wire.Them, BgpWire.Peering() with { Local = "192.168.100.126", Waits = false });
        known.Start();
        _us.AwaitUp("range/192.168.100.126");
        known.Await(Route);
        for (var i = 0; i < 40; i++)
            Stranger(i);
        AllIsWell();
        Patience.Until(() => _us.Await("good", _ => true) is not null && _us.Shown.Count(InRange) == Limit, () => string.Join('\n', _us.Shown));
        Assert.Equal((SessionState.Established, 1L), (_us.AwaitUp("range/192.168.100.126").State, _us.AwaitUp("range/192.168.100.126").Counts.Established));
        foreach (var stranger in strangers)
            stranger.Dispose();

        void Stranger(int number)
        {
            strangers.Add(new RawPeer(_wire.Them, $"192.168.100.{112 + number % 8}"));
            if (number % 2 == 1)
                strangers[^1].Send(RawPeer.Open());
        }

        static bool InRange(NeighborStatus status) => status.Name.StartsWith("range/", StringComparison.Ordinal);
    }

    private void AllIsWell()
    {
        _us.Announce(Route, new PathAttributes { Med = (uint)++_med });
        _good.Await(Route, route => route.Med == _med);
        Assert.Equal((SessionState.Established, 1L), (_us.Await("good", _ => true).State, _us.Await("good", _ => true).Counts.Established));
        Assert.DoesNotContain(_us.History("good").SkipWhile(status => status.State is not SessionState.Established), status => status.State is not SessionState.Established);
    }

    private static byte[] Noise(int size)
    {
        var noise = new byte[size];
        new Random(7).NextBytes(noise);
        return noise;
    }
}
