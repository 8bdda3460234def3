using System.Net.NetworkInformation;
using System.Net.Sockets;
using Portolan.Linux.Sockets;
using Portolan.Rig;

namespace Portolan.Bench.Bgp;

/// <summary>When the last UDP packet came in at <c>eth0</c> of a namespace.</summary>
internal sealed class LastHeard : IDisposable
{
    private const ushort IPv4 = 0x0800;
    private const int ProtocolOffset = 9;
    private const byte Udp = 17;
    private readonly Socket _socket;
    private readonly Thread _thread;
    private long _ticks;

    public LastHeard(NetworkNamespace where)
    {
        _socket = where.Inside(() =>
        {
            var link = NetworkInterface.GetAllNetworkInterfaces().First(found => found.Name == "eth0").GetIPProperties().GetIPv4Properties().Index;
            var socket = new Socket(AddressFamily.Packet, SocketType.Dgram, 0) { ReceiveTimeout = 100 };
            socket.Bind(new PacketAddress(IPv4, link));
            return socket;
        });
        _thread = new Thread(Listen) { IsBackground = true, Priority = ThreadPriority.Highest };
        _thread.Start();
    }

    /// <summary>Of the machine's clock (UTC).</summary>
    public DateTime At => new(Volatile.Read(ref _ticks), DateTimeKind.Utc);

    public void Dispose()
    {
        _socket.Dispose();
        _thread.Join();
    }

    private void Listen()
    {
        Span<byte> packet = stackalloc byte[128];
        while (true)
        {
            try
            {
                if (_socket.Receive(packet) > ProtocolOffset && packet[ProtocolOffset] == Udp)
                    Volatile.Write(ref _ticks, DateTime.UtcNow.Ticks);
            }
            catch (SocketException silence) when (silence.SocketErrorCode is SocketError.TimedOut or SocketError.WouldBlock)
            {
                // Looks whether it is over.
            }
            catch (Exception over) when (over is SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }
}
