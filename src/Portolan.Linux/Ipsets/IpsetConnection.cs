using Portolan.Linux.Netlink;

namespace Portolan.Linux.Ipsets;

/// <summary>Lists and destroys ipsets in the network namespace of the thread that opened it. One thread at a time may use it.</summary>
public sealed class IpsetConnection : IDisposable
{
    // Subsystem NFNL_SUBSYS_IPSET, IPSET_CMD_…; IPSET_ATTR_… (linux/netfilter/ipset/ip_set.h).
    private const ushort Destroy = 0x603, List = 0x607;
    private const ushort ProtocolVersion = 1, SetName = 2, Flags = 6;
    private const byte OldestProtocol = 6; // every kernel's; 7 adds nothing needed here
    private const uint NamesOnly = 1 << 1; // IPSET_FLAG_LIST_SETNAME
    private const int HeaderSize = 4; // struct nfgenmsg
    private const string Module = "/sys/module/ip_set";
    private readonly NetlinkSocket _socket;
    private readonly NetlinkWriter _request = new();

    private IpsetConnection(NetlinkSocket socket) => _socket = socket;

    /// <summary>Opens a connection.</summary>
    /// <returns>Null where the kernel has no ipsets, or not loaded what makes them: asking would load it.</returns>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public static IpsetConnection? TryOpen() => Directory.Exists(Module) ? new(NetlinkSocket.Open(NetlinkFamily.Netfilter)) : null;

    /// <summary>The names of all sets.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public List<string> Names()
    {
        Begin(List);
        _request.PutUInt32BigEndian(Flags, NamesOnly);
        _request.EndMessage();
        return _socket.Dump(_request, "list ipsets", (NetlinkMessage message, out string name) =>
        {
            name = message.Attributes(HeaderSize).TryFind(SetName, out var attribute) ? attribute.AsString : "";
            return name.Length > 0;
        });
    }

    /// <summary>Destroys a set with everything in it.</summary>
    /// <exception cref="NetlinkException">The kernel refused: 4103 (IPSET_ERR_BUSY) where a rule uses it.</exception>
    public void DestroySet(string name)
    {
        Begin(Destroy);
        _request.PutString(SetName, name);
        _request.EndMessage();
        _socket.Execute(_request, $"destroy ipset {name}");
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private void Begin(ushort type)
    {
        _request.Reset();
        _request.BeginMessage(type, NetlinkFlags.None);
        _request.Reserve(HeaderSize)[0] = 2;
        _request.PutByte(ProtocolVersion, OldestProtocol);
    }
}
