using CsCheck;
using Portolan.Protocols.Bgp.Routes;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Protocols.Tests.Bgp.Routes;

/// <summary>Whatever happens to the table, and however slowly its readers read: they end with what is in it.</summary>
public sealed class RouteHistories
{
    private static readonly BgpPrefix[] Prefixes =
        [.. Enumerable.Range(0, 7).Select(Sample.IPv4), .. Enumerable.Range(0, 5).Select(Sample.IPv6), new(BgpFamily.IPv4Unicast, 0x0a000000u, 8)];

    // Some so big that few messages fit into a buffer.
    private static readonly PathAttributes[] Attributes =
    [
        PathAttributes.Default,
        new() { Med = 1, GracefulShutdown = true },
        new() { LocalPref = 5, Communities = [.. Enumerable.Range(0, 255).Select(i => (uint)i)], LargeCommunities = [.. Enumerable.Range(0, 60).Select(i => new LargeCommunity(1, 2, (uint)i))] },
        new() { Prepend = 3, LargeCommunities = [.. Enumerable.Range(0, 99).Select(i => new LargeCommunity(1, 2, (uint)i))] },
    ];

    private static readonly EncodingTerms[] Terms =
    [
        Sample.External,
        Sample.External with { IPv4NextHop = NextHop.IPv4(0x0a000009) },
        Sample.Internal,
        Sample.External with { FourOctetAsn = false, LocalAsn = 4_200_000_000, IPv6NextHop = null },
        Sample.External with { IPv4NextHop = NextHop.IPv6(NextHopForm.LinkLocalTwice, default, Sample.LinkLocal), IPv6NextHop = NextHop.IPv6(NextHopForm.LinkLocal, default, Sample.LinkLocal) },
    ];

    private static readonly int[] BlockSizes = [30, 100, 300, 1000, 4000, 1_000_000];

    // By peer, prefix and attributes.
    private static readonly Dictionary<(int, BgpPrefix, int), Told> Expected =
    (
        from peer in Enumerable.Range(0, Terms.Length)
        from prefix in Prefixes
        from attributes in Enumerable.Range(0, Attributes.Length)
        where (prefix.Family is BgpFamily.IPv4Unicast ? Terms[peer].IPv4NextHop : Terms[peer].IPv6NextHop) is not null
        select ((peer, prefix, attributes), Told.Expected(prefix, Attributes[attributes], Terms[peer]))
    ).ToDictionary();

    private static readonly Gen<(int Kind, int What, int How)[]> Steps =
        Gen.Select(Gen.Int[0, 19], Gen.Int[0, 999], Gen.Int[0, 999]).Array[0, 150];

    [Fact]
    public void EndWithTheTable_WhateverHappens() => Gen.Select(Gen.Int[0, 5], Steps).Sample(
        (size, steps) => new History(BlockSizes[size]).Run(steps), iter: 2_000);

    [Fact]
    public async Task EndWithTheTable_WhenAllRunAtOnce()
    {
        var table = new RouteTable(500);
        var isDone = false;
        var peers = Terms.Select(terms => Task.Run(() =>
        {
            var view = new PeerView(terms);
            var buffer = new byte[4096];
            using var reader = table.Read(terms);
            for (var isLast = false; !isLast;)
            {
                isLast = Volatile.Read(ref isDone);
                for (int size; (size = reader.Fill(buffer)) > 0;)
                    view.Receive(buffer.AsSpan(0, size));
            }

            return view;
        })).ToArray();

        var random = new Random(1);
        for (var i = 0; i < 50_000; i++)
        {
            var prefix = Sample.IPv4(random.Next(200));
            if (random.Next(3) == 0)
                table.Withdraw(prefix);
            else
                table.Set(prefix, Attributes[random.Next(2)]);
        }

        Volatile.Write(ref isDone, true);
        var views = await Task.WhenAll(peers);
        for (var peer = 0; peer < Terms.Length; peer++)
            Assert.Equal(table.ToArray().ToDictionary(route => route.Prefix, route => Told.Expected(route.Prefix, route.Attributes, Terms[peer])), views[peer].Routes);
        Assert.Equal(table.Count, table.Held);
    }

