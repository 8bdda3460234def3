namespace Portolan.Protocols.Arp;

/// <summary>Why a frame is not answered. The names serve as metric labels.</summary>
public enum ArpRejection : byte
{
    /// <summary>It is answered.</summary>
    None,

    /// <summary>Shorter than an Ethernet header and an ARP packet.</summary>
    TooShort,

    /// <summary>The EtherType is not ARP.</summary>
    NotArp,

    /// <summary>Not ARP for IPv4 over Ethernet (hardware type, protocol type or their lengths).</summary>
    NotIPv4OverEthernet,

    /// <summary>An operation other than request and reply.</summary>
    UnknownOperation,

    /// <summary>The sender's hardware address is zero or a group: an answer would reach nobody, or everybody.</summary>
    BadSender,

    /// <summary>A reply: nothing to answer.</summary>
    NotRequest,

    /// <summary>The frame was sent by this host, or is addressed to another one (seen in promiscuous mode).</summary>
    NotForUs,

    /// <summary>The address asked for is not announced here.</summary>
    NotOurs,

    /// <summary>Another station claims an address announced here (RFC 5227 §2.4): an announcement, not a question.</summary>
    Conflict,

    /// <summary>The address is announced by several nodes, and another one answers this client.</summary>
    AnotherNodesClient,
}
