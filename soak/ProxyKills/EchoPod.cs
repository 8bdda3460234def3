using System.Net;
using System.Net.Sockets;
using Portolan.Rig;

namespace Portolan.Soak.ProxyKills;

/// <summary>A pod behind the node: tells every connection its number, then sends back what it gets.</summary>
internal sealed class EchoPod : IDisposable
{
    private readonly NetworkNamespace _namespace;
    private readonly Socket _listener;

    public EchoPod(NetworkNamespace node, int number)
    {
        Address = $"10.9.0.{number + 2}";
        _namespace = new NetworkNamespace($"pod{number}");
        node.Wire($"pod{number}", _namespace, "eth0");
        _namespace.Link($"addr add {Address}/32 dev eth0");
        _namespace.Link("route add 169.254.1.1 dev eth0");
        _namespace.Link("route add default via 169.254.1.1 dev eth0");
        node.Link($"addr add 169.254.1.1/32 dev pod{number} scope link");
        node.Link($"route add {Address} dev pod{number}");
        _listener = NetworkNamespace.TcpSocket(_namespace.Name);
        _listener.Bind(new IPEndPoint(IPAddress.Any, 8080));
        _listener.Listen(512);
        _ = AcceptAsync((byte)number);
    }

    public string Address { get; }

    public void Dispose()
    {
        _listener.Dispose();
        _namespace.Dispose();
    }

    private async Task AcceptAsync(byte number)
    {
        try
        {
            while (true)
                _ = EchoAsync(await _listener.AcceptAsync(), number);
        }
        catch (Exception over) when (over is SocketException or ObjectDisposedException)
        {
            // the trial is over
        }
    }

    private static async Task EchoAsync(Socket connection, byte number)
    {
        using (connection)
        {
            try
            {
                var buffer = new byte[256];
                buffer[0] = number;
                for (var length = 1; length > 0; length = await connection.ReceiveAsync(buffer))
                    await connection.SendAsync(buffer.AsMemory(0, length));
            }
            catch (SocketException)
            {
                // the client ends its connections by a reset
            }
        }
    }
}
