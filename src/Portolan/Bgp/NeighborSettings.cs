using Portolan.Core.Addresses;
using Portolan.Core.Announcements.Bgp;
using Portolan.Core.Configuration;
using Portolan.Linux.Sockets;
using Portolan.Protocols.Bgp.Sessions;

namespace Portolan.Bgp;

/// <summary>A neighbour: where it is, and how to speak with it. All of it are the session's own parameters: any other value needs another session.</summary>
internal sealed record NeighborSettings
{
    /// <summary>What others call it by: the BGPPeer's name.</summary>
    public required string Name { get; init; }

    /// <summary>Its address; null where it is found on <see cref="Interface"/>.</summary>
    public IpAddress? Address { get; init; }

    /// <summary>The interface it is found on; empty where it has an address.</summary>
    public string Interface { get; init; } = "";

    /// <summary>Its TCP port.</summary>
    public ushort Port { get; init; } = BgpPeer.DefaultPort;

    /// <summary>Our end; null: what the routes say.</summary>
    public IpAddress? Source { get; init; }

    /// <summary>The VRF it is in; empty: none.</summary>
    public string Vrf { get; init; } = "";

    /// <summary>The TCP MD5 key; empty: none.</summary>
    public string Password { get; init; } = "";

    /// <summary>External, and more than one hop away.</summary>
    public bool IsMultihop { get; init; }

    /// <summary>Hops that it may be away with its packets' TTL checked (RFC 5082): 1..254; 0: it is not checked.</summary>
    public int TtlSecurityHops { get; init; }

    /// <summary>TCP's longest segment, bytes; 0: what the path carries.</summary>
    public int LongestSegment { get; init; }

    /// <summary>How a link-local next hop is written.</summary>
    public LinkLocalNextHop LinkLocal { get; init; }

    /// <summary>Whoever connects from there may be it, each a session of its own; none: it has an address.</summary>
    public ListenRanges ListenRanges { get; init; } = ListenRanges.None;

    /// <summary>What watches the session, or null.</summary>
    public BfdProfile? Bfd { get; init; }

    /// <summary>The session's own.</summary>
    public required PeerSettings Session { get; init; }

    /// <summary>It, and not this node, makes the connection.</summary>
    public bool IsWaitedFor => Session.IsPassive || ListenRanges.Prefixes.Count > 0;

    /// <summary>Whether a peer of the given number, or of any where it is not given, is in our AS.</summary>
    public bool MayBeInternal => Session.PeerAsn is { } asn ? asn == Session.LocalAsn : Session.Relation is not PeerRelation.External;

    /// <summary>The TTL of what is sent: one hop to an external peer, unless it may be further (RFC 4271 §5.1.3).</summary>
    public int Ttl => TtlSecurityHops > 0 ? byte.MaxValue : MayBeInternal || IsMultihop ? 64 : 1;

    /// <summary>The lowest TTL that is let in; 0: any.</summary>
    public int LeastTtl => TtlSecurityHops > 0 ? byte.MaxValue + 1 - TtlSecurityHops : 0;

    /// <summary>What its connections ask of the kernel.</summary>
    public SessionSocketOptions ForSocket() => new()
    {
        Ttl = Ttl,
        LeastTtl = LeastTtl,
        Link = Vrf.Length > 0 ? Vrf : Interface,
        Password = Password,
        LongestSegment = LongestSegment,
        UserTimeout = Session.HoldTime * 1000,
    };
}

/// <summary>Where neighbours without an address of their own may connect from.</summary>
/// <param name="Prefixes">From here.</param>
/// <param name="Limit">So many sessions at most.</param>
internal sealed record ListenRanges(IReadOnlyList<IpPrefix> Prefixes, int Limit)
{
    /// <summary>From nowhere.</summary>
    public static readonly ListenRanges None = new([], 0);

    /// <summary>Whether an address is in any.</summary>
    public bool Contain(IpAddress address)
    {
        foreach (var prefix in Prefixes)
            if (prefix.Contains(address))
                return true;
        return false;
    }

    /// <inheritdoc/>
    public bool Equals(ListenRanges? other) => other is not null && Limit == other.Limit && Prefixes.SequenceEqual(other.Prefixes);

    /// <inheritdoc/>
    public override int GetHashCode() => HashCode.Combine(Limit, Prefixes.Count);
}