    private sealed class History(int blockSize)
    {
        private readonly RouteTable _table = new(blockSize);
        private readonly Dictionary<BgpPrefix, int> _model = [];
        private readonly RouteReader?[] _readers = new RouteReader?[Terms.Length];
        private readonly PeerView[] _views = [.. Terms.Select(terms => new PeerView(terms))];

        public void Run((int Kind, int What, int How)[] steps)
        {
            foreach (var (kind, what, how) in steps)
                Step(kind, what, how);
            for (var peer = 0; peer < _readers.Length; peer++)
                while (Fill(peer, 3))
                {
                }

            Assert.Equal(_model.Count, _table.Count);
            Assert.Equal(_model.Count, _table.Held);
            Assert.Equal(_model.ToDictionary(route => route.Key, route => Attributes[route.Value]), _table.ToArray().ToDictionary(route => route.Prefix, route => route.Attributes));
            Assert.All(_readers, reader => Assert.True(reader!.IsCaughtUp && reader.IsSynchronized));
            for (var peer = 0; peer < _readers.Length; peer++)
                AssertSame(peer);
        }

        private void Step(int kind, int what, int how)
        {
            var prefix = Prefixes[what % Prefixes.Length];
            var peer = what % Terms.Length;
            switch (kind)
            {
                case < 7:
                    var attributes = how % Attributes.Length;
                    Assert.Equal(_model.GetValueOrDefault(prefix, -1) != attributes, _table.Set(prefix, Attributes[attributes]));
                    _model[prefix] = attributes;
                    break;
                case < 11:
                    Assert.Equal(_model.Remove(prefix), _table.Withdraw(prefix));
                    break;
                case < 17:
                    Fill(peer, 1 + how % 3);
                    break;
                case < 19:
                    var family = how % 2 == 0 ? BgpFamily.IPv4Unicast : BgpFamily.IPv6Unicast;
                    if (_readers[peer] is not { } reader)
                        break;
                    reader.Restart(family);
                    _views[peer].MarkStale(told => told.Family == family);
                    break;
                case 19 when how % 2 == 0:
                    // Told everything in another way, it is told from here on what changes.
                    _readers[peer]?.Dispose();
                    _views[peer] = new PeerView(Terms[peer]);
                    using (var all = _table.Read(Terms[peer]))
                    {
                        var buffer = new byte[4096];
                        for (int size; (size = all.Fill(buffer)) > 0;)
                            _views[peer].Receive(buffer.AsSpan(0, size));
                        _readers[peer] = _table.ReadChanges(Terms[peer]);
                    }

                    Assert.True(_readers[peer]!.IsCaughtUp && _readers[peer]!.IsSynchronized);
                    Assert.DoesNotContain(_model.Keys, _readers[peer]!.IsPending);
                    break;
                default:
                    // The session ends, and the peer keeps the routes until the next one has sent all.
                    _readers[peer]?.Dispose();
                    _readers[peer] = null;
                    _views[peer] = _views[peer].Reconnected();
                    break;
            }
        }

        private bool Fill(int peer, int messages)
        {
            var reader = _readers[peer] ??= _table.Read(Terms[peer]);
            var buffer = new byte[messages * 4096];
            var size = reader.Fill(buffer);
            _views[peer].Receive(buffer.AsSpan(0, size));
            if (reader.IsSynchronized)
                _views[peer].Sweep();
            if (size == 0)
                Assert.True(reader.IsCaughtUp && reader.IsSynchronized);
            if (reader.IsCaughtUp && reader.IsSynchronized)
            {
                Assert.Equal(0, reader.Pending);
                AssertSame(peer);
            }

            foreach (var (prefix, attributes) in _model)
                if (reader.IsSent(prefix))
                    Assert.Equal((Expected[(peer, prefix, attributes)], false), (_views[peer].Routes[prefix], reader.IsPending(prefix)));
            return size > 0;
        }

        private void AssertSame(int peer)
        {
            var expected = new Dictionary<BgpPrefix, Told>();
            foreach (var (prefix, attributes) in _model)
                if (Expected.TryGetValue((peer, prefix, attributes), out var told))
                    expected[prefix] = told;
            Assert.Equal(expected, _views[peer].Routes);
        }
    }
}
