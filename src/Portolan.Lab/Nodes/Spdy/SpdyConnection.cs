using System.Buffers.Binary;
using System.Collections.Concurrent;
using System.Threading.Channels;

namespace Portolan.Lab.Nodes.Spdy;

/// <summary>
/// The server's side of a SPDY/3.1 connection (SPDY draft 3.1): the client opens streams, both send data on them. There is no flow control, because the
/// clients that still speak it (Kubernetes' until 1.29) neither keep to windows nor open them: TCP holds back whoever is too fast.
/// </summary>
internal sealed class SpdyConnection : IAsyncDisposable
{
    private const int LargestControlFrame = 64 * 1024;
    private const int DataFrame = 32 * 1024;
    private const int MostStreams = 256;
    private const uint ProtocolError = 1, RefusedStream = 3, Cancel = 5;

    private readonly Stream _transport;
    private readonly SemaphoreSlim _writing = new(1, 1);
    private readonly HeaderCompressor _compressor = new();
    private readonly HeaderDecompressor _decompressor = new();
    private readonly ConcurrentDictionary<uint, SpdyStream> _streams = [];
    private readonly Channel<SpdyStream> _opened = Channel.CreateUnbounded<SpdyStream>();
    private uint _lastStream;

    public SpdyConnection(Stream transport) => _transport = transport;

    /// <summary>Streams as the client opens them; completed when the connection ends.</summary>
    public ChannelReader<SpdyStream> Opened => _opened.Reader;

    /// <summary>Reads frames until the client is gone, says goodbye or breaks the rules. Never throws for what comes over the wire.</summary>
    public async Task RunAsync(CancellationToken cancel)
    {
        var head = new byte[SpdyFrameHeader.Size];
        try
        {
            while (await ReadWholeAsync(head, cancel).ConfigureAwait(false))
            {
                if (!SpdyFrameHeader.TryParse(head, out var header))
                    break;
                if (!(header.IsControl ? await OnControlAsync(header, cancel).ConfigureAwait(false) : await OnDataAsync(header, cancel).ConfigureAwait(false)))
                    break;
            }
        }
        catch (Exception gone) when (gone is IOException or OperationCanceledException or ObjectDisposedException)
        {
            // An end like any other.
        }
        finally
        {
            _opened.Writer.TryComplete();
            foreach (var stream in _streams.Values)
                stream.Incoming.TryComplete();
        }
    }

    /// <summary>Sends data on a stream.</summary>
    public async ValueTask SendAsync(SpdyStream stream, ReadOnlyMemory<byte> bytes, bool isLast, CancellationToken cancel)
    {
        do
        {
            var piece = bytes[..Math.Min(bytes.Length, DataFrame)];
            bytes = bytes[piece.Length..];
            await WriteAsync(new SpdyFrameHeader(false, 0, stream.Id, isLast && bytes.IsEmpty ? SpdyFlags.Fin : SpdyFlags.None, piece.Length), piece, cancel).ConfigureAwait(false);
        }
        while (!bytes.IsEmpty);
    }

    /// <summary>Gives a stream up, for good.</summary>
    public ValueTask ResetAsync(SpdyStream stream, CancellationToken cancel) => ResetAsync(stream.Id, Cancel, cancel);

    /// <summary>Nothing more is wanted of a stream: what still comes on it is thrown away, and its place is free for another.</summary>
    public void Forget(SpdyStream stream)
    {
        _streams.TryRemove(stream.Id, out _);
        stream.Incoming.TryComplete();
    }

    /// <summary>Tells the client that nothing more will come.</summary>
    public async ValueTask GoAwayAsync(CancellationToken cancel)
    {
        var body = new byte[8];
        BinaryPrimitives.WriteUInt32BigEndian(body, _lastStream);
        await WriteAsync(Control(SpdyFrameType.GoAway, body.Length), body, cancel).ConfigureAwait(false);
    }

    private async ValueTask<bool> OnControlAsync(SpdyFrameHeader header, CancellationToken cancel)
    {
        if (header.Length > LargestControlFrame)
            return false;
        var body = new byte[header.Length];
        if (!await ReadWholeAsync(body, cancel).ConfigureAwait(false))
            return false;
        switch (header.Type)
        {
            case SpdyFrameType.SynStream:
                return await OnSynStreamAsync(header, body, cancel).ConfigureAwait(false);
            case SpdyFrameType.RstStream:
                if (body.Length >= 4 && _streams.TryGetValue(BinaryPrimitives.ReadUInt32BigEndian(body) & 0x7FFF_FFFF, out var reset))
                {
                    reset.IsReset = true;
                    reset.Incoming.TryComplete();
                }
                return body.Length == 8;
            case SpdyFrameType.Ping:
                // Odd numbers are the client's questions, and go back as they came (§2.6.5).
                if (body.Length == 4 && (body[3] & 1) == 1)
                    await WriteAsync(Control(SpdyFrameType.Ping, 4), body, cancel).ConfigureAwait(false);
                return body.Length == 4;
            case SpdyFrameType.Headers:
                // Nothing of it is used, but the compression goes on from here.
                return body.Length >= 4 && _decompressor.TryRead(body.AsSpan(4), out _);
            case SpdyFrameType.GoAway:
                return false;
            default:
                return true;
        }
    }

