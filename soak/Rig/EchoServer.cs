using System.Net;
using System.Net.Sockets;

namespace Portolan.Rig;

/// <summary>Says back what it hears, on a host of a lab: an endpoint that no fault of a node takes away.</summary>
internal sealed class EchoServer : IDisposable
{
    private readonly Socket _listener;

    /// <param name="inside">The network namespace.</param>
    /// <param name="port">Of every address there.</param>
    public EchoServer(string inside, int port)
    {
        _listener = NetworkNamespace.TcpSocket(inside);
        _listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        _listener.Bind(new IPEndPoint(IPAddress.Any, port));
        _listener.Listen(4096);
        _ = AcceptAsync();
    }

    public void Dispose() => _listener.Dispose();

    private async Task AcceptAsync()
    {
        while (true)
        {
            try
            {
                _ = SayBackAsync(await _listener.AcceptAsync());
            }
            catch (SocketException failure) when (failure.SocketErrorCode is not SocketError.OperationAborted)
            {
                // The client was gone before it was accepted.
            }
            catch (Exception over) when (over is SocketException or ObjectDisposedException)
            {
                return;
            }
        }
    }

    private static async Task SayBackAsync(Socket client)
    {
        using (client)
        {
            try
            {
                var words = new byte[64];
                for (var read = await client.ReceiveAsync(words); read > 0; read = await client.ReceiveAsync(words))
                    await client.SendAsync(words.AsMemory(0, read));
            }
            catch (SocketException)
            {
                // Clients end by a reset.
            }
        }
    }
}
