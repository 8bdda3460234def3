using System.Net.WebSockets;

namespace Portolan.Lab.Nodes.Server.Forwarding;

/// <summary>The bytes inside a WebSocket's binary messages, one after the other, as a stream: an empty message is no end, and a broken connection an <see cref="IOException"/>.</summary>
internal sealed class WebSocketBytes(WebSocket socket) : Stream
{
    private static readonly TimeSpan _closing = TimeSpan.FromSeconds(1);

    public override bool CanRead => true;
    public override bool CanSeek => false;
    public override bool CanWrite => true;
    public override long Length => throw new NotSupportedException();
    public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }

    /// <exception cref="IOException">The connection broke.</exception>
    public override async ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            while (true)
            {
                var part = await socket.ReceiveAsync(buffer, cancellationToken).ConfigureAwait(false);
                if (part.Count > 0 || part.MessageType is WebSocketMessageType.Close)
                    return part.Count;
            }
        }
        catch (WebSocketException lost)
        {
            throw new IOException(lost.Message, lost);
        }
    }

    /// <exception cref="IOException">The connection broke.</exception>
    public override async ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default)
    {
        try
        {
            await socket.SendAsync(buffer, WebSocketMessageType.Binary, endOfMessage: true, cancellationToken).ConfigureAwait(false);
        }
        catch (WebSocketException lost)
        {
            throw new IOException(lost.Message, lost);
        }
    }

    public override async ValueTask DisposeAsync()
    {
        try
        {
            using var soon = new CancellationTokenSource(_closing);
            if (socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
                await socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, soon.Token).ConfigureAwait(false);
        }
        catch (Exception lost) when (lost is WebSocketException or OperationCanceledException)
        {
            // It is closed as well when the other side is gone already.
        }
        socket.Dispose();
        await base.DisposeAsync().ConfigureAwait(false);
    }

    public override void Flush()
    {
    }

    public override Task FlushAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException("only asynchronously");

    public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException("only asynchronously");

    public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();

    public override void SetLength(long value) => throw new NotSupportedException();
}