    private async ValueTask<bool> OnSynStreamAsync(SpdyFrameHeader header, byte[] body, CancellationToken cancel)
    {
        // stream:31, associated stream:31, priority:3 unused:5 slot:8, header block (§2.6.1).
        const int Fixed = 10;
        if (body.Length < Fixed || !_decompressor.TryRead(body.AsSpan(Fixed), out var headers))
            return false;
        var id = BinaryPrimitives.ReadUInt32BigEndian(body) & 0x7FFF_FFFF;
        if (id % 2 == 0 || id <= _lastStream)
        {
            await ResetAsync(id, ProtocolError, cancel).ConfigureAwait(false);
            return false;
        }
        _lastStream = id;
        if (_streams.Count >= MostStreams)
        {
            await ResetAsync(id, RefusedStream, cancel).ConfigureAwait(false);
            return true;
        }
        var stream = new SpdyStream(id, headers);
        _streams[id] = stream;
        if (header.Flags.HasFlag(SpdyFlags.Fin))
            stream.Incoming.TryComplete();
        await ReplyAsync(id, cancel).ConfigureAwait(false);
        _opened.Writer.TryWrite(stream);
        return true;
    }

    private async ValueTask<bool> OnDataAsync(SpdyFrameHeader header, CancellationToken cancel)
    {
        var stream = _streams.GetValueOrDefault(header.Stream);
        for (var left = header.Length; left > 0;)
        {
            var bytes = new byte[Math.Min(left, DataFrame)];
            if (!await ReadWholeAsync(bytes, cancel).ConfigureAwait(false))
                return false;
            left -= bytes.Length;
            if (stream is not null && await stream.Incoming.WaitToWriteAsync(cancel).ConfigureAwait(false))
                stream.Incoming.TryWrite(bytes);
        }
        if (header.Flags.HasFlag(SpdyFlags.Fin))
            stream?.Incoming.TryComplete();
        return true;
    }

    private async ValueTask ReplyAsync(uint id, CancellationToken cancel)
    {
        await _writing.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            // Compressing and sending belong together: blocks must arrive in the order they were compressed.
            var block = _compressor.Write([]);
            var frame = new byte[SpdyFrameHeader.Size + 4 + block.Length];
            Control(SpdyFrameType.SynReply, 4 + block.Length).WriteTo(frame);
            BinaryPrimitives.WriteUInt32BigEndian(frame.AsSpan(SpdyFrameHeader.Size), id);
            block.CopyTo(frame, SpdyFrameHeader.Size + 4);
            await _transport.WriteAsync(frame, cancel).ConfigureAwait(false);
            await _transport.FlushAsync(cancel).ConfigureAwait(false);
        }
        finally
        {
            _writing.Release();
        }
    }

    private async ValueTask ResetAsync(uint id, uint status, CancellationToken cancel)
    {
        var body = new byte[8];
        BinaryPrimitives.WriteUInt32BigEndian(body, id);
        BinaryPrimitives.WriteUInt32BigEndian(body.AsSpan(4), status);
        await WriteAsync(Control(SpdyFrameType.RstStream, body.Length), body, cancel).ConfigureAwait(false);
    }

    private static SpdyFrameHeader Control(SpdyFrameType type, int length) => new(true, type, 0, SpdyFlags.None, length);

    private async ValueTask WriteAsync(SpdyFrameHeader header, ReadOnlyMemory<byte> body, CancellationToken cancel)
    {
        var frame = new byte[SpdyFrameHeader.Size + body.Length];
        header.WriteTo(frame);
        body.Span.CopyTo(frame.AsSpan(SpdyFrameHeader.Size));
        await _writing.WaitAsync(cancel).ConfigureAwait(false);
        try
        {
            await _transport.WriteAsync(frame, cancel).ConfigureAwait(false);
            await _transport.FlushAsync(cancel).ConfigureAwait(false);
        }
        finally
        {
            _writing.Release();
        }
    }

    private async ValueTask<bool> ReadWholeAsync(Memory<byte> buffer, CancellationToken cancel) =>
        await _transport.ReadAtLeastAsync(buffer, buffer.Length, throwOnEndOfStream: false, cancel).ConfigureAwait(false) == buffer.Length;

    public async ValueTask DisposeAsync()
    {
        await _transport.DisposeAsync().ConfigureAwait(false);
        _compressor.Dispose();
        _decompressor.Dispose();
        _writing.Dispose();
    }
}
