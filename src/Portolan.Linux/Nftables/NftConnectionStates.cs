namespace Portolan.Linux.Nftables;

/// <summary>What connection tracking thinks of a packet (linux/netfilter/nf_conntrack_common.h, NF_CT_STATE_BIT).</summary>
[Flags]
public enum NftConnectionStates : uint
{
    /// <summary>It fits no connection, and cannot begin one.</summary>
    Invalid = 0x01,

    /// <summary>It belongs to a connection that has been answered.</summary>
    Established = 0x02,

    /// <summary>It is about a known connection: an ICMP error, for example.</summary>
    Related = 0x04,

    /// <summary>It begins a connection, or is the first that is seen of one.</summary>
    New = 0x08,

    /// <summary>It is not tracked, because somebody said so.</summary>
    Untracked = 0x40,
}
