using System.Net.Sockets;

namespace Portolan.Linux.Ipvs;

/// <summary>What identifies a virtual server of IPVS: a protocol, an address and a port, or a mark of the packet alone.</summary>
/// <param name="Family">InterNetwork or InterNetworkV6.</param>
/// <param name="Protocol">The IP protocol number (6, 17, 132); 0 with a mark.</param>
/// <param name="Address">The address as a number; 0 with a mark.</param>
/// <param name="Port">The port; 0 with a mark.</param>
/// <param name="FirewallMark">0 where protocol, address and port identify it.</param>
public readonly record struct IpvsServiceKey(AddressFamily Family, byte Protocol, UInt128 Address, ushort Port, uint FirewallMark = 0)
{
    /// <summary>As <c>ipvsadm -Ln</c> names it.</summary>
    public override string ToString() =>
        FirewallMark != 0 ? $"FWM {FirewallMark}" : $"{Protocol switch { 6 => "TCP", 17 => "UDP", 132 => "SCTP", _ => Protocol }} {IpvsServerKey.Text(Family, Address)}:{Port}";
}

/// <summary>Flags of a virtual server (<c>IP_VS_SVC_F_…</c>, linux/ip_vs.h).</summary>
[Flags]
public enum IpvsServiceFlags : uint
{
    /// <summary>None.</summary>
    None = 0,

    /// <summary>A client keeps its real server for <see cref="IpvsService.Timeout"/>.</summary>
    Persistent = 0x01,

    /// <summary>The kernel's own: the virtual server can be found. Never sent.</summary>
    Hashed = 0x02,

    /// <summary>UDP: every packet is scheduled by itself.</summary>
    OnePacket = 0x04,

    /// <summary>The scheduler's first flag: <c>sh-fallback</c> or <c>mh-fallback</c>.</summary>
    Scheduler1 = 0x08,

    /// <summary>The scheduler's second flag: <c>sh-port</c> or <c>mh-port</c>.</summary>
    Scheduler2 = 0x10,

    /// <summary>The scheduler's third flag.</summary>
    Scheduler3 = 0x20,
}

/// <summary>A virtual server of IPVS.</summary>
/// <param name="Key">What identifies it.</param>
/// <param name="Scheduler">rr, wrr, lc, …; at most 15 characters.</param>
/// <param name="Flags">Without <see cref="IpvsServiceFlags.Hashed"/>.</param>
/// <param name="Timeout">How long a client keeps its real server, in seconds; the kernel keeps a number with every virtual server.</param>
/// <param name="PrefixLength">Clients of one prefix of this length are one client to persistence: 1..32, 1..128.</param>
public sealed record IpvsService(IpvsServiceKey Key, string Scheduler, IpvsServiceFlags Flags, uint Timeout, byte PrefixLength)
{
    /// <summary>The persistence engine (<c>sip</c>); empty for none.</summary>
    public string PersistenceEngine { get; init; } = "";

    /// <summary>What was counted since it was made.</summary>
    public IpvsStatistics Statistics { get; init; }
}

/// <summary>What the kernel counts of a virtual or a real server since it was made (<c>struct ip_vs_stats_user</c>).</summary>
public readonly record struct IpvsStatistics(ulong Connections, ulong InPackets, ulong OutPackets, ulong InBytes, ulong OutBytes);
