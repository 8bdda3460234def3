namespace Portolan.Linux.Ipvs;

/// <summary>Commands and attributes of the generic netlink family IPVS (linux/ip_vs.h).</summary>
internal static class IpvsAttributes
{
    internal const byte Version = 1; // IPVS_GENL_VERSION

    internal const byte NewService = 1, SetService = 2, DeleteService = 3, GetService = 4; // IPVS_CMD_…
    internal const byte NewServer = 5, SetServer = 6, DeleteServer = 7, GetServer = 8;
    internal const byte SetConfig = 12, GetConfig = 13, GetInfo = 15;

    internal const ushort Service = 1, Server = 2, TcpTimeout = 4, TcpFinTimeout = 5, UdpTimeout = 6; // IPVS_CMD_ATTR_…

    /// <summary><c>IPVS_INFO_ATTR_…</c></summary>
    internal static class Info
    {
        internal const ushort Version = 1, TableSize = 2;
    }

    /// <summary><c>IPVS_SVC_ATTR_…</c></summary>
    internal static class OfService
    {
        internal const ushort Family = 1, Protocol = 2, Address = 3, Port = 4, Mark = 5, Scheduler = 6, Flags = 7, Timeout = 8, Netmask = 9, Statistics = 10, PersistenceEngine = 11, Statistics64 = 12;
    }

    /// <summary><c>IPVS_DEST_ATTR_…</c></summary>
    internal static class OfServer
    {
        internal const ushort Address = 1, Port = 2, Forwarding = 3, Weight = 4, UpperThreshold = 5, LowerThreshold = 6, Active = 7, Inactive = 8, Persistent = 9, Statistics = 10,
            Family = 11, Statistics64 = 12, TunnelType = 13, TunnelPort = 14, TunnelFlags = 15;
    }
}
