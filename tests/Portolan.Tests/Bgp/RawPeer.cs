using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;
using Portolan.Protocols.Bgp.Wire;
using Portolan.Tests.Proxy;

namespace Portolan.Tests.Bgp;

/// <summary>A neighbour that sends whatever the test wants.</summary>
internal sealed class RawPeer : IDisposable
{
    private readonly Socket _socket;
    private readonly List<byte> _heard = [];
    private readonly byte[] _buffer = new byte[65536];
    private bool _isDisposed;

    private RawPeer(Socket socket) => _socket = socket;

    /// <summary>Connects to us.</summary>
    public RawPeer(NetworkNamespace where, string from, string to = BgpWire.Ours, int receiveBuffer = 0) => _socket = where.Inside(() =>
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true, ReceiveTimeout = 60_000, SendTimeout = 60_000 };
        if (receiveBuffer > 0)
            socket.ReceiveBufferSize = receiveBuffer;
        socket.Bind(new IPEndPoint(IPAddress.Parse(from), 0));
        socket.Connect(new IPEndPoint(IPAddress.Parse(to), 179));
        return socket;
    });

    /// <summary>Waits for us to connect, on a port of its own.</summary>
    public static Func<RawPeer> Listen(NetworkNamespace where, string at, ushort port)
    {
        var listener = where.Inside(() =>
        {
            var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 60_000 };
            socket.Bind(new IPEndPoint(IPAddress.Parse(at), port));
            socket.Listen();
            return socket;
        });
        return () =>
        {
            var socket = listener.Accept();
            (socket.NoDelay, socket.ReceiveTimeout, socket.SendTimeout) = (true, 60_000, 60_000);
            return new RawPeer(socket);
        };
    }

    /// <summary>A header, of whatever type and length.</summary>
    public static byte[] Header(int length, byte type)
    {
        var header = new byte[BgpFraming.HeaderSize];
        header.AsSpan(0, 16).Fill(0xff);
        BinaryPrimitives.WriteUInt16BigEndian(header.AsSpan(16), (ushort)length);
        header[18] = type;
        return header;
    }

    public static byte[] Keepalive => Header(19, 4);

    /// <summary>An UPDATE that says nothing.</summary>
    public static byte[] Nothing => [.. Header(23, 2), 0, 0, 0, 0];

    /// <summary>Asks for all IPv4 routes.</summary>
    public static byte[] Refresh => [.. Header(23, 5), 0, 1, 0, 1];

    /// <summary>An OPEN that we accept.</summary>
    public static byte[] Open(uint asn = BgpWire.TheirAsn, ushort holdTime = 90)
    {
        var bytes = new byte[OpenMessage.MaxSize];
        var open = new OpenMessage(asn, holdTime, 0xc0a86465, new Capabilities { Families = BgpFamilies.IPv4Unicast, FourOctetAsn = asn, RouteRefresh = true, EnhancedRouteRefresh = true });
        return bytes[..open.WriteTo(bytes)];
    }

    /// <summary>Sends; what the other side does not want any more is lost.</summary>
    /// <returns>Whether it was taken.</returns>
    public bool Send(params ReadOnlySpan<byte> bytes)
    {
        try
        {
            _socket.Send(bytes);
            return true;
        }
        catch (SocketException)
        {
            return false;
        }
    }

    /// <summary>Sends as much as is taken at once.</summary>
    /// <returns>Bytes.</returns>
    public int SendNow(ReadOnlySpan<byte> bytes)
    {
        _socket.Blocking = false;
        try
        {
            return _socket.Send(bytes);
        }
        catch (SocketException)
        {
            return 0;
        }
        finally
        {
            _socket.Blocking = true;
        }
    }

    /// <summary>Exchanges OPENs and KEEPALIVEs.</summary>
    /// <returns>Our OPEN.</returns>
    public byte[] Establish()
    {
        Send(Open());
        var open = Next()!;
        Assert.Equal(1, open[18]);
        Assert.Equal(4, Next()![18]);
        Send(Keepalive);
        return open;
    }

    /// <summary>The next message, or null at the end of the connection.</summary>
    public byte[]? Next()
    {
        while (_heard.Count < BgpFraming.HeaderSize || _heard.Count < Length)
        {
            var count = 0;
            try
            {
                count = _socket.Receive(_buffer);
            }
            catch (SocketException)
            {
                // Reset, or nothing comes.
            }

            if (count == 0)
                return null;
            _heard.AddRange(_buffer.AsSpan(0, count));
        }

        var message = _heard[..Length].ToArray();
        _heard.RemoveRange(0, Length);
        return message;
    }

    /// <summary>Reads so many messages, and keeps a set of IPv4 prefixes as they say.</summary>
    /// <returns>False when none comes any more.</returns>
    public bool Follow(HashSet<string> told, int messages)
    {
        for (var i = 0; i < messages; i++)
        {
            if (Next() is not { } message)
                return false;
            if (message[18] != 2 || !UpdateMessage.TryParse(message, out var update, out _))
                continue;
            foreach (var (prefix, isAnnounced) in update.Prefixes)
                if (isAnnounced)
                    told.Add(prefix.ToString());
                else
                    told.Remove(prefix.ToString());
        }

        return true;
    }

    /// <summary>The code and subcode of the next NOTIFICATION; null: the connection ended without one.</summary>
    public (byte Code, byte Subcode)? Verdict()
    {
        while (Next() is { } message)
            if (message[18] == 3)
                return (message[19], message[20]);
        return null;
    }

    public void Dispose()
    {
        if (_isDisposed)
            return;
        _isDisposed = true;
        _socket.LingerState = new LingerOption(true, 0);
        _socket.Dispose();
    }

    private int Length => _heard[16] << 8 | _heard[17];
}
