namespace Portolan.Protocols.Ndp;

/// <summary>Why a frame is not answered.</summary>
public enum NdpRejection : byte
{
    /// <summary>It is answered.</summary>
    None,

    /// <summary>Shorter than its headers, or than they say.</summary>
    TooShort,

    /// <summary>Not ICMPv6 directly in IPv6 over Ethernet.</summary>
    NotIcmp,

    /// <summary>A hop limit below 255: it may have come from beyond a router (RFC 4861 §7.1).</summary>
    BadHopLimit,

    /// <summary>The ICMPv6 checksum is wrong.</summary>
    BadChecksum,

    /// <summary>Neither a neighbour solicitation nor an advertisement.</summary>
    UnknownType,

    /// <summary>An ICMPv6 code other than 0.</summary>
    BadCode,

    /// <summary>The target is a group: nobody has it.</summary>
    BadTarget,

    /// <summary>An option of length 0, or one that ends after the message.</summary>
    BadOption,

    /// <summary>The source is a group, or <c>::</c> with what only a station that has an address may send.</summary>
    BadSource,

    /// <summary>An advertisement to a group that says it was solicited.</summary>
    BadFlags,

    /// <summary>The asker's hardware address is zero or a group: an answer would reach nobody, or everybody.</summary>
    BadSender,

    /// <summary>An advertisement: nothing to answer.</summary>
    NotSolicitation,

    /// <summary>The frame was sent by this host, or is addressed to another one.</summary>
    NotForUs,

    /// <summary>The address asked for is not announced here.</summary>
    NotOurs,

    /// <summary>The address is announced by several nodes, and another one answers this client.</summary>
    AnotherNodesClient,
}
