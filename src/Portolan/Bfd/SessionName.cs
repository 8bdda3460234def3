using Portolan.Core.Addresses;

namespace Portolan.Bfd;

/// <summary>What tells one session from another: both addresses, the interface, and whether routers may be between (RFC 5881 §3, RFC 5883 §4).</summary>
/// <param name="Local">An address of this node.</param>
/// <param name="Peer">The neighbour's, of the same family.</param>
/// <param name="Link">The interface that the neighbour is behind, or the VRF; empty: any. Link-local addresses need one.</param>
/// <param name="Multihop">Whether routers may be between: another port, and another least TTL.</param>
internal readonly record struct SessionName(IpAddress Local, IpAddress Peer, string Link = "", bool Multihop = false)
{
    /// <summary>Where its packets are heard.</summary>
    public SessionPlace Place => new(Local, Link, Multihop);
}

/// <summary>Where the packets of sessions are heard.</summary>
/// <param name="Local">An address of this node.</param>
/// <param name="Link">The interface or VRF; empty: any.</param>
/// <param name="Multihop">Whether at the port of sessions over more than one hop.</param>
internal readonly record struct SessionPlace(IpAddress Local, string Link = "", bool Multihop = false)
{
    /// <summary>The UDP port of single-hop control packets (RFC 5881 §4).</summary>
    public const int SingleHopPort = 3784;

    /// <summary>The UDP port of multihop control packets (RFC 5883 §5).</summary>
    public const int MultihopPort = 4784;

    /// <summary>The UDP port, here as there.</summary>
    public int Port => Multihop ? MultihopPort : SingleHopPort;
}
