using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Portolan.Lab.Nodes.Images;

/// <summary>
/// The web server of the image go-myweb: <c>Hello World!</c> and the pod's name, whatever is asked. It speaks just enough HTTP/1.1 on plain sockets:
/// three of these run in every demonstration, and a full web server would take ten times the memory.
/// </summary>
internal static class HelloServer
{
    private const int MaxRequestHead = 16 * 1024;
    private static readonly TimeSpan IdleTimeout = TimeSpan.FromSeconds(60);

    public static async Task<int> RunAsync(ushort port, CancellationToken cancel)
    {
        using var listener = new Socket(AddressFamily.InterNetworkV6, SocketType.Stream, ProtocolType.Tcp) { DualMode = true };
        listener.SetSocketOption(SocketOptionLevel.Socket, SocketOptionName.ReuseAddress, true);
        listener.Bind(new IPEndPoint(IPAddress.IPv6Any, port));
        listener.Listen(512);
        Console.WriteLine($"listening on :{port}");
        try
        {
            while (true)
            {
                var connection = await listener.AcceptAsync(cancel).ConfigureAwait(false);
                _ = ServeAsync(connection, cancel);
            }
        }
        catch (OperationCanceledException)
        {
            return 0;
        }
    }

    internal static async Task ServeAsync(Socket connection, CancellationToken cancel)
    {
        using var _ = connection;
        var body = $"Hello World!\n{Environment.MachineName}\n";
        var head = new byte[MaxRequestHead];
        var filled = 0;
        try
        {
            while (true)
            {
                var end = head.AsSpan(0, filled).IndexOf("\r\n\r\n"u8);
                if (end < 0)
                {
                    if (filled == head.Length)
                        return;
                    using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancel);
                    timeout.CancelAfter(IdleTimeout);
                    var count = await connection.ReceiveAsync(head.AsMemory(filled), timeout.Token).ConfigureAwait(false);
                    if (count == 0)
                        return;
                    filled += count;
                    continue;
                }
                var request = Encoding.ASCII.GetString(head, 0, end);
                var keepAlive = request.Contains(" HTTP/1.1", StringComparison.Ordinal)
                    && !request.Contains("Connection: close", StringComparison.OrdinalIgnoreCase)
                    // A body is not read, so what follows the head would be taken for the next request.
                    && !request.Contains("Content-Length:", StringComparison.OrdinalIgnoreCase)
                    && !request.Contains("Transfer-Encoding:", StringComparison.OrdinalIgnoreCase);
                var withBody = request.StartsWith("HEAD ", StringComparison.Ordinal) ? "" : body;
                var response = $"HTTP/1.1 200 OK\r\nContent-Type: text/plain; charset=utf-8\r\nContent-Length: {Encoding.UTF8.GetByteCount(body)}\r\nConnection: {(keepAlive ? "keep-alive" : "close")}\r\n\r\n{withBody}";
                await connection.SendAsync(Encoding.UTF8.GetBytes(response), cancel).ConfigureAwait(false);
                if (!keepAlive)
                {
                    connection.Shutdown(SocketShutdown.Send);
                    return;
                }
                head.AsSpan(end + 4, filled - end - 4).CopyTo(head);
                filled -= end + 4;
            }
        }
        catch (Exception gone) when (gone is SocketException or OperationCanceledException)
        {
            // The client left, or the server is stopping: neither is worth a word.
        }
    }
}
