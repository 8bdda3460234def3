using System.Buffers.Binary;
using System.Net.Sockets;
using Portolan.Linux.Netlink;

namespace Portolan.Linux.Ipvs;

/// <summary>Changes of virtual and real servers, in order. Unlike a transaction of nftables each succeeds or fails by itself.</summary>
public sealed class IpvsBatch
{
    private const int HeaderSize = 4;   // struct genlmsghdr
    private const int AddressSize = 16; // union nf_inet_addr
    private const uint AllFlags = uint.MaxValue;
    private readonly List<Change> _changes = [];

    /// <summary>The number of changes: one request each.</summary>
    public int Count => _changes.Count;

    internal NetlinkWriter Requests { get; } = new();

    internal IReadOnlyList<Change> Changes => _changes;

    /// <summary>The resolved family's number; every request begins with it.</summary>
    internal ushort Family { get; set; }

    /// <summary>Forgets the changes.</summary>
    public void Clear()
    {
        _changes.Clear();
        Requests.Reset();
    }

    /// <summary>A new virtual server, without real servers.</summary>
    public void Add(IpvsService service) => Write(IpvsAttributes.NewService, service);

    /// <summary>Another scheduler, other flags or another time for a virtual server.</summary>
    public void Set(IpvsService service) => Write(IpvsAttributes.SetService, service);

    /// <summary>No such virtual server any more, and none of its real servers.</summary>
    public void Delete(in IpvsServiceKey service)
    {
        Begin(IpvsAttributes.DeleteService, service);
        Requests.EndNested(BeginService(service));
        Requests.EndMessage();
    }

    /// <summary>A new real server of a virtual server.</summary>
    public void Add(in IpvsServiceKey service, IpvsServer server) => Write(IpvsAttributes.NewServer, service, server);

    /// <summary>Another weight, other limits or another way for a real server.</summary>
    public void Set(in IpvsServiceKey service, IpvsServer server) => Write(IpvsAttributes.SetServer, service, server);

    /// <summary>No such real server any more.</summary>
    public void Delete(in IpvsServiceKey service, in IpvsServerKey server)
    {
        Begin(IpvsAttributes.DeleteServer, service, server);
        Requests.EndNested(BeginService(service));
        Requests.EndNested(BeginServer(server));
        Requests.EndMessage();
    }

    private void Write(byte command, IpvsService service)
    {
        Begin(command, service.Key, scheduler: service.Scheduler);
        var nested = BeginService(service.Key);
        Requests.PutString(IpvsAttributes.OfService.Scheduler, service.Scheduler);
        var flags = Requests.Attribute(IpvsAttributes.OfService.Flags, 8); // struct ip_vs_flags
        BitConverter.TryWriteBytes(flags, (uint)service.Flags);
        BitConverter.TryWriteBytes(flags[4..], AllFlags);
        Requests.PutUInt32(IpvsAttributes.OfService.Timeout, service.Timeout);
        if (service.Key.Family is AddressFamily.InterNetworkV6)
            Requests.PutUInt32(IpvsAttributes.OfService.Netmask, service.PrefixLength);
        else
            Requests.PutUInt32BigEndian(IpvsAttributes.OfService.Netmask, service.PrefixLength == 0 ? 0 : uint.MaxValue << (32 - service.PrefixLength));
        if (service.PersistenceEngine.Length > 0)
            Requests.PutString(IpvsAttributes.OfService.PersistenceEngine, service.PersistenceEngine);
        Requests.EndNested(nested);
        Requests.EndMessage();
    }

    private void Write(byte command, in IpvsServiceKey service, IpvsServer server)
    {
        Begin(command, service, server.Key);
        Requests.EndNested(BeginService(service));
        var nested = BeginServer(server.Key);
        Requests.PutUInt32(IpvsAttributes.OfServer.Forwarding, (uint)server.Forwarding);
        Requests.PutUInt32(IpvsAttributes.OfServer.Weight, (uint)server.Weight);
        Requests.PutUInt32(IpvsAttributes.OfServer.UpperThreshold, server.UpperThreshold);
        Requests.PutUInt32(IpvsAttributes.OfServer.LowerThreshold, server.LowerThreshold);
        if (server.TunnelType != 0)
        {
            Requests.PutByte(IpvsAttributes.OfServer.TunnelType, server.TunnelType);
            Requests.PutUInt16BigEndian(IpvsAttributes.OfServer.TunnelPort, server.TunnelPort);
            Requests.PutUInt16(IpvsAttributes.OfServer.TunnelFlags, server.TunnelFlags);
        }

        Requests.EndNested(nested);
        Requests.EndMessage();
    }

