using System.Net.Sockets;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;
using Portolan.Linux.Ipvs;

namespace Portolan.Proxy.Ipvs;

/// <summary>Addresses as IPVS has them, and back.</summary>
internal static class IpvsKeys
{
    internal static AddressFamily Family(IpFamily family) => family is IpFamily.IPv6 ? AddressFamily.InterNetworkV6 : AddressFamily.InterNetwork;

    internal static IpAddress Address(AddressFamily family, UInt128 address) => family is AddressFamily.InterNetworkV6 ? IpAddress.V6(address) : IpAddress.V4((uint)address);

    internal static IpAddress Address(this in IpvsServiceKey service) => Address(service.Family, service.Address);

    internal static IpvsServiceKey Service(IpAddress address, Protocol protocol, ushort port) => new(Family(address.Family), (byte)protocol, address.Value, port);

    internal static IpvsServerKey Server(RealServer server, ushort? port = null) => new(Family(server.Address.Family), server.Address.Value, port ?? server.Port);
}
