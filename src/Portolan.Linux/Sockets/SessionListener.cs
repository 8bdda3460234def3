using System.Diagnostics.CodeAnalysis;
using System.Net;
using System.Net.Sockets;

namespace Portolan.Linux.Sockets;

/// <summary>A TCP port on which neighbours connect, for a thread that waits with <see cref="DeadlineWait"/>.</summary>
public sealed class SessionListener : IDisposable
{
    private const int Backlog = 128;
    private readonly HashSet<TcpMd5Key> _keys = [];

    private SessionListener(Socket socket) => Socket = socket;

    /// <summary>For <see cref="DeadlineWait"/>.</summary>
    public Socket Socket { get; }

    /// <summary>The address family.</summary>
    public AddressFamily Family => Socket.AddressFamily;

    /// <summary>Listens; an IPv6 listener hears IPv6 alone.</summary>
    /// <param name="local">Where.</param>
    /// <param name="link">The VRF to listen in; empty: the default one.</param>
    /// <exception cref="SocketException">The port is taken, the address not this host's, or there is no such interface.</exception>
    public static SessionListener Open(IPEndPoint local, string link = "")
    {
        var socket = new Socket(local.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
        try
        {
            socket.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
            if (local.AddressFamily is AddressFamily.InterNetworkV6)
                socket.DualMode = false;
            BoundLink.Bind(socket, link);

            // A neighbour that drops what comes from afar (RFC 5082) must not drop the answer to its first packet.
            socket.Ttl = byte.MaxValue;
            SavedSyn.Save(socket);
            socket.Bind(local);
            socket.Listen(Backlog);
            return new SessionListener(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>Makes these the keys of the neighbours that have one; of others' keys the kernel is told to forget.</summary>
    /// <param name="keys">Of either family: those of the other are left out.</param>
    /// <param name="refused">Sees each key that the kernel did not take: such a neighbour cannot connect unsigned, either, because it sends signatures.</param>
    public void SetKeys(IReadOnlyCollection<TcpMd5Key> keys, Action<TcpMd5Key, SocketException> refused)
    {
        var wanted = keys.Where(key => key.Peer.AddressFamily == Family).ToHashSet();
        foreach (var key in _keys.Except(wanted).ToList())
        {
            // Of several keys for one place the kernel has the last: where others are left, they are to be told to it again.
            _keys.RemoveWhere(other => IsSamePlace(other, key));
            if (!wanted.Any(other => IsSamePlace(other, key)))
                Try(key, () => key.Remove(Socket), refused);
        }

        foreach (var key in wanted.Except(_keys).ToList())
            if (Try(key, () => key.Set(Socket), refused))
                _keys.Add(key);
    }

    /// <summary>Takes the next connection, if there is one.</summary>
    /// <param name="connection">A bare connection: to be made a <see cref="SessionSocket"/> of by <see cref="Adopt"/>, or disposed.</param>
    /// <param name="remote">Who connects.</param>
    public bool TryAccept([NotNullWhen(true)] out Socket? connection, [NotNullWhen(true)] out IPEndPoint? remote)
    {
        (connection, remote) = (null, null);
        try
        {
            connection = Socket.Accept();
            remote = (IPEndPoint)connection.RemoteEndPoint!;
            return true;
        }
        catch (SocketException)
        {
            // Nobody, or one who was gone again before he was accepted.
            connection?.Dispose();
            connection = null;
            return false;
        }
    }

    /// <summary>Makes a session's connection of an accepted one.</summary>
    /// <param name="connection">The connection, disposed when that fails.</param>
    /// <param name="options">What to ask of the kernel.</param>
    /// <exception cref="SocketException">An option was refused, or the neighbour is gone again.</exception>
    public static SessionSocket Adopt(Socket connection, SessionSocketOptions options)
    {
        try
        {
            return SessionSocket.Adopt(connection, options);
        }
        catch
        {
            connection.Dispose();
            throw;
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Socket.Dispose();

    private static bool IsSamePlace(TcpMd5Key one, TcpMd5Key other) => one.Peer.Equals(other.Peer) && one.PrefixLength == other.PrefixLength;

    private static bool Try(TcpMd5Key key, Action change, Action<TcpMd5Key, SocketException> refused)
    {
        try
        {
            change();
            return true;
        }
        catch (SocketException e)
        {
            refused(key, e);
            return false;
        }
    }
}
