namespace Portolan.Linux.Links;

/// <summary>Flags of a network interface (linux/if.h, IFF_…).</summary>
[Flags]
public enum LinkFlags : uint
{
    /// <summary>None of them.</summary>
    None = 0,

    /// <summary>Switched on by its administrator.</summary>
    Up = 0x1,

    /// <summary>It can send to every station of its link.</summary>
    Broadcast = 0x2,

    /// <summary>The loopback.</summary>
    Loopback = 0x8,

    /// <summary>It has one neighbour.</summary>
    PointToPoint = 0x10,

    /// <summary>Operational.</summary>
    Running = 0x40,

    /// <summary>Its neighbours are not resolved.</summary>
    NoArp = 0x80,

    /// <summary>The layer below is up: there is a carrier.</summary>
    LowerUp = 0x10000,
}

/// <summary>One network interface as the kernel describes it (RTM_NEWLINK, rtnetlink(7)).</summary>
/// <param name="Index">Its number in this network namespace, not used again soon after it is gone.</param>
/// <param name="Name">Its name, which may change.</param>
/// <param name="Flags">Its flags.</param>
/// <param name="HardwareType">ARPHRD_…; 1 is Ethernet.</param>
/// <param name="Address">Its hardware address, which may change.</param>
/// <param name="Master">The index of the bridge, bond or VRF it belongs to, or 0.</param>
/// <param name="Mtu">The largest packet it carries, bytes.</param>
/// <param name="Kind">veth, bridge, vlan, …; empty for hardware.</param>
public sealed record Link(int Index, string Name, LinkFlags Flags, ushort HardwareType, LinkAddress Address, int Master, int Mtu, string Kind)
{
    /// <summary>ARPHRD_ETHER.</summary>
    public const ushort Ethernet = 1;

    /// <summary>Whether all of these flags are set.</summary>
    public bool Has(LinkFlags flags) => (Flags & flags) == flags;
}
