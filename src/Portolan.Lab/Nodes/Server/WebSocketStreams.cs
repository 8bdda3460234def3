using System.Net.WebSockets;
using System.Text;
using System.Text.Json.Nodes;
using System.Threading.Channels;

using Microsoft.AspNetCore.Http;

using Portolan.Lab.Nodes.Containers;

namespace Portolan.Lab.Nodes.Server;

/// <summary>
/// Exec and attach over a WebSocket: each binary message is one byte of channel number and its data.
/// v5 adds message 255, which closes the channel named in its second byte.
/// </summary>
internal sealed class WebSocketStreams : IRemoteStreams, IDisposable
{
    private const byte In = 0, Out = 1, Err = 2, Status = 3, Resize = 4, CloseChannel = 255;
    private const int LargestMessage = 1 << 20;
    private static readonly string[] _protocols = ["v5.channel.k8s.io", "v4.channel.k8s.io"];

    private readonly WebSocket _socket;
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly Channel<ReadOnlyMemory<byte>> _input = Channel.CreateBounded<ReadOnlyMemory<byte>>(64);
    private readonly Channel<TerminalSize> _resizes = Channel.CreateBounded<TerminalSize>(new BoundedChannelOptions(4) { FullMode = BoundedChannelFullMode.DropOldest });

    private WebSocketStreams(WebSocket socket) => _socket = socket;

    public static async Task ServeAsync(HttpContext http, StreamSet wanted, Func<IRemoteStreams, CancellationToken, Task> run)
    {
        var offered = http.WebSockets.WebSocketRequestedProtocols;
        var protocol = _protocols.FirstOrDefault(offered.Contains);
        if (protocol is null && offered.Count > 0)
        {
            http.Response.StatusCode = StatusCodes.Status400BadRequest;
            await http.Response.WriteAsync($"unable to upgrade: none of the protocols {string.Join(", ", offered)} is supported; use one of {string.Join(", ", _protocols)}\n", http.RequestAborted).ConfigureAwait(false);
            return;
        }
        using var socket = await http.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext { SubProtocol = protocol, KeepAliveInterval = TimeSpan.FromSeconds(30) }).ConfigureAwait(false);
        using var streams = new WebSocketStreams(socket);
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(http.RequestAborted);
        // Clients tell by an empty message on each channel that it is open.
        foreach (var channel in (byte[])[.. wanted.Stdout ? [Out] : Array.Empty<byte>(), .. wanted.Stderr && !wanted.Terminal ? [Err] : Array.Empty<byte>(), Status])
            await streams.SendAsync(channel, default, gone.Token).ConfigureAwait(false);
        var receiving = streams.ReceiveAsync(gone);
        try
        {
            await run(streams, gone.Token).ConfigureAwait(false);
            if (socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
                await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, http.RequestAborted).ConfigureAwait(false);
            // The client answers a close with its own; one that does not is not waited for long.
            await Task.WhenAny(receiving, Task.Delay(TimeSpan.FromSeconds(1), http.RequestAborted)).ConfigureAwait(false);
        }
        finally
        {
            await gone.CancelAsync().ConfigureAwait(false);
            await receiving.ConfigureAwait(false);
        }
    }

    public async ValueTask<ReadOnlyMemory<byte>> ReadInputAsync(CancellationToken cancel) =>
        await _input.Reader.WaitToReadAsync(cancel).ConfigureAwait(false) && _input.Reader.TryRead(out var bytes) ? bytes : default;

    public async ValueTask<TerminalSize?> ReadResizeAsync(CancellationToken cancel) =>
        await _resizes.Reader.WaitToReadAsync(cancel).ConfigureAwait(false) && _resizes.Reader.TryRead(out var size) ? size : null;

    public ValueTask WriteAsync(OutputStream stream, ReadOnlyMemory<byte> bytes, CancellationToken cancel) =>
        SendAsync(stream == OutputStream.Out ? Out : Err, bytes, cancel);

    public ValueTask FinishAsync(JsonObject status, CancellationToken cancel) => SendAsync(Status, Encoding.UTF8.GetBytes(status.ToJsonString()), cancel);

    public void Dispose() => _writing.Dispose();

    private async ValueTask SendAsync(byte channel, ReadOnlyMemory<byte> bytes, CancellationToken cancel)
    {
        var message = new byte[bytes.Length + 1];
        message[0] = channel;
        bytes.Span.CopyTo(message.AsSpan(1));
        await _writing.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            await _socket.SendAsync(message, WebSocketMessageType.Binary, endOfMessage: true, cancel).ConfigureAwait(false);
        }
        finally
        {
            _writing.Release();
        }
    }

    private async Task ReceiveAsync(CancellationTokenSource gone)
    {
        var buffer = new byte[32 * 1024];
        var message = new MemoryStream();
        try
        {
            while (true)
            {
                var part = await _socket.ReceiveAsync(buffer.AsMemory(), gone.Token).ConfigureAwait(false);
                if (part.MessageType is WebSocketMessageType.Close || message.Length + part.Count > LargestMessage)
                    break;
                message.Write(buffer, 0, part.Count);
                if (!part.EndOfMessage)
                    continue;
                if (message.Length > 0)
                    await HandleAsync(message.ToArray(), gone.Token).ConfigureAwait(false);
                message.SetLength(0);
            }
        }
        catch (Exception lost) when (lost is WebSocketException or OperationCanceledException or IOException)
        {
            // The same as a close: whoever was on the other side is gone.
        }
        _input.Writer.TryComplete();
        _resizes.Writer.TryComplete();
        if (_socket.State is not WebSocketState.CloseSent and not WebSocketState.Closed)
            await gone.CancelAsync().ConfigureAwait(false);
    }

    private async ValueTask HandleAsync(byte[] message, CancellationToken cancel)
    {
        switch (message[0])
        {
            case In when message.Length > 1:
                // After its end has been announced nothing more is read.
                if (await _input.Writer.WaitToWriteAsync(cancel).ConfigureAwait(false))
                    _input.Writer.TryWrite(message.AsMemory(1));
                break;
            case Resize when RemoteStatus.TryParseResize(message.AsSpan(1), out var size):
                _resizes.Writer.TryWrite(size);
                break;
            case CloseChannel when message is [_, In]:
                _input.Writer.TryComplete();
                break;
        }
    }
}