    private void Begin(byte command, in IpvsServiceKey service, IpvsServerKey? server = null, string scheduler = "")
    {
        _changes.Add(new Change(command, service, server, scheduler, Requests.Length));
        Begin(Requests, Family, command);
    }

    internal static void Begin(NetlinkWriter request, ushort family, byte command)
    {
        request.BeginMessage(family, NetlinkFlags.None);
        var header = request.Reserve(HeaderSize);
        (header[0], header[1]) = (command, IpvsAttributes.Version);
    }

    private int BeginService(in IpvsServiceKey service) => BeginService(Requests, service);

    internal static int BeginService(NetlinkWriter request, in IpvsServiceKey service)
    {
        var nested = request.BeginNested(IpvsAttributes.Service);
        request.PutUInt16(IpvsAttributes.OfService.Family, Number(service.Family));
        if (service.FirewallMark != 0)
        {
            request.PutUInt32(IpvsAttributes.OfService.Mark, service.FirewallMark);
            return nested;
        }

        request.PutUInt16(IpvsAttributes.OfService.Protocol, service.Protocol);
        WriteAddress(request.Attribute(IpvsAttributes.OfService.Address, AddressSize), service.Family, service.Address);
        request.PutUInt16BigEndian(IpvsAttributes.OfService.Port, service.Port);
        return nested;
    }

    private int BeginServer(in IpvsServerKey server)
    {
        var nested = Requests.BeginNested(IpvsAttributes.Server);
        WriteAddress(Requests.Attribute(IpvsAttributes.OfServer.Address, AddressSize), server.Family, server.Address);
        Requests.PutUInt16BigEndian(IpvsAttributes.OfServer.Port, server.Port);
        Requests.PutUInt16(IpvsAttributes.OfServer.Family, Number(server.Family));
        return nested;
    }

    // The value of AF_INET6 is the system's, not the framework's.
    private static ushort Number(AddressFamily family) => family is AddressFamily.InterNetworkV6 ? (ushort)10 : (ushort)2;

    private static void WriteAddress(Span<byte> union, AddressFamily family, UInt128 address)
    {
        if (family is AddressFamily.InterNetworkV6)
            BinaryPrimitives.WriteUInt128BigEndian(union, address);
        else
            BinaryPrimitives.WriteUInt32BigEndian(union, (uint)address);
    }

    /// <summary>One change, and where its request begins.</summary>
    internal readonly record struct Change(byte Command, IpvsServiceKey Service, IpvsServerKey? Server, string Scheduler, int Offset)
    {
        internal IpvsRefusal Refused(int errno) => new(ToString(), errno, Command is IpvsAttributes.DeleteService or IpvsAttributes.DeleteServer, Scheduler);

        /// <summary>What the change is, for the words of an error.</summary>
        public override string ToString()
        {
            var verb = Command switch
            {
                IpvsAttributes.NewService or IpvsAttributes.NewServer => "add",
                IpvsAttributes.DeleteService or IpvsAttributes.DeleteServer => "delete",
                _ => "change",
            };
            return Server is { } server ? $"{verb} real server {server} of virtual server {Service}" : $"{verb} virtual server {Service}";
        }
    }
}

/// <summary>A change that the kernel refused.</summary>
/// <param name="Operation">Which.</param>
/// <param name="Errno">Why.</param>
/// <param name="IsDeletion">Something was to be deleted.</param>
/// <param name="Scheduler">The scheduler it asked for; empty for none.</param>
public readonly record struct IpvsRefusal(string Operation, int Errno, bool IsDeletion, string Scheduler);
