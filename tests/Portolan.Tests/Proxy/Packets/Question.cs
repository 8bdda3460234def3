using System.Net;
using System.Net.Sockets;
using System.Text;
using Portolan.Core.Addresses;
using Portolan.Core.Cluster;

namespace Portolan.Tests.Proxy.Packets;

/// <summary>What a client got: an answer from somebody who saw some source address, a refusal (ICMP port unreachable, or a reset), or nothing.</summary>
/// <param name="From">The responder's name.</param>
/// <param name="Port">The port it was asked at.</param>
/// <param name="Source">The address it saw.</param>
internal readonly record struct Answer(string From, int Port, IpAddress Source)
{
    internal static readonly Answer Refused = new("refused", 0, default);
    internal static readonly Answer Nothing = new("nothing", 0, default);

    internal static Answer Parse(ReadOnlySpan<byte> text) => Encoding.ASCII.GetString(text).Split(' ') is [var name, var port, var source]
        ? new Answer(name, int.Parse(port), IpAddress.From(IPAddress.Parse(source)))
        : throw new FormatException($"not an answer: '{Encoding.ASCII.GetString(text)}'");

    public override string ToString() => Port == 0 ? From : $"{From}:{Port} sees {Source}";
}

/// <summary>The first packet of a new connection or flow, in the network namespace of the thread that sends it, and what comes back.</summary>
internal sealed class Question : IDisposable
{
    private static int _sctpPorts;
    private readonly Socket _socket;
    private readonly Protocol _protocol;
    private readonly ushort _sctpPort = (ushort)(20000 + (Interlocked.Increment(ref _sctpPorts) % 40000));
    private readonly int _port;
    private bool _isRefused;

    /// <summary>Sends it.</summary>
    internal Question(Protocol protocol, IpAddress from, IpAddress to, int port)
    {
        _protocol = protocol;
        _port = port;
        var family = to.IsIPv4 ? AddressFamily.InterNetwork : AddressFamily.InterNetworkV6;
        _socket = protocol switch
        {
            Protocol.Tcp => new Socket(family, SocketType.Stream, ProtocolType.Tcp) { Blocking = false, LingerState = new LingerOption(true, 0) },
            Protocol.Udp => new Socket(family, SocketType.Dgram, ProtocolType.Udp),
            _ => SctpPacket.OpenSocket(family),
        };
        try
        {
            _socket.Bind(new IPEndPoint(from.ToIPAddress(), 0));
            _socket.Connect(new IPEndPoint(to.ToIPAddress(), protocol is Protocol.Sctp ? 0 : port));
            if (protocol is not Protocol.Tcp)
                _socket.Send(protocol is Protocol.Udp ? [1] : new SctpPacket(_sctpPort, (ushort)port, false, 1 + (uint)_sctpPort, "").ToBytes());
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress or SocketError.AccessDenied)
        {
            // TCP is on its way; or a rule dropped or refused what this host itself sends, and the rest is to be read.
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionRefused)
        {
            _isRefused = true;
        }
    }

    /// <summary>Waits for what comes back, in ms. It must come from the address and port that was asked: no socket takes another.</summary>
    internal Answer Read(int milliseconds)
    {
        if (_isRefused)
            return Answer.Refused;
        var buffer = new byte[500];
        try
        {
            if (_protocol is Protocol.Tcp)
            {
                if (_socket.Poll(milliseconds * 1000, SelectMode.SelectRead))
                    return Answer.Parse(buffer.AsSpan(0, _socket.Receive(buffer)));
                // An error that came while connecting ends the wait, but is not something to read.
                var error = (SocketError)(int)_socket.GetSocketOption(SocketOptionLevel.Socket, SocketOptionName.Error)!;
                return error is SocketError.ConnectionRefused ? Answer.Refused : Answer.Nothing;
            }

            _socket.ReceiveTimeout = milliseconds;
            while (true)
            {
                var received = buffer.AsSpan(0, _socket.Receive(buffer));
                if (_protocol is Protocol.Udp)
                    return Answer.Parse(received);
                if (SctpPacket.Read(Responders.Payload(received, _socket.AddressFamily)) is { IsAnswer: true } packet && packet.SourcePort == _port && packet.DestinationPort == _sctpPort)
                    return Answer.Parse(Encoding.ASCII.GetBytes(packet.Text));
            }
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.ConnectionRefused)
        {
            return Answer.Refused;
        }
        catch (SocketException e) when (e.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
        {
            return Answer.Nothing;
        }
    }

    /// <summary>Asks again on the same connection or flow; not over SCTP.</summary>
    internal Answer Again(int milliseconds = 3000)
    {
        _socket.Send([1]);
        return Read(milliseconds);
    }

    public void Dispose() => _socket.Dispose();
}
