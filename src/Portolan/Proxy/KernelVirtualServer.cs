using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;
using Portolan.Linux.Ipvs;

namespace Portolan.Proxy;

/// <summary>A virtual server as the kernel forwards it now.</summary>
/// <param name="Protocol">The layer-4 protocol.</param>
/// <param name="Address">Where packets arrive: for node ports, one of the node's own addresses.</param>
/// <param name="Port">The destination port.</param>
/// <param name="IsNodePort">A port of the node's own addresses.</param>
/// <param name="RealServers">Where they are sent, by address; none where they are refused or dropped.</param>
internal sealed record KernelVirtualServer(Protocol Protocol, IpAddress Address, ushort Port, bool IsNodePort, IReadOnlyList<KernelRealServer> RealServers)
{
    /// <summary>How a real server is chosen: <c>random</c> or <c>maglev</c>; with IPVS its scheduler.</summary>
    internal string Scheduler { get; init; } = "random";

    /// <summary>How long a client comes back to its real server, in seconds; 0 where it need not.</summary>
    internal int PersistentSeconds { get; init; }

    /// <summary>What only IPVS has; null where nftables forwards.</summary>
    internal IpvsService? Ipvs { get; init; }
}

/// <summary>A real server as the kernel has it now.</summary>
/// <param name="Server">Its address and port.</param>
/// <param name="Weight">Its slots beside those of the others, in lowest terms; with maglev, of the table.</param>
/// <param name="Connections">Begun since it has its slots, by whichever address of the Service port.</param>
/// <param name="Traffic">Since it has an account, by whichever Service; null where nothing is counted.</param>
/// <param name="Open">Tracked now, by this virtual server; null where they were not counted.</param>
internal sealed record KernelRealServer(RealServer Server, int Weight, ulong Connections, Traffic? Traffic = null, OpenConnections? Open = null)
{
    /// <summary>What only IPVS has; null where nftables forwards.</summary>
    internal IpvsServer? Ipvs { get; init; }

    /// <summary>How packets get there.</summary>
    internal IpvsForwarding Forwarding => Ipvs?.Forwarding ?? IpvsForwarding.Masquerade;
}

/// <summary>Packets and bytes of connections to virtual servers, network header included.</summary>
/// <param name="InPackets">To the real server.</param>
/// <param name="OutPackets">From it.</param>
/// <param name="InBytes">To the real server.</param>
/// <param name="OutBytes">From it.</param>
internal readonly record struct Traffic(ulong InPackets, ulong OutPackets, ulong InBytes, ulong OutBytes)
{
    public static Traffic operator +(Traffic left, Traffic right) =>
        new(left.InPackets + right.InPackets, left.OutPackets + right.OutPackets, left.InBytes + right.InBytes, left.OutBytes + right.OutBytes);
}

/// <summary>Connections that are tracked now.</summary>
/// <param name="Active">Established TCP connections, or flows of other protocols.</param>
/// <param name="Inactive">TCP connections being opened or closed.</param>
internal readonly record struct OpenConnections(int Active, int Inactive);
