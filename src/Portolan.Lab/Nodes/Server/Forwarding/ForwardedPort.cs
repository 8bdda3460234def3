using System.Net.Sockets;

namespace Portolan.Lab.Nodes.Server.Forwarding;

/// <summary>Joins one connection of a client to a port of a pod, each direction ending for itself.</summary>
internal static class ForwardedPort
{
    private const int Piece = 32 * 1024;

    /// <summary>After the pod has closed, what the client is just sending is still taken, but not for ever: older clients keep their side open.</summary>
    private static readonly TimeSpan _farewell = TimeSpan.FromSeconds(1);

    /// <summary>Until both sides have ended. Throws nothing but the cancellation.</summary>
    public static async Task ServeAsync(PodEndpoint pod, int port, IForwardedConnection client, CancellationToken cancel)
    {
        Socket socket;
        try
        {
            socket = await pod.ConnectAsync(port, cancel).ConfigureAwait(false);
        }
        catch (PodUnreachableException refused)
        {
            await client.FailAsync(refused.Message, cancel).ConfigureAwait(false);
            return;
        }

        using var _ = socket;
        using var over = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        var toPod = CopyToPodAsync(client, socket, over.Token);
        var toClient = CopyToClientAsync(socket, client, over.Token);
        await Task.WhenAny(toPod, toClient).ConfigureAwait(false);
        if (toClient.IsCompleted)
            await Task.WhenAny(toPod, Task.Delay(_farewell, over.Token)).ConfigureAwait(false);
        else if (!client.IsAborted)
            await toClient.ConfigureAwait(false);
        await over.CancelAsync().ConfigureAwait(false);
        await Task.WhenAll(toPod, toClient).ConfigureAwait(false);
        cancel.ThrowIfCancellationRequested();
    }

    private static async Task CopyToPodAsync(IForwardedConnection client, Socket socket, CancellationToken over)
    {
        try
        {
            while (await client.ReadAsync(over).ConfigureAwait(false) is { Length: > 0 } bytes)
                for (var rest = bytes; !rest.IsEmpty;)
                    rest = rest[await socket.SendAsync(rest, SocketFlags.None, over).ConfigureAwait(false)..];
            if (!client.IsAborted)
                socket.Shutdown(SocketShutdown.Send);
        }
        catch (Exception ended) when (ended is SocketException or OperationCanceledException)
        {
            // The pod takes no more, or it is over: the other direction says how it ended.
        }
    }

    private static async Task CopyToClientAsync(Socket socket, IForwardedConnection client, CancellationToken over)
    {
        var buffer = new byte[Piece];
        try
        {
            while (await socket.ReceiveAsync(buffer.AsMemory(), SocketFlags.None, over).ConfigureAwait(false) is > 0 and var count)
                await client.WriteAsync(buffer.AsMemory(0, count), over).ConfigureAwait(false);
            await client.EndAsync(over).ConfigureAwait(false);
        }
        catch (SocketException broken)
        {
            await client.FailAsync($"error copying data from the pod: {broken.Message}", CancellationToken.None).ConfigureAwait(false);
        }
        catch (OperationCanceledException)
        {
            // The client gave it up.
            await client.EndAsync(CancellationToken.None).ConfigureAwait(false);
        }
        catch (Exception gone) when (gone is IOException or ObjectDisposedException or System.Net.WebSockets.WebSocketException)
        {
            // The client is not there any more, and with it nobody to tell.
        }
    }
}
