using System.Buffers.Binary;
using System.Net.WebSockets;
using System.Text;
using System.Threading.Channels;

namespace Portolan.Lab.Nodes.Server.Forwarding;

/// <summary>
/// Port forwarding over a WebSocket with numbered channels, as the clients of other languages do it: the ports are in the query, the n-th has channel 2n for data
/// and 2n+1 for an error, and the first message of each channel is the port's number, 16 bits, least significant byte first. One connection for each port.
/// </summary>
internal sealed class WebSocketForwarding : IDisposable
{
    public const string Protocol = "v4.channel.k8s.io";
    private const int LargestMessage = 1 << 20;

    private readonly WebSocket _socket;
    private readonly Connection[] _connections;
    private readonly SemaphoreSlim _writing = new(1, 1);

    public WebSocketForwarding(WebSocket socket, IReadOnlyList<int> ports)
    {
        _socket = socket;
        _connections = [.. ports.Select((port, index) => new Connection(this, port, (byte)(2 * index)))];
    }

    /// <summary>Until every port's connection has ended, or the client is gone.</summary>
    public async Task RunAsync(PodEndpoint pod, CancellationToken cancel)
    {
        using var gone = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        foreach (var connection in _connections)
            await connection.AnnounceAsync(gone.Token).ConfigureAwait(false);
        var receiving = ReceiveAsync(gone.Token);
        var serving = Task.WhenAll(_connections.Select(connection => ForwardedPort.ServeAsync(pod, connection.Port, connection, gone.Token)));
        try
        {
            await Task.WhenAny(serving, receiving).ConfigureAwait(false);
            if (_socket.State is WebSocketState.Open or WebSocketState.CloseReceived)
            {
                await CloseAsync(cancel).ConfigureAwait(false);
                await Task.WhenAny(receiving, Task.Delay(TimeSpan.FromSeconds(1), cancel)).ConfigureAwait(false);
            }
        }
        finally
        {
            await gone.CancelAsync().ConfigureAwait(false);
            await Task.WhenAll(receiving, serving).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        }
    }

    public void Dispose() => _writing.Dispose();

    private async Task ReceiveAsync(CancellationToken cancel)
    {
        var buffer = new byte[32 * 1024];
        var message = new MemoryStream();
        try
        {
            while (true)
            {
                var part = await _socket.ReceiveAsync(buffer.AsMemory(), cancel).ConfigureAwait(false);
                if (part.MessageType is WebSocketMessageType.Close || message.Length + part.Count > LargestMessage)
                    break;
                message.Write(buffer, 0, part.Count);
                if (!part.EndOfMessage)
                    continue;
                var bytes = message.ToArray();
                message.SetLength(0);
                if (bytes.Length > 1 && bytes[0] % 2 == 0 && bytes[0] / 2 < _connections.Length)
                    await _connections[bytes[0] / 2].OfferAsync(bytes.AsMemory(1), cancel).ConfigureAwait(false);
            }
        }
        catch (Exception lost) when (lost is WebSocketException or OperationCanceledException or IOException)
        {
            // The same as a close: whoever was on the other side is gone.
        }
        foreach (var connection in _connections)
            connection.Abort();
    }

    // Also as the answer to the client's own close: without one it takes the end for an accident.
    private async Task CloseAsync(CancellationToken cancel)
    {
        await _writing.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            await _socket.CloseOutputAsync(WebSocketCloseStatus.NormalClosure, null, cancel).ConfigureAwait(false);
        }
        finally
        {
            _writing.Release();
        }
    }

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

    private sealed class Connection(WebSocketForwarding owner, int port, byte channel) : IForwardedConnection
    {
        private readonly Channel<ReadOnlyMemory<byte>> _data = Channel.CreateBounded<ReadOnlyMemory<byte>>(64);
        private volatile bool _ended;

        public int Port => port;

        public bool IsAborted { get; private set; }

        public async ValueTask AnnounceAsync(CancellationToken cancel)
        {
            var number = new byte[2];
            BinaryPrimitives.WriteUInt16LittleEndian(number, (ushort)port);
            await owner.SendAsync(channel, number, cancel).ConfigureAwait(false);
            await owner.SendAsync((byte)(channel + 1), number, cancel).ConfigureAwait(false);
        }

        public async ValueTask OfferAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancel)
        {
            if (!_ended && await _data.Writer.WaitToWriteAsync(cancel).ConfigureAwait(false))
                _data.Writer.TryWrite(bytes);
        }

        public void Abort()
        {
            IsAborted = true;
            _data.Writer.TryComplete();
        }

        public async ValueTask<ReadOnlyMemory<byte>> ReadAsync(CancellationToken cancel) =>
            await _data.Reader.WaitToReadAsync(cancel).ConfigureAwait(false) && _data.Reader.TryRead(out var bytes) ? bytes : default;

        public ValueTask WriteAsync(ReadOnlyMemory<byte> bytes, CancellationToken cancel) => owner.SendAsync(channel, bytes, cancel);

        public ValueTask EndAsync(CancellationToken cancel)
        {
            // There is no half-close in this protocol: the end of all of them is the end of the socket.
            _ended = true;
            _data.Writer.TryComplete();
            return default;
        }

        public async ValueTask FailAsync(string why, CancellationToken cancel)
        {
            await owner.SendAsync((byte)(channel + 1), Encoding.UTF8.GetBytes(why), cancel).ConfigureAwait(false);
            await EndAsync(cancel).ConfigureAwait(false);
        }
    }
}
