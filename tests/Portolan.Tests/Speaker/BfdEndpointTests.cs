using System.Collections.Concurrent;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Bfd;
using Portolan.Core.Addresses;
using Portolan.Protocols.Bfd;
using Portolan.Speaker.Liveness;
using Portolan.Tests.Proxy;

namespace Portolan.Tests.Speaker;

public sealed class BfdEndpointTests
{
    [Theory]
    [InlineData("192.168.100.100", "192.168.100.101")]
    [InlineData("fd00::100", "fd00::101")]
    public void SeesAPeerComeUp_AndSayGoodbye(string first, string second)
    {
        using var pair = new Pair(first, second);
        pair.First.Start();
        pair.Second.Start();
        pair.First.Await(transition => transition.State is BfdState.Up);
        pair.Second.Await(transition => transition.State is BfdState.Up);
        pair.Second.Stop();
        var goodbye = pair.First.Await(transition => transition.State is BfdState.Down);
        Assert.Equal((BfdDiagnostic.NeighborSignaledDown, BfdState.AdminDown), (goodbye.Diagnostic, goodbye.RemoteState));
    }

    [Fact]
    public void SeesAPeerFallSilent()
    {
        using var pair = new Pair();
        pair.First.Start();
        pair.Second.Start();
        pair.First.Await(transition => transition.State is BfdState.Up);
        pair.Cut();
        var death = pair.First.Await(transition => transition.State is BfdState.Down);
        Assert.Equal(BfdDiagnostic.DetectionTimeExpired, death.Diagnostic);
        pair.Heal();
        pair.First.Await(transition => transition.State is BfdState.Up);
    }

    [Fact]
    public void KeepsAStrangerOut()
    {
        using var pair = new Pair();
        pair.Second.Endpoint.UseKey(BfdKey.Derive(1, "another"u8));
        pair.First.Start();
        pair.Second.Start();
        pair.Second.Endpoint.UseKey(BfdKey.Derive(1, "secret"u8)); // until it learns the key
        pair.First.Await(transition => transition.State is BfdState.Up);
    }

    [Fact]
    public void HoldsNeighbours_AsFastAsItDares_AndSaysGoodbyeToThemToo()
    {
        using var pair = new Pair();
        pair.AddToSecond("192.168.100.102");
        // On the first side's one address, but with a socket of its own for the interface.
        var first = new SessionName(IpAddress.Parse("192.168.100.100"), IpAddress.Parse("192.168.100.102"), "eth0");
        var second = new SessionName(first.Peer, first.Local);
        pair.First.Endpoint.SetNeighbors(new Dictionary<SessionName, NeighborSettings> { [first] = new(BfdSettings.Every(20, 255)) });
        pair.Second.Endpoint.SetNeighbors(new Dictionary<SessionName, NeighborSettings> { [second] = new(BfdSettings.Every(20, 255) with { Passive = true }) });
        pair.First.Start();
        pair.Second.Start();
        Assert.True(SpinWait.SpinUntil(() => pair.First.Endpoint.Neighbors is [{ Figures: { State: BfdState.Up, SendInterval: 100_000, ReceiveInterval: 100_000 } }], TimeSpan.FromSeconds(60)));

        pair.First.Await(transition => transition.State is BfdState.Up);
        pair.Second.Stop();
        Assert.True(SpinWait.SpinUntil(() => pair.First.Endpoint.Neighbors is [{ Figures: { State: BfdState.Down, Downs: 1 } }], TimeSpan.FromSeconds(60)));
        Assert.Contains(pair.First.Neighbors, transition => transition is { From: BfdState.Up, State: BfdState.Down, RemoteState: BfdState.AdminDown });
        Assert.Equal(BfdState.AdminDown, pair.Second.Neighbors.Last().State);
    }

    /// <summary>Two nodes on one wire, each with an endpoint on a thread inside its namespace.</summary>
    private sealed class Pair : IDisposable
    {
        private readonly NetworkNamespace _a;
        private readonly NetworkNamespace _b;

        public Pair(string first = "192.168.100.100", string second = "192.168.100.101")
        {
            NetworkNamespace.SkipUnlessRoot();
            _a = new NetworkNamespace("bfd-a");
            _b = new NetworkNamespace("bfd-b");
            _a.Wire("eth0", _b, "eth0");
            var (length, options) = first.Contains(':') ? (64, " nodad") : (24, "");
            _a.Link($"addr add {first}/{length} dev eth0{options}");
            _b.Link($"addr add {second}/{length} dev eth0{options}");
            First = new Side(_a, first, second);
            Second = new Side(_b, second, first);
        }

        public Side First { get; }

        public Side Second { get; }

        public void AddToSecond(string address) => _b.Link($"addr add {address}/24 dev eth0");

        public void Cut() => _b.Link("link set eth0 down");

        public void Heal() => _b.Link("link set eth0 up");

        public void Dispose()
        {
            First.Stop();
            Second.Stop();
            _a.Dispose();
            _b.Dispose();
        }
    }

    private sealed class Side
    {
        private readonly BlockingCollection<BfdTransition<IpAddress>> _transitions = [];
        private readonly NetworkNamespace _where;
        private readonly IpAddress _local;
        private Thread? _thread;
        private Exception? _failure;

        public Side(NetworkNamespace where, string local, string peer)
        {
            (_where, _local) = (where, IpAddress.Parse(local));
            // Slow enough that a busy machine is not taken for a dead one: up and goodbye come at once all the same.
            Endpoint = new BfdEndpoint(BfdSettings.Every(500, 6), _transitions.Add, Neighbors.Add, NullLogger.Instance);
            Endpoint.UseKey(BfdKey.Derive(1, "secret"u8));
            Endpoint.SetPeers(_local, [IpAddress.Parse(peer)]);
        }

        public BfdEndpoint Endpoint { get; }

        public BlockingCollection<BfdTransition<SessionName>> Neighbors { get; } = [];

        public void Start()
        {
            using var started = new ManualResetEventSlim();
            _thread = new Thread(() =>
            {
                try
                {
                    _where.Inside(() =>
                    {
                        Endpoint.Hold(started.Set, () => { });
                        return 0;
                    });
                }
                catch (Exception failure)
                {
                    _failure = failure;
                }
            });
            _thread.Start();
            Assert.True(started.Wait(TimeSpan.FromSeconds(10)));
        }

        public void Stop()
        {
            Endpoint.Stop();
            _thread?.Join();
            Assert.Null(_failure);
        }

        public BfdTransition<IpAddress> Await(Func<BfdTransition<IpAddress>, bool> wanted)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
            limit.CancelAfter(TimeSpan.FromSeconds(60));
            while (true)
                if (_transitions.Take(limit.Token) is var transition && wanted(transition))
                    return transition;
        }
    }
}
