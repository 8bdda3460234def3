using Portolan.Core.Addresses;
using Portolan.Core.Cluster;
using Portolan.Core.Forwarding;
using Portolan.Linux.Ipvs;
using Portolan.Linux.Links;

namespace Portolan.Proxy.Ipvs;

/// <summary>The virtual servers of IPVS, all of them, whoever made them: as <c>ipvsadm</c> lists them.</summary>
internal static class IpvsView
{
    /// <summary>Reads them in the network namespace of the calling thread.</summary>
    /// <returns>Null where IPVS does not forward Services: without the link that holds their addresses.</returns>
    /// <exception cref="Linux.Netlink.NetlinkException">The kernel refused.</exception>
    internal static List<KernelVirtualServer>? Read()
    {
        using var links = new AddressLink(ServiceLink.Name);
        if (links.Find() is not { } index)
            return null;
        using var ipvs = IpvsConnection.TryOpen();
        if (ipvs is null)
            return null;
        var own = links.Addresses().Where(address => address.Link != index).Select(address => IpAddress.From(address.Address)).ToHashSet();
        return IpvsadmOrder.Sort(ipvs.Services().ConvertAll(service => Of(service, ipvs.Servers(service.Key), own)), IpvsadmOrder.Compare);
    }

    private static KernelVirtualServer Of(IpvsService service, List<IpvsServer> servers, HashSet<IpAddress> own)
    {
        var address = service.Key.Address();
        return new KernelVirtualServer(
            (Protocol)service.Key.Protocol, address, service.Key.Port, own.Contains(address), IpvsadmOrder.Sort(servers.ConvertAll(Of), (left, right) => IpvsadmOrder.Compare(left.Server, right.Server)))
        {
            Scheduler = service.Scheduler,
            PersistentSeconds = service.Flags.HasFlag(IpvsServiceFlags.Persistent) ? (int)service.Timeout : 0,
            Ipvs = service,
        };
    }

    private static KernelRealServer Of(IpvsServer server) => new(
        new RealServer(IpvsKeys.Address(server.Key.Family, server.Key.Address), server.Key.Port),
        server.Weight,
        server.Statistics.Connections,
        new Traffic(server.Statistics.InPackets, server.Statistics.OutPackets, server.Statistics.InBytes, server.Statistics.OutBytes),
        new OpenConnections((int)server.ActiveConnections, (int)server.InactiveConnections))
    {
        Ipvs = server,
    };
}
