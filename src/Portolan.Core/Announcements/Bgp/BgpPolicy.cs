using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Configuration;

namespace Portolan.Core.Announcements.Bgp;

/// <summary>How a next hop that is a link-local address is written (<c>spec.linkLocalNextHop</c>): peers understand it in different dialects.</summary>
public enum LinkLocalNextHop : byte
{
    /// <summary>What the peer's capabilities and the addresses of the session suggest.</summary>
    Automatic,

    /// <summary><c>global</c>: a global address, and the link-local one behind it where the peer is on the link (RFC 2545 §3).</summary>
    Global,

    /// <summary><c>single</c>: 16 octets, the link-local address alone.</summary>
    Single,

    /// <summary><c>double</c>: 32 octets, the link-local address twice.</summary>
    Double,

    /// <summary><c>unspecified-first</c>: 32 octets, <c>::</c> and the link-local address.</summary>
    UnspecifiedFirst,
}

/// <summary>A checked BGPPolicy (portolan.dev/v1alpha1): what MetalLB's BGPPeer cannot say. At most one is in force for a peer on a node.</summary>
public sealed record BgpPolicy
{
    /// <summary>Sessions over one object's listen ranges, unless it says otherwise.</summary>
    public const int DefaultListenLimit = 100;

    /// <summary>Prefixes that a peer may send, unless the policy says otherwise: none of them is used, so a few are a mistake and many an attack.</summary>
    public const int DefaultMaxPrefixes = 1000;

    /// <summary>What holds without any policy.</summary>
    public static readonly BgpPolicy Default = new() { Name = "" };

    private const float BytesPerMegabit = 1_000_000 / 8f;

    /// <summary>The object's name.</summary>
    public required string Name { get; init; }

    /// <summary>Names of BGPPeers; none means all.</summary>
    public IReadOnlyList<string> Peers { get; init; } = [];

    /// <summary>One suffices; none means all nodes.</summary>
    public IReadOnlyList<LabelSelector> NodeSelectors { get; init; } = [];

    /// <summary>MULTI_EXIT_DISC of all routes; null: not sent.</summary>
    public uint? Med { get; init; }

    /// <summary>How many times more than needed our AS number stands in AS_PATH: 0..16.</summary>
    public int Prepend { get; init; }

    /// <summary>Megabits per second that each usable local endpoint of a Service with <c>externalTrafficPolicy: Local</c> stands for; null: no link bandwidth is sent.</summary>
    public int? LinkBandwidthPerEndpoint { get; init; }

    /// <summary>
    /// The peer is at most so many hops away, 1..254, and packets from farther away are dropped (GTSM, RFC 5082); null: they are not. Where a peer
    /// was given ebgpMultiHop after the policy came into force, this counts.
    /// </summary>
    public int? TtlSecurityHops { get; init; }

    /// <summary>How a link-local next hop is written.</summary>
    public LinkLocalNextHop LinkLocalNextHop { get; init; }

    /// <summary>Wait for the peer to connect.</summary>
    public bool Passive { get; init; }

    /// <summary>Whoever connects from these addresses gets a session with the parameters of the one peer in <see cref="Peers"/>.</summary>
    public IReadOnlyList<IpPrefix> ListenRanges { get; init; } = [];

    /// <summary>At most so many such sessions at a time.</summary>
    public int ListenLimit { get; init; } = DefaultListenLimit;

    /// <summary>The largest TCP segment, octets, 536..9000; null: the kernel's choice.</summary>
    public int? TcpMss { get; init; }

    /// <summary>A peer that sends more prefixes than this is cut off.</summary>
    public int MaxPrefixes { get; init; } = DefaultMaxPrefixes;

    /// <summary><see cref="LinkBandwidthPerEndpoint"/> in bytes per second.</summary>
    internal float? BandwidthPerEndpoint => LinkBandwidthPerEndpoint * BytesPerMegabit;

    /// <summary>The policy for a peer on a node, or <see cref="Default"/>. Of several (nodes were relabelled) the first by name counts.</summary>
    public static BgpPolicy For(BgpPeer peer, NodeFacts node, IReadOnlyList<BgpPolicy> policies)
    {
        BgpPolicy? first = null;
        foreach (var policy in policies)
            if ((first is null || string.CompareOrdinal(policy.Name, first.Name) < 0) && policy.Covers(peer) && policy.Selects(node))
                first = policy;
        return first ?? Default;
    }

    /// <summary>Whether it is for this peer.</summary>
    public bool Covers(BgpPeer peer) => Peers.Count == 0 || Peers.Contains(peer.Name);

    /// <summary>Whether it is for this node.</summary>
    public bool Selects(NodeFacts node) => FieldRules.Selects(NodeSelectors, node.Labels);

    /// <summary>Whether somebody who connects from this address gets a session.</summary>
    public bool Admits(IpAddress address)
    {
        foreach (var range in ListenRanges)
            if (range.Contains(address))
                return true;
        return false;
    }

    /// <summary>What the policy cannot have beside another one, or null.</summary>
    /// <param name="other">Another policy.</param>
    /// <param name="nodes">Whether a node has both.</param>
    internal FieldError? Clash(BgpPolicy other, NodeMeeting nodes)
    {
        var index = Enumerable.Range(0, Peers.Count).FirstOrDefault(i => other.Peers.Count == 0 || other.Peers.Contains(Peers[i]), -1);
        if ((Peers.Count > 0 && index < 0) || !nodes.Meet(NodeSelectors, other.NodeSelectors))
            return null;
        return index >= 0
            ? new FieldError($"spec.peers[{index}]", Peers[index], $"BGPPolicy {other.Name} is about this BGPPeer too, and a node has both")
            : new FieldError("spec.peers", "", $"without names it is about all BGPPeers, and BGPPolicy {other.Name} is about {(other.Peers.Count == 0 ? "all" : "some")}, too, on the same node");
    }

    /// <summary>Whether it clashes with the same policies as the other.</summary>
    internal bool SamePlace(BgpPolicy other) =>
        Peers.SequenceEqual(other.Peers) && NodeSelectors.Select(selector => selector.ToString()).SequenceEqual(other.NodeSelectors.Select(selector => selector.ToString()));

    /// <summary>Why the policy does not go together with a peer, or null.</summary>
    /// <param name="peers">The peers.</param>
    /// <param name="nodes">Whether the policy counts where a peer does.</param>
    internal FieldError? Misfit(IEnumerable<BgpPeer> peers, NodeMeeting nodes)
    {
        if (TtlSecurityHops is { } hops)
            foreach (var peer in peers.OrderBy(peer => peer.Name, StringComparer.Ordinal))
                if (peer.EbgpMultiHop && Covers(peer) && nodes.Meet(NodeSelectors, peer.NodeSelectors))
                    return new FieldError("spec.ttlSecurityHops", $"{hops}", $"BGPPeer {peer.Name} has ebgpMultiHop, which says the opposite: only one of both");
        return null;
    }
}
