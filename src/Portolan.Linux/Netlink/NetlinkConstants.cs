namespace Portolan.Linux.Netlink;

/// <summary>Netlink families (linux/netlink.h) this project speaks.</summary>
public enum NetlinkFamily
{
    /// <summary>Links, addresses, routes, neighbours (NETLINK_ROUTE).</summary>
    Route = 0,

    /// <summary>nftables and connection tracking (NETLINK_NETFILTER).</summary>
    Netfilter = 12,

    /// <summary>Families resolved by name (NETLINK_GENERIC).</summary>
    Generic = 16,
}

/// <summary>Flags of a netlink message (linux/netlink.h). Several values mean different things in different requests.</summary>
[Flags]
public enum NetlinkFlags : ushort
{
    /// <summary>No flag.</summary>
    None = 0,

    /// <summary>A request to the kernel.</summary>
    Request = 0x001,

    /// <summary>Part of a sequence that NLMSG_DONE ends.</summary>
    Multi = 0x002,

    /// <summary>An answer is wanted also on success.</summary>
    Ack = 0x004,

    /// <summary>The resulting notification is wanted.</summary>
    Echo = 0x008,

    /// <summary>The dump is inconsistent: what it lists changed meanwhile.</summary>
    DumpInterrupted = 0x010,

    /// <summary>List everything that matches.</summary>
    Dump = 0x300,

    /// <summary>New: replace what exists.</summary>
    Replace = 0x100,

    /// <summary>New: fail where it exists.</summary>
    Exclusive = 0x200,

    /// <summary>New: create where it does not exist.</summary>
    Create = 0x400,

    /// <summary>New: add at the end.</summary>
    Append = 0x800,
}

internal static class NetlinkTypes
{
    internal const ushort Noop = 1;
    internal const ushort Error = 2;
    internal const ushort Done = 3;
    internal const ushort Overrun = 4;

    // Flags of an acknowledgement; the same bits mean other things in a request.
    internal const NetlinkFlags Capped = (NetlinkFlags)0x100;
    internal const NetlinkFlags AckAttributes = (NetlinkFlags)0x200;
}
