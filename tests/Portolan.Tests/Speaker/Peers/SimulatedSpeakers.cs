using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Protocols.Bfd;
using Portolan.Protocols.Peers;
using Portolan.Speaker.Peers;

namespace Portolan.Tests.Speaker.Peers;

/// <summary>Speakers that exchange real datagrams over a network and a clock that the test drives. A datagram takes half a millisecond.</summary>
internal sealed class SimulatedSpeakers
{
    public const long Millisecond = 1_000;
    public const long Second = 1_000_000;
    private const long Transit = 500;

    private readonly Dictionary<string, PeerExchange> _running = new(StringComparer.Ordinal);
    private readonly PriorityQueue<(string From, string To, byte[] Bytes), long> _wire = new();
    private readonly Random _random = new(7);
    private readonly byte[] _buffer = new byte[PeerDatagram.MaxSize];
    private readonly PeerKey _key = PeerKey.Derive("secret"u8);
    private ulong _boots = 1000;

    public SimulatedSpeakers(int count) => Nodes = [.. Enumerable.Range(1, count).Select(Node)];

    public IReadOnlyList<NodeFacts> Nodes { get; }

    public long Now { get; private set; } = 1_000_000_000;

    /// <summary>Whether a datagram gets lost.</summary>
    public Func<string, string, byte[], bool> IsLost { get; set; } = (_, _, _) => false;

    /// <summary>How many datagrams each speaker has sent.</summary>
    public Dictionary<string, int> Sent { get; } = new(StringComparer.Ordinal);

    /// <summary>What was not believed.</summary>
    public List<PeerRejection> Rejections { get; } = [];

    public PeerExchange this[string node] => _running[node];

    public IEnumerable<string> Running => _running.Keys;

    /// <summary>Starts a speaker and lets its sessions with those that run come up.</summary>
    public PeerExchange Start(string node, ulong incarnation = 0)
    {
        var exchange = new PeerExchange(node, 4 * Second, incarnation > 0 ? incarnation : (ulong)Now, () => ++_boots * 0x9e3779b97f4a7c15);
        exchange.UseKey(_key);
        exchange.SetNodes(PeerMap.Of(node, Nodes), Now);
        exchange.Started(Now);
        exchange.Advance(Now);
        _running[node] = exchange;
        foreach (var other in _running.Keys.ToList())
        {
            See(node, other, BfdState.Up);
            See(other, node, BfdState.Up);
        }

        return exchange;
    }

    public void StartAll()
    {
        foreach (var node in Nodes)
            Start(node.Name);
        Run(2 * Second);
    }

    /// <summary>A speaker falls silent. Its observers notice one after another.</summary>
    public void Kill(string node)
    {
        _running.Remove(node);
        foreach (var other in _running.Keys)
            See(other, node, BfdState.Down);
    }

    /// <summary>A speaker falls silent, and nobody has noticed yet.</summary>
    public void Silence(string node) => _running.Remove(node);

    public void See(string node, string other, BfdState state, BfdState remote = BfdState.Down)
    {
        if (node == other)
            return;
        _running[node].On(new BfdTransition<IpAddress>(AddressOf(other), BfdState.Down, state, BfdDiagnostic.None, remote), Now);
        _running[node].Advance(Now);
        Flush(node);
    }

    /// <summary>Puts bytes on the wire to a node.</summary>
    public void Inject(string to, byte[] bytes) => _wire.Enqueue(("", to, bytes), Now + Transit);

    public void Flush(string node)
    {
        var exchange = _running[node];
        exchange.Advance(Now);
        while (exchange.TryTakeDatagram(Now, _buffer, out var to, out var length))
        {
            var bytes = _buffer[..length];
            Sent[node] = Sent.GetValueOrDefault(node) + 1;
            if (!IsLost(node, to.Node, bytes))
                _wire.Enqueue((node, to.Node, bytes), Now + Transit + _random.Next(50));
        }
    }

    /// <summary>Lets time pass.</summary>
    public void Run(long duration)
    {
        var end = Now + duration;
        foreach (var node in _running.Keys)
            Flush(node);
        while (true)
        {
            var arrival = _wire.TryPeek(out _, out var at) ? at : long.MaxValue;
            var next = Math.Min(arrival, _running.Values.Min(exchange => exchange.Deadline));
            if (next > end)
                break;
            Now = Math.Max(Now, next);
            if (arrival <= next)
            {
                var (_, to, bytes) = _wire.Dequeue();
                if (!_running.TryGetValue(to, out var receiver))
                    continue;
                if (receiver.Receive(bytes, Now) is var rejection && rejection is not PeerRejection.None)
                    Rejections.Add(rejection);
                Flush(to);
                continue;
            }

            foreach (var node in _running.Keys)
                if (_running[node].Deadline <= Now)
                    Flush(node);
        }

        Now = end;
        foreach (var node in _running.Keys)
            Flush(node);
    }

    public string Living(string node) => string.Join(' ', _running[node].View.Living.Order(StringComparer.Ordinal));

    private static NodeFacts Node(int number) => new() { Name = $"node{number}", InternalIPs = [AddressOf($"node{number}")], Ready = true };

    private static IpAddress AddressOf(string node) => IpAddress.V4(0x0a000000 + uint.Parse(node.AsSpan(4), System.Globalization.CultureInfo.InvariantCulture));
}
