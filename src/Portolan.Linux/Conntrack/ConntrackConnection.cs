using System.Net.Sockets;
using Portolan.Linux.Netlink;

namespace Portolan.Linux.Conntrack;

/// <summary>Reads and deletes tracked flows in the network namespace of the thread that opened it. One thread at a time may use it.</summary>
public sealed class ConntrackConnection : IDisposable
{
    // Subsystem NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_….
    private const ushort Get = 0x101, Delete = 0x102;
    private const int HeaderSize = 4; // struct nfgenmsg
    private readonly NetlinkSocket _socket;
    private readonly NetlinkWriter _request = new();

    private ConntrackConnection(NetlinkSocket socket) => _socket = socket;

    /// <summary>Opens a connection in the network namespace of the calling thread.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public static ConntrackConnection Open() => new(NetlinkSocket.Open(NetlinkFamily.Netfilter));

    /// <summary>Shows every flow of a family. Flows that come and go meanwhile may be missed or seen twice.</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public void Each(AddressFamily family, ConntrackHandler onEntry)
    {
        Begin(Get, family);
        _request.EndMessage();
        _socket.TryDump(_request, "list tracked flows", message => onEntry(new ConntrackEntry(message)));
    }

    /// <summary>Deletes the flows that are chosen: their next packet starts anew, and is translated as the rules say then.</summary>
    /// <returns>How many were deleted.</returns>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public int DeleteWhere(AddressFamily family, ConntrackPredicate predicate)
    {
        var chosen = new List<byte[]>();
        Begin(Get, family);
        _request.EndMessage();
        _socket.TryDump(_request, "list tracked flows", message =>
        {
            if (predicate(new ConntrackEntry(message)) && message.Attributes(HeaderSize).TryFind(ConntrackEntry.OriginalTuple, out var tuple))
                chosen.Add(tuple.Value.ToArray());
        });
        var deleted = 0;
        foreach (var tuple in chosen)
        {
            Begin(Delete, family);
            var nested = _request.BeginNested(ConntrackEntry.OriginalTuple);
            tuple.CopyTo(_request.Reserve(tuple.Length));
            _request.EndNested(nested);
            _request.EndMessage();
            try
            {
                _socket.Execute(_request, "delete a tracked flow");
                deleted++;
            }
            catch (NetlinkException e) when (e.IsNotFound)
            {
                // It ended by itself in the meantime.
            }
        }

        return deleted;
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();

    private void Begin(ushort type, AddressFamily family)
    {
        _request.Reset();
        _request.BeginMessage(type, NetlinkFlags.None);
        _request.Reserve(HeaderSize)[0] = family is AddressFamily.InterNetworkV6 ? (byte)10 : (byte)2;
    }
}
