using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Protocols.Bfd;

namespace Portolan.Speaker.Liveness;

/// <summary>
/// Which nodes' speakers live, told from their BFD sessions. Pure: time is passed in, as microseconds.
/// A speaker that starts knows of nobody. Until every node that could have a speaker has been heard, or a grace has passed,
/// it must not conclude that it is alone: it would take over addresses that others hold.
/// </summary>
/// <param name="self">The node this speaker runs on.</param>
/// <param name="grace">
/// How long a starting speaker waits for the others. A peer that remembers our former life believes a new sequence number only after twice the
/// detection time (RFC 5880 §6.8.1) and then speaks once a second: 2 × 900 ms + 1 s.
/// </param>
internal sealed class SpeakerLiveness(string self, TimeSpan grace)
{
    private readonly Dictionary<string, IpAddress> _addresses = new(StringComparer.Ordinal);
    private readonly Dictionary<IpAddress, BfdState> _heard = [];
    private readonly HashSet<IpAddress> _departed = [];
    private readonly HashSet<string> _awaited = new(StringComparer.Ordinal);
    private long? _startedAt;
    private bool _settled;

    /// <summary>This node's own address, or null while the node is unknown or has none.</summary>
    public IpAddress? Local { get; private set; }

    /// <summary>The addresses to hold sessions with.</summary>
    public IReadOnlyCollection<IpAddress> Peers => _addresses.Values;

    /// <summary>When <see cref="IsSettled"/> becomes true by time alone: microseconds, or null.</summary>
    public long? SettlesAt => _settled || _startedAt is null ? null : _startedAt + (long)grace.TotalMicroseconds;

    /// <summary>Takes the cluster's nodes: the first address of each of the family that our own first address has.</summary>
    public void SetNodes(IEnumerable<NodeFacts> nodes)
    {
        _addresses.Clear();
        _awaited.Clear();
        var all = nodes.ToList();
        Local = all.Find(node => node.Name == self) is { InternalIPs: [var own, ..] } ? own : null;
        if (Local is null)
            return;
        foreach (var node in all)
        {
            var reachable = node.InternalIPs.Where(address => address.Family == Local.Value.Family).ToList();
            if (node.Name == self || reachable.Count == 0)
                continue;
            _addresses[node.Name] = reachable[0];
            // A node whose kubelet is silent is not waited for: its speaker, if it lives, counts from its first packet on.
            if (node.Ready)
                _awaited.Add(node.Name);
        }

        foreach (var gone in _heard.Keys.Except(_addresses.Values).ToList())
            _heard.Remove(gone);
        _departed.IntersectWith(_addresses.Values);
    }

    /// <summary>The sessions run, for the first time or again: what was known of the others is not known any more.</summary>
    public void Started(long now)
    {
        _heard.Clear();
        _departed.Clear();
        (_startedAt, _settled) = (now, false);
    }

    /// <summary>The sessions do not run: others believe this speaker dead, and rightly.</summary>
    public void Stopped()
    {
        _heard.Clear();
        _departed.Clear();
        (_startedAt, _settled) = (null, false);
    }

    /// <summary>Takes what a session says.</summary>
    public void On(BfdTransition<IpAddress> transition)
    {
        // Late news of a peer that is no peer any more.
        if (!_addresses.ContainsValue(transition.Peer))
            return;
        if (transition.State is BfdState.Up)
            _departed.Remove(transition.Peer);
        else if (transition.RemoteState is BfdState.AdminDown)
            _departed.Add(transition.Peer);
        // A peer that said AdminDown is as good as heard: it is not coming.
        if (transition.State is BfdState.Up || transition.RemoteState is BfdState.AdminDown || _heard.ContainsKey(transition.Peer))
            _heard[transition.Peer] = transition.State;
    }

    /// <summary>Whether enough is known to announce anything.</summary>
    public bool IsSettled(long now)
    {
        if (_startedAt is null || Local is null)
            return false;
        _settled |= now >= SettlesAt || _awaited.All(node => _heard.ContainsKey(_addresses[node]));
        return _settled;
    }

    /// <summary>The nodes whose speakers live, this one among them.</summary>
    public IReadOnlySet<string> Living()
    {
        var living = new HashSet<string>(StringComparer.Ordinal) { self };
        foreach (var (node, address) in _addresses)
            if (_heard.GetValueOrDefault(address) is BfdState.Up)
                living.Add(node);
        return living;
    }

    /// <summary>The nodes whose speakers said goodbye and were not heard since: a planned stop, after which the node goes on forwarding.</summary>
    public IReadOnlySet<string> Departed() =>
        _addresses.Where(node => _departed.Contains(node.Value)).Select(node => node.Key).ToHashSet(StringComparer.Ordinal);
}
