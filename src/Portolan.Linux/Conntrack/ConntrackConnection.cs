using System.Net.Sockets;
using Portolan.Linux.Netlink;

namespace Portolan.Linux.Conntrack;

/// <summary>Reads and deletes tracked flows in the network namespace of the thread that opened it. One thread at a time may use it.</summary>
public sealed class ConntrackConnection : IDisposable
{
    // Subsystem NFNL_SUBSYS_CTNETLINK, IPCTNL_MSG_CT_….
    private const ushort Get = 0x101, Delete = 0x102;
    private const int HeaderSize = 4; // struct nfgenmsg
    private const ushort NestedFlag = 0x8000;
    private const int DumpAttempts = 5, DeletionsInDatagram = 256;
    private readonly NetlinkSocket _socket;
    private readonly NetlinkWriter _request = new();
    private readonly NetlinkWriter _deletions = new();
    private readonly List<int> _ends = [];

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
    /// <param name="family">The family.</param>
    /// <param name="filter">Spares the kernel from showing flows that cannot be meant; null shows all.</param>
    /// <param name="predicate">Chooses. What does not pass the filter may be shown to it all the same.</param>
    /// <returns>How many were deleted.</returns>
    /// <exception cref="NetlinkException">The kernel refused. Some may have been deleted.</exception>
    public int DeleteWhere(AddressFamily family, ConntrackFilter? filter, ConntrackPredicate predicate)
    {
        for (var attempt = 1; ; attempt++)
        {
            try
            {
                if (ListDeletions(family, filter, predicate) || attempt == DumpAttempts)
                    return SendDeletions();
            }
            catch (NetlinkException e) when (filter is not null && e.Errno is Errors.InvalidArgument or Errors.NotSupported)
            {
                filter = null; // a kernel that knows the filter, but not all of it
            }
            catch (NetlinkException e) when (e.IsOverrun && attempt < DumpAttempts)
            {
                // Answers were lost: what was chosen is not all there is.
            }
        }
    }

    /// <returns>False where the kernel says that it did not show everything.</returns>
    private bool ListDeletions(AddressFamily family, ConntrackFilter? filter, ConntrackPredicate predicate)
    {
        _deletions.Reset();
        _ends.Clear();
        Begin(Get, family);
        filter?.Write(_request);
        _request.EndMessage();
        return _socket.TryDump(_request, "list tracked flows", message =>
        {
            if (!predicate(new ConntrackEntry(message)))
                return;
            _deletions.BeginMessage(Delete, NetlinkFlags.Request | NetlinkFlags.Ack);
            message.Payload[..HeaderSize].CopyTo(_deletions.Reserve(HeaderSize));
            foreach (var attribute in message.Attributes(HeaderSize))
            {
                // The id too, so that a flow which took the place of this one meanwhile is left alone.
                if (attribute.Type is ConntrackEntry.OriginalTuple or ConntrackEntry.Id or ConntrackEntry.Zone)
                    _deletions.Put(attribute.Type is ConntrackEntry.OriginalTuple ? (ushort)(attribute.Type | NestedFlag) : attribute.Type, attribute.Value);
            }

            _deletions.EndMessage();
            _ends.Add(_deletions.Length);
        });
    }

    // Many in a datagram, or the way into the kernel and back costs more than the deleting.
    private int SendDeletions()
    {
        const string operation = "delete tracked flows";
        var deleted = 0;
        NetlinkError failure = default;
        for (int first = 0, start = 0; first < _ends.Count; first += DeletionsInDatagram)
        {
            var count = Math.Min(DeletionsInDatagram, _ends.Count - first);
            var end = _ends[first + count - 1];
            var sequence = _socket.NextSequence();
            _deletions.SetSequences(sequence, start, end);
            _socket.Send(_deletions.Written[start..end], operation);
            for (var answered = 0; answered < count;)
            {
                foreach (var message in _socket.Receive(operation))
                {
                    if (message.Type != NetlinkTypes.Error || message.Sequence != sequence || message.PortId != _socket.PortId)
                        continue;
                    answered++;
                    var answer = NetlinkError.Read(message);
                    if (answer.Errno == 0)
                        deleted++;
                    else if (answer.Errno != Errors.NotFound) // it may have ended by itself in the meantime
                        failure = answer;
                }
            }

            start = end;
        }

        failure.ThrowIfFailed(operation);
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
