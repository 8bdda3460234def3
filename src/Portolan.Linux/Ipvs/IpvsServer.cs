using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Portolan.Linux.Ipvs;

/// <summary>How packets get to a real server (<c>IP_VS_CONN_F_FWD_MASK</c>, linux/ip_vs.h).</summary>
public enum IpvsForwarding : byte
{
    /// <summary>Their destination is rewritten, and replies come back this way.</summary>
    Masquerade = 0,

    /// <summary>It is this machine.</summary>
    Local = 1,

    /// <summary>Inside another IP packet.</summary>
    Tunnel = 2,

    /// <summary>As they are, to its hardware address: it has the virtual server's address, too, and answers by itself.</summary>
    Direct = 3,

    /// <summary>Past all virtual servers.</summary>
    Bypass = 4,
}

/// <summary>What identifies a real server within its virtual server.</summary>
/// <param name="Family">InterNetwork or InterNetworkV6.</param>
/// <param name="Address">The address as a number.</param>
/// <param name="Port">The port.</param>
public readonly record struct IpvsServerKey(AddressFamily Family, UInt128 Address, ushort Port)
{
    /// <summary><c>address:port</c>.</summary>
    public override string ToString() => $"{Text(Family, Address)}:{Port}";

    internal static string Text(AddressFamily family, UInt128 address)
    {
        Span<byte> bytes = stackalloc byte[16];
        BinaryPrimitives.WriteUInt128BigEndian(bytes, address);
        return family is AddressFamily.InterNetworkV6 ? $"[{new IPAddress(bytes)}]" : $"{new IPAddress(bytes[12..])}";
    }
}

/// <summary>A real server of a virtual server.</summary>
/// <param name="Key">What identifies it.</param>
/// <param name="Forwarding">How packets get there.</param>
/// <param name="Weight">Its share of new connections; 0: none, and those it has go on.</param>
public sealed record IpvsServer(IpvsServerKey Key, IpvsForwarding Forwarding, int Weight)
{
    /// <summary>So many connections and it gets no more; 0: no limit.</summary>
    public uint UpperThreshold { get; init; }

    /// <summary>Below so many it gets some again.</summary>
    public uint LowerThreshold { get; init; }

    /// <summary>How packets are wrapped in a tunnel: 0 IP in IP, 1 GUE, 2 GRE (<c>IP_VS_CONN_F_TUNNEL_TYPE_…</c>).</summary>
    public byte TunnelType { get; init; }

    /// <summary>The port of a GUE tunnel; otherwise 0.</summary>
    public ushort TunnelPort { get; init; }

    /// <summary>Checksums of the tunnel: 0 none, 1 the packet's own, 2 those of its remote checksum offload.</summary>
    public ushort TunnelFlags { get; init; }

    /// <summary>Connections that are established.</summary>
    public uint ActiveConnections { get; init; }

    /// <summary>Connections that begin, end or have ended.</summary>
    public uint InactiveConnections { get; init; }

    /// <summary>Clients that are to come back to it.</summary>
    public uint PersistentConnections { get; init; }

    /// <summary>What was counted since it was made.</summary>
    public IpvsStatistics Statistics { get; init; }
}
