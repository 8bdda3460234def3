using Portolan.Linux.Netlink;

namespace Portolan.Linux.Ipvs;

/// <summary>What identifies a virtual server of IPVS.</summary>
/// <param name="Family">AF_INET 2, AF_INET6 10.</param>
/// <param name="Protocol">The layer-4 protocol; 0 where a firewall mark identifies it.</param>
/// <param name="Address">4 or 16 bytes in network order.</param>
/// <param name="Port">The port.</param>
/// <param name="FirewallMark">0 where protocol, address and port identify it.</param>
public sealed record IpvsService(ushort Family, ushort Protocol, byte[] Address, ushort Port, uint FirewallMark);

/// <summary>Lists and deletes virtual servers of IPVS (linux/ip_vs.h) in the network namespace of the thread that opened it. One thread at a time may use it.</summary>
public sealed class IpvsConnection : IDisposable
{
    private const ushort Control = 16, ControlFamilyId = 1, ControlFamilyName = 2; // GENL_ID_CTRL, CTRL_ATTR_…
    private const byte GetFamily = 3, DeleteService = 3, GetService = 4; // CTRL_CMD_GETFAMILY; IPVS_CMD_…
    private const ushort Service = 1; // IPVS_CMD_ATTR_SERVICE
    private const ushort AddressFamily = 1, Protocol = 2, Address = 3, Port = 4, Mark = 5; // IPVS_SVC_ATTR_…
    private const int HeaderSize = 4, AddressSize = 16; // struct genlmsghdr; union nf_inet_addr
    private const string ProcFile = "/proc/thread-self/net/ip_vs";
    private readonly NetlinkSocket _socket;
    private readonly NetlinkWriter _request = new();
    private readonly ushort _family;

    private IpvsConnection(NetlinkSocket socket) => (_socket, _family) = (socket, FamilyId(socket));

    /// <summary>Opens a connection.</summary>
    /// <returns>Null where the kernel has no IPVS, or not loaded it.</returns>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public static IpvsConnection? TryOpen()
    {
        if (!File.Exists(ProcFile))
            return null;
        var socket = NetlinkSocket.Open(NetlinkFamily.Generic);
        try
        {
            return new IpvsConnection(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    private static ushort FamilyId(NetlinkSocket socket)
    {
        var request = new NetlinkWriter();
        request.BeginMessage(Control, NetlinkFlags.None);
        request.Reserve(HeaderSize)[0] = GetFamily;
        request.PutString(ControlFamilyName, "IPVS");
        request.EndMessage();
        ushort id = 0;
        socket.Execute(request, "look for IPVS", message =>
        {
            if (message.Attributes(HeaderSize).TryFind(ControlFamilyId, out var attribute))
                id = attribute.AsUInt16;
        });
        return id;
    }

    /// <summary>Every virtual server.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public List<IpvsService> Services()
    {
        Begin(GetService);
        _request.EndMessage();
        return _socket.Dump(_request, "list virtual servers of IPVS", (NetlinkMessage message, out IpvsService service) =>
        {
            ushort family = 0, protocol = 0, port = 0;
            uint mark = 0;
            ReadOnlySpan<byte> address = default;
            if (message.Attributes(HeaderSize).TryFind(Service, out var attributes))
            {
                foreach (var attribute in attributes.Nested)
                {
                    switch (attribute.Type)
                    {
                        case AddressFamily: family = attribute.AsUInt16; break;
                        case Protocol: protocol = attribute.AsUInt16; break;
                        case Address: address = attribute.Value; break;
                        case Port: port = attribute.AsUInt16BigEndian; break;
                        case Mark: mark = attribute.AsUInt32; break;
                    }
                }
            }

            var length = family == 10 ? 16 : 4;
            service = new IpvsService(family, protocol, address.Length >= length ? address[..length].ToArray() : new byte[length], port, mark);
            return family is 2 or 10;
        });
    }

    /// <summary>Deletes a virtual server with its real servers.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public void Delete(IpvsService service)
    {
        Begin(DeleteService);
        var nested = _request.BeginNested(Service);
        _request.PutUInt16(AddressFamily, service.Family);
        if (service.FirewallMark != 0)
        {
            _request.PutUInt32(Mark, service.FirewallMark);
        }
        else
        {
            _request.PutUInt16(Protocol, service.Protocol);
            service.Address.CopyTo(_request.Attribute(Address, AddressSize));
            _request.PutUInt16BigEndian(Port, service.Port);
        }

        _request.EndNested(nested);
        _request.EndMessage();
        _socket.Execute(_request, "delete a virtual server of IPVS");
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private void Begin(byte command)
    {
        _request.Reset();
        _request.BeginMessage(_family, NetlinkFlags.None);
        var header = _request.Reserve(HeaderSize);
        header[0] = command;
        header[1] = 1; // IPVS_GENL_VERSION
    }
}
