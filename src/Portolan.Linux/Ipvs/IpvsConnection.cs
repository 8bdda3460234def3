using Portolan.Linux.Netlink;

namespace Portolan.Linux.Ipvs;

/// <summary>How long IPVS remembers connections, in seconds (0 to 2^31 / HZ); as <c>ipvsadm --set</c> a 0 leaves what there is.</summary>
/// <param name="Tcp">Established TCP.</param>
/// <param name="TcpFin">TCP that has ended.</param>
/// <param name="Udp">UDP.</param>
public readonly record struct IpvsTimeouts(uint Tcp, uint TcpFin, uint Udp);

/// <summary>Virtual servers of IPVS (linux/ip_vs.h) in the network namespace of the thread that opened it. One thread at a time may use it.</summary>
public sealed class IpvsConnection : IDisposable
{
    private const ushort Control = 16, ControlFamilyId = 1, ControlFamilyName = 2; // GENL_ID_CTRL, CTRL_ATTR_…
    private const byte GetFamily = 3; // CTRL_CMD_GETFAMILY
    private const int HeaderSize = 4; // struct genlmsghdr
    private const int RequestsAtOnce = 256; // their answers have to fit the receive buffer
    private readonly NetlinkSocket _socket;
    private readonly NetlinkWriter _request = new();
    private readonly ushort _family;

    private IpvsConnection(NetlinkSocket socket) => (_socket, _family) = (socket, FamilyId(socket));

    /// <summary>The requests sent so far, dumps among them.</summary>
    public long Requests { get; private set; }

    /// <summary>Opens a connection where IPVS is in use.</summary>
    /// <returns>Null where the kernel has no IPVS, or not loaded it.</returns>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public static IpvsConnection? TryOpen() => File.Exists(IpvsProcFile.Path) ? TryLoad() : null;

    /// <summary>Opens a connection. A kernel that has IPVS as a module loads it when it is asked for the family.</summary>
    /// <returns>Null where there is no IPVS.</returns>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public static IpvsConnection? TryLoad()
    {
        var socket = NetlinkSocket.Open(NetlinkFamily.Generic);
        try
        {
            return new IpvsConnection(socket);
        }
        catch (NetlinkException refusal) when (refusal.IsNotFound)
        {
            socket.Dispose();
            return null;
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

    /// <summary>The version (<c>IP_VS_VERSION_CODE</c>) and the number of buckets of the table of connections.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public (Version Version, int TableSize) Information()
    {
        uint version = 0, size = 0;
        Begin(IpvsAttributes.GetInfo);
        _request.EndMessage();
        _socket.Execute(_request, "ask IPVS for its version", message =>
        {
            foreach (var attribute in message.Attributes(HeaderSize))
            {
                if (attribute.Type == IpvsAttributes.Info.Version)
                    version = attribute.AsUInt32;
                else if (attribute.Type == IpvsAttributes.Info.TableSize)
                    size = attribute.AsUInt32;
            }
        });
        return (new Version((int)(version >> 16 & 0xff), (int)(version >> 8 & 0xff), (int)(version & 0xff)), (int)size);
    }

    /// <summary>Every virtual server.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public List<IpvsService> Services()
    {
        Begin(IpvsAttributes.GetService);
        _request.EndMessage();
        return _socket.Dump<IpvsService>(_request, "list virtual servers of IPVS", IpvsMessages.TryReadService);
    }

    /// <summary>The real servers of a virtual server; none where there is no such virtual server.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public List<IpvsServer> Servers(IpvsServiceKey service)
    {
        Begin(IpvsAttributes.GetServer);
        _request.EndNested(IpvsBatch.BeginService(_request, service));
        _request.EndMessage();
        return _socket.Dump(_request, "list real servers of IPVS", (NetlinkMessage message, out IpvsServer server) => IpvsMessages.TryReadServer(message, service.Family, out server));
    }

    /// <summary>Makes the changes, in order.</summary>
    /// <returns>Those that the kernel refused; none of the others is any the worse for it.</returns>
    /// <exception cref="NetlinkException">Nothing more is known of some of them.</exception>
    public List<IpvsRefusal> Apply(IpvsBatch batch)
    {
        var refusals = new List<IpvsRefusal>();
        Requests += batch.Count;
        for (var from = 0; from < batch.Count; from += RequestsAtOnce)
        {
            var first = from;
            var to = Math.Min(batch.Count, from + RequestsAtOnce);
            _socket.ExecuteEach(batch.Requests, batch.Changes[from].Offset, to < batch.Count ? batch.Changes[to].Offset : batch.Requests.Length, "change virtual servers of IPVS", (index, errno) =>
                refusals.Add(batch.Changes[first + index].Refused(errno)));
        }

        return refusals;
    }

    /// <summary>A batch for <see cref="Apply"/>.</summary>
    public IpvsBatch NewBatch() => new() { Family = _family };

    /// <summary>How long connections are remembered.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public IpvsTimeouts Timeouts()
    {
        uint tcp = 0, fin = 0, udp = 0;
        Begin(IpvsAttributes.GetConfig);
        _request.EndMessage();
        _socket.Execute(_request, "ask IPVS for its timeouts", message =>
        {
            foreach (var attribute in message.Attributes(HeaderSize))
            {
                switch (attribute.Type)
                {
                    case IpvsAttributes.TcpTimeout: tcp = attribute.AsUInt32; break;
                    case IpvsAttributes.TcpFinTimeout: fin = attribute.AsUInt32; break;
                    case IpvsAttributes.UdpTimeout: udp = attribute.AsUInt32; break;
                }
            }
        });
        return new IpvsTimeouts(tcp, fin, udp);
    }

    /// <summary>Sets how long connections are remembered.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public void Set(IpvsTimeouts timeouts)
    {
        Begin(IpvsAttributes.SetConfig);
        _request.PutUInt32(IpvsAttributes.TcpTimeout, timeouts.Tcp);
        _request.PutUInt32(IpvsAttributes.TcpFinTimeout, timeouts.TcpFin);
        _request.PutUInt32(IpvsAttributes.UdpTimeout, timeouts.Udp);
        _request.EndMessage();
        _socket.Execute(_request, "set the timeouts of IPVS");
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private void Begin(byte command)
    {
        Requests++;
        _request.Reset();
        IpvsBatch.Begin(_request, _family, command);
    }
}
