using System.Collections.Concurrent;
using System.Diagnostics.Metrics;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Core.Addresses;
using Portolan.Core.Announcements;
using Portolan.Core.Cluster;
using Portolan.Protocols.Bfd;
using Portolan.Protocols.Peers;
using Portolan.Speaker.Peers;
using Portolan.Tests.Proxy;

namespace Portolan.Tests.Speaker.Peers;

public sealed class SpeakerPeersTests
{
    [Theory]
    [InlineData("192.168.100.100", "192.168.100.101", 24)]
    [InlineData("fd00:100::100", "fd00:100::101", 64)]
    public void TellEachOtherOverTheWire_AndSayFarewell(string first, string second, int bits)
    {
        using var pair = new Pair(first, second, bits);
        pair.Start();
        pair.Hear(BfdState.Up);
        pair.First.Await(view => view.IsSettled && view.Living.Count == 2);
        var report = new NodeReport { Conditions = NodeConditions.NoCarrier };
        pair.Second.Peers.SetOwnReport(report);
        pair.First.Await(view => view.Reports.TryGetValue("node2", out var told) && told.Equals(report));
        pair.Second.Stop();
        pair.First.Await(view => view.Living.Count == 1);
    }

    [Fact]
    public void ListensOnceItsAddressIsThere()
    {
        using var pair = new Pair("192.168.100.100", "192.168.100.101", 24, hasAddresses: false);
        pair.Start();
        pair.Hear(BfdState.Up);
        pair.First.Await(view => view.Living.Count == 2); // by its session alone
        pair.Second.Peers.SetOwnReport(new NodeReport { Conditions = NodeConditions.Draining });
        pair.AddAddresses();
        pair.First.Await(view => view.Reports.ContainsKey("node2"));
    }

    [Fact]
    public void DropsASilentNode_WhenNobodyElseCanBeAsked()
    {
        using var pair = new Pair("192.168.100.100", "192.168.100.101", 24);
        pair.Start();
        pair.Hear(BfdState.Up);
        pair.First.Await(view => view.Living.Count == 2);
        pair.Cut();
        pair.Hear(BfdState.Down);
        pair.First.Await(view => view.Living.Count == 1);
        pair.Second.Await(view => view.Living.Count == 1);
    }

    /// <summary>Two nodes on one wire, each talking on a thread inside its namespace. Their sessions are what the test says.</summary>
    private sealed class Pair : IDisposable
    {
        private readonly NetworkNamespace _a;
        private readonly NetworkNamespace _b;
        private readonly string[] _prefixes;

        public Pair(string first, string second, int bits, bool hasAddresses = true)
        {
            NetworkNamespace.SkipUnlessRoot();
            _a = new NetworkNamespace("peers-a");
            _b = new NetworkNamespace("peers-b");
            _a.Wire("eth0", _b, "eth0");
            _prefixes = [$"{first}/{bits}", $"{second}/{bits}"];
            if (hasAddresses)
                AddAddresses();
            NodeFacts[] nodes = [Node("node1", first), Node("node2", second)];
            First = new Side(_a, "node1", nodes);
            Second = new Side(_b, "node2", nodes);
        }

        public Side First { get; }

        public Side Second { get; }

        public void AddAddresses()
        {
            _a.Link($"addr add {_prefixes[0]} dev eth0" + (_prefixes[0].Contains(':') ? " nodad" : ""));
            _b.Link($"addr add {_prefixes[1]} dev eth0" + (_prefixes[1].Contains(':') ? " nodad" : ""));
        }

        public void Start()
        {
            First.Start();
            Second.Start();
        }

        public void Cut() => _b.Link("link set eth0 down");

        public void Hear(BfdState state)
        {
            First.Hear(Second, state);
            Second.Hear(First, state);
        }

        public void Dispose()
        {
            First.Dispose();
            Second.Dispose();
            _a.Dispose();
            _b.Dispose();
        }

        private static NodeFacts Node(string name, string address) => new() { Name = name, InternalIPs = [IpAddress.Parse(address)], Ready = true };
    }

    private sealed class Side : IDisposable
    {
        private readonly BlockingCollection<PeerView> _views = [];
        private readonly NetworkNamespace _where;
        private readonly PeerMap _map;
        private readonly Meter _meter = new("peers");
        private Thread? _thread;
        private Exception? _failure;

        public Side(NetworkNamespace where, string name, NodeFacts[] nodes)
        {
            (_where, _map) = (where, PeerMap.Of(name, nodes));
            Peers = new SpeakerPeers(name, SpeakerPeers.DefaultPort, null, TimeSpan.FromSeconds(4), new PeerMetrics(_meter), NullLogger.Instance, () => _views.Add(Peers!.View));
            Peers.SetNodes(_map);
            Peers.UseKey(PeerKey.Derive("secret"u8));
            Peers.KeyIsKnown();
            Peers.Started();
        }

        public SpeakerPeers Peers { get; }

        public void Start()
        {
            _thread = new Thread(() =>
            {
                try
                {
                    _where.Inside(() =>
                    {
                        Peers.Talk();
                        return 0;
                    });
                }
                catch (Exception failure)
                {
                    _failure = failure;
                }
            });
            _thread.Start();
        }

        public void Hear(Side other, BfdState state) =>
            Peers.On(new BfdTransition<IpAddress>(other._map.Local!.Value, BfdState.Down, state, BfdDiagnostic.None, BfdState.Down));

        public void Stop()
        {
            Peers.Stop();
            _thread?.Join();
            Assert.Null(_failure);
        }

        public void Dispose()
        {
            Stop();
            _meter.Dispose();
            _views.Dispose();
        }

        public void Await(Func<PeerView, bool> wanted)
        {
            using var limit = CancellationTokenSource.CreateLinkedTokenSource(TestContext.Current.CancellationToken);
            limit.CancelAfter(TimeSpan.FromSeconds(30));
            while (!wanted(_views.Take(limit.Token)))
            {
            }
        }
    }
}
