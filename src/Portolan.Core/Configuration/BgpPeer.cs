using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Core.Configuration;

/// <summary>How the peer's AS number is found (<c>spec.dynamicASN</c>).</summary>
public enum DynamicAsn : byte
{
    /// <summary>It must be ours.</summary>
    Internal,

    /// <summary>It must be another than ours.</summary>
    External,
}

/// <summary>A checked BGPPeer (metallb.io/v1beta2).</summary>
public sealed record BgpPeer
{
    /// <summary>The port of BGP (RFC 4271 §8.2.1).</summary>
    public const ushort DefaultPort = 179;

    /// <summary>The object's name.</summary>
    public required string Name { get; init; }

    /// <summary>Our AS number, not 0.</summary>
    public required uint MyAsn { get; init; }

    /// <summary>The peer's AS number; null where <see cref="DynamicAsn"/> is set.</summary>
    public required uint? PeerAsn { get; init; }

    /// <summary>How the AS number is found where none is written.</summary>
    public required DynamicAsn? DynamicAsn { get; init; }

    /// <summary>The AS number shown to the peer in place of ours.</summary>
    public required uint? LocalAsn { get; init; }

    /// <summary>The peer's address; null where <see cref="Interface"/> is set.</summary>
    public required IpAddress? Address { get; init; }

    /// <summary>The interface the peer is found on; empty where <see cref="Address"/> is set.</summary>
    public required string Interface { get; init; }

    /// <summary>Our end of the session, or null for what the routes say.</summary>
    public required IpAddress? SourceAddress { get; init; }

    /// <summary>1..16384.</summary>
    public required ushort Port { get; init; }

    /// <summary>Zero or at least three seconds; null for the speaker's default.</summary>
    public required TimeSpan? HoldTime { get; init; }

    /// <summary>At most the hold time; null exactly where that is.</summary>
    public required TimeSpan? KeepaliveTime { get; init; }

    /// <summary>Whole seconds between attempts to connect; null for the speaker's default.</summary>
    public required TimeSpan? ConnectTime { get; init; }

    /// <summary>The BGP identifier; null for the node's own.</summary>
    public required IpAddress? RouterId { get; init; }

    /// <summary>One suffices; none means all nodes.</summary>
    public required IReadOnlyList<LabelSelector> NodeSelectors { get; init; }

    /// <summary>The TCP MD5 key (RFC 2385) as written in the object; empty when there is none.</summary>
    public required string Password { get; init; }

    /// <summary>The Secret that has the TCP MD5 key; empty when there is none.</summary>
    public required string PasswordSecret { get; init; }

    /// <summary>What watches the session, or null.</summary>
    public BfdProfile? BfdProfile { get; init; }

    /// <summary>Ask the peer to keep our routes over a restart (RFC 4724).</summary>
    public required bool EnableGracefulRestart { get; init; }

    /// <summary>The external peer may be several hops away.</summary>
    public required bool EbgpMultiHop { get; init; }

    /// <summary>The VRF the peer is in; empty for the default one.</summary>
    public required string Vrf { get; init; }

    /// <summary>Exchange both families over the one session.</summary>
    public required bool DualStackAddressFamily { get; init; }

    /// <summary>
    /// What the peer cannot have beside another one, or null: a node has one session with an end. As in MetalLB's native mode, peers of a node may differ in
    /// routerID and myASN, and one address may have several on different ports: sessions know nothing of each other.
    /// </summary>
    /// <param name="other">Another peer.</param>
    /// <param name="nodes">Whether a node peers with both.</param>
    internal FieldError? Clash(BgpPeer other, NodeMeeting nodes)
    {
        if (End != other.End || !nodes.Meet(NodeSelectors, other.NodeSelectors))
            return null;
        var inVrf = Vrf.Length > 0 ? $" in VRF {Vrf}" : "";
        return Address is { } address
            ? new FieldError("spec.peerAddress", $"{address}", $"BGPPeer {other.Name} is the same peer{inVrf}, and a node has both")
            : new FieldError("spec.interface", Interface, $"BGPPeer {other.Name} is on the same interface{inVrf}, and a node has both");
    }

    /// <summary>Whether it clashes with the same peers as the other.</summary>
    internal bool SamePlace(BgpPeer other) =>
        End == other.End && NodeSelectors.Select(selector => selector.ToString()).SequenceEqual(other.NodeSelectors.Select(selector => selector.ToString()));

    // Whoever is found on an interface is one, whatever its port.
    private (IpAddress?, string, int, string) End => (Address, Interface, Address is null ? 0 : Port, Vrf);
}
