using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Portolan.Linux.Sockets;

namespace Portolan.Bfd;

/// <summary>A socket per session: each keeps its own source port (RFC 5881 §4).</summary>
internal sealed class Senders(ILogger log) : IDisposable
{
    private readonly Dictionary<SessionName, Socket> _sockets = [];
    private readonly HashSet<SessionName> _failing = [];

    /// <returns>Whether the kernel took it.</returns>
    public bool Send(SessionName to, ReadOnlySpan<byte> packet)
    {
        try
        {
            if (!_sockets.TryGetValue(to, out var socket))
                _sockets[to] = socket = SingleHopSender.Connect(to.Local.ToIPAddress(), new IPEndPoint(to.Peer.ToIPAddress(), to.Place.Port), to.Link);
            socket.Send(packet, SocketFlags.None, out var error);
            // Refused means that a packet before this one found nobody there, which is what we are about to find out anyway.
            if (error is not (SocketError.Success or SocketError.ConnectionRefused))
                throw new SocketException((int)error);
            if (_failing.Count > 0)
                _failing.Remove(to);
            return error is SocketError.Success;
        }
        catch (SocketException failure)
        {
            if (_failing.Add(to))
                log.LogWarning("bfd: cannot send to {Peer}: {Failure}", to.Peer, failure.Message);
            Close(to);
            return false;
        }
    }

    public void Remove(SessionName name)
    {
        Close(name);
        _failing.Remove(name);
    }

    public void Dispose()
    {
        foreach (var socket in _sockets.Values)
            socket.Dispose();
    }

    private void Close(SessionName name)
    {
        if (_sockets.Remove(name, out var socket))
            socket.Dispose();
    }
}
