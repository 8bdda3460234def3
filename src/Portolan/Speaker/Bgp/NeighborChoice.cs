using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;
using Portolan.Bgp;
using Portolan.Core.Announcements.Bgp;
using Portolan.Core.Cluster;
using Portolan.Core.Configuration;
using Portolan.Protocols.Bgp.Sessions;
using Portolan.Protocols.Bgp.Wire;

namespace Portolan.Speaker.Bgp;

/// <summary>How a node speaks with a BGPPeer: a pure function of the objects, the node and the password.</summary>
internal static class NeighborChoice
{
    // Long enough for a new pod to start, short enough that a router does not wait long for a node that is dead.
    private const ushort RestartTime = 60;

    private const ushort DefaultHoldTime = 90;
    private const ushort DefaultKeepaliveTime = 30;
    private const long Second = 1_000_000;

    /// <summary>The settings of a peer.</summary>
    /// <param name="peer">The peer.</param>
    /// <param name="policy">What is asked of it beyond that.</param>
    /// <param name="node">This node.</param>
    /// <param name="password">The TCP MD5 key; empty: none.</param>
    public static NeighborSettings Of(BgpPeer peer, BgpPolicy policy, NodeFacts node, string password)
    {
        var isIPv6 = peer.Address is { IsIPv4: false } || peer.Interface.Length > 0;
        var own = isIPv6 ? BgpFamilies.IPv6Unicast : BgpFamilies.IPv4Unicast;
        var isLinkLocal = peer.Interface.Length > 0 || peer.Address is { IsIPv4: false } address && address.Value >> 118 == 0xfe80 >> 6;
        var connect = peer.ConnectTime is { } asked ? (long)asked.TotalMicroseconds : 10 * Second;
        return new NeighborSettings
        {
            Name = peer.Name,
            Address = policy.ListenRanges.Count > 0 ? null : peer.Address,
            Interface = policy.ListenRanges.Count > 0 ? "" : peer.Interface,
            Port = peer.Port,
            Source = peer.SourceAddress,
            Vrf = peer.Vrf,
            Password = password,
            IsMultihop = peer.EbgpMultiHop,
            TtlSecurityHops = policy.TtlSecurityHops ?? 0,
            LongestSegment = policy.TcpMss ?? 0,
            LinkLocal = policy.LinkLocalNextHop,
            ListenRanges = policy.ListenRanges.Count > 0 ? new ListenRanges(policy.ListenRanges, policy.ListenLimit) : ListenRanges.None,
            Bfd = peer.BfdProfile,
            Session = new PeerSettings
            {
                LocalAsn = peer.LocalAsn ?? peer.MyAsn,
                Identifier = Identifier(peer, node),
                PeerAsn = peer.PeerAsn,
                Relation = peer.DynamicAsn switch
                {
                    DynamicAsn.Internal => PeerRelation.Internal,
                    DynamicAsn.External => PeerRelation.External,
                    _ => PeerRelation.Either,
                },
                HoldTime = peer.HoldTime is { } hold ? (ushort)Math.Min(hold.TotalSeconds, ushort.MaxValue) : DefaultHoldTime,
                KeepaliveTime = peer.KeepaliveTime is { } keepalive ? (ushort)Math.Min(keepalive.TotalSeconds, ushort.MaxValue) : DefaultKeepaliveTime,
                ConnectTime = connect,
                LongestPause = peer.ConnectTime is null ? 30 * Second : connect,
                IsPassive = policy.Passive,
                Families = peer.DualStackAddressFamily || peer.Interface.Length > 0 ? BgpFamilies.IPv4Unicast | BgpFamilies.IPv6Unicast : own,
                ExtendedNextHop = isIPv6,
                ExtendedMessage = true,
                LinkLocalNextHop = isLinkLocal,
                Restart = peer.EnableGracefulRestart ? new RestartOffer(RestartTime, BgpFamilies.IPv4Unicast | BgpFamilies.IPv6Unicast, AfterNotification: true) : null,
                IsRestarting = peer.EnableGracefulRestart,
                MaxPrefixes = policy.MaxPrefixes,
            },
        };
    }

    /// <summary>The BGP identifier: as configured, else the node's IPv4 address, else a hash of its name (RFC 6286: any number but 0 that is no other node's).</summary>
    public static uint Identifier(BgpPeer peer, NodeFacts node)
    {
        if (peer.RouterId is { IsIPv4: true } id && id.Value != 0)
            return (uint)id.Value;
        foreach (var address in node.InternalIPs)
            if (address.IsIPv4 && address.Value != 0)
                return (uint)address.Value;
        return Math.Max(1, BinaryPrimitives.ReadUInt32BigEndian(SHA256.HashData(Encoding.UTF8.GetBytes(node.Name))));
    }
}
