using System.Net;
using System.Net.Sockets;
using Portolan.Linux.Netlink;

namespace Portolan.Linux.Tests.Conntrack;

/// <summary>Writes tracked flows into the kernel without sending their packets.</summary>
internal sealed class TestFlows
{
    private const ushort New = 0x100, Original = 1, Reply = 2, Timeout = 7;
    private const int InDatagram = 200;
    private readonly NetlinkSocket _socket;
    private readonly NetlinkWriter _writer = new();
    private uint _sequence;
    private int _pending;

    internal TestFlows(NetlinkSocket socket) => _socket = socket;

    /// <summary>A flow from a client to where it was sent, answered by somebody.</summary>
    internal void Add(byte protocol, IPEndPoint client, IPEndPoint sentTo, IPEndPoint answering)
    {
        if (_pending == 0)
        {
            _writer.Reset();
            _sequence = _socket.NextSequence();
        }

        _writer.BeginMessage(New, NetlinkFlags.Request | NetlinkFlags.Ack | NetlinkFlags.Create | NetlinkFlags.Exclusive, _sequence);
        _writer.Reserve(4)[0] = client.AddressFamily is AddressFamily.InterNetworkV6 ? (byte)10 : (byte)2;
        Tuple(Original, protocol, client, sentTo);
        Tuple(Reply, protocol, answering, client);
        _writer.PutUInt32BigEndian(Timeout, 600);
        _writer.EndMessage();
        if (++_pending == InDatagram)
            Flush();
    }

    internal void Flush()
    {
        if (_pending == 0)
            return;
        _socket.Send(_writer.Written, "add flows");
        while (_pending > 0)
        {
            foreach (var message in _socket.Receive("add flows"))
            {
                NetlinkError.Read(message).ThrowIfFailed("add a flow");
                _pending--;
            }
        }
    }

    private void Tuple(ushort type, byte protocol, IPEndPoint source, IPEndPoint destination)
    {
        var isV6 = source.AddressFamily is AddressFamily.InterNetworkV6;
        var tuple = _writer.BeginNested(type);
        var ip = _writer.BeginNested(1);
        _writer.Put(isV6 ? (ushort)3 : (ushort)1, source.Address.GetAddressBytes());
        _writer.Put(isV6 ? (ushort)4 : (ushort)2, destination.Address.GetAddressBytes());
        _writer.EndNested(ip);
        var ports = _writer.BeginNested(2);
        _writer.PutByte(1, protocol);
        _writer.PutUInt16BigEndian(2, (ushort)source.Port);
        _writer.PutUInt16BigEndian(3, (ushort)destination.Port);
        _writer.EndNested(ports);
        _writer.EndNested(tuple);
    }
}
