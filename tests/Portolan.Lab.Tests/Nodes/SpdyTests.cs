using System.Buffers.Binary;
using System.IO.Pipelines;
using System.Text;

using CsCheck;

using Portolan.Lab.Nodes.Spdy;

namespace Portolan.Lab.Tests.Nodes;

public sealed class SpdyTests
{
    private static readonly byte[] _firstBlock = Compress(("streamtype", "error"));

    [Fact]
    public void TheDictionaryIsTheOneThatItsChecksumNames()
    {
        // Adler-32 (RFC 1950 §8.2); a client names the dictionary by it.
        uint a = 1, b = 0;
        foreach (var value in HeaderDictionary.Bytes.Span)
            (a, b) = ((a + value) % 65521, (b + ((a + value) % 65521)) % 65521);
        Assert.Equal(0xe3c6a7c2, b << 16 | a);
        Assert.Equal(1423, HeaderDictionary.Bytes.Length);
    }

    [Fact]
    public void ReadsBlocksOfOneStream_InOrder()
    {
        using var compressor = new HeaderCompressor();
        using var decompressor = new HeaderDecompressor();
        foreach (var name in (string[])["error", "stdin", "stdout"])
        {
            Assert.True(decompressor.TryRead(compressor.Write([new("streamType", name), new("port", "80")]), out var headers));
            Assert.Equal(name, headers["streamtype"]);
            Assert.Equal("80", headers["Port"]);
        }
    }

    [Fact]
    public void ReadsABlockThatLeansOnTheDictionary()
    {
        // Made by zlib with the preset dictionary: a match that reaches back into it. Header: 78 bb, checksum e3c6a7c2.
        using var decompressor = new HeaderDecompressor();
        Assert.True(decompressor.TryRead(Convert.FromHexString(DictionaryBlock), out var headers));
        Assert.Equal("text/html", headers["accept"]);
        Assert.Equal("200 OK", headers["status"]);
    }

    [Fact]
    public void RefusesWhatIsNoHeaderBlock()
    {
        foreach (var bytes in (byte[][])[[], [0x78], [0x00, 0x00, 0x00], [0x78, 0xbb, 1, 2], Encoding.ASCII.GetBytes("GET / HTTP/1.1")])
        {
            using var decompressor = new HeaderDecompressor();
            Assert.False(decompressor.TryRead(bytes, out _));
        }
    }

    [Fact]
    public void RefusesABlockThatGrowsTooLarge()
    {
        using var decompressor = new HeaderDecompressor();
        Assert.False(decompressor.TryRead(Compress(("bomb", new string('x', 2 * HeaderDecompressor.LargestBlock))), out _));
    }

    [Fact]
    public void FrameHeadersComeBackAsTheyWere() =>
        Gen.Select(Gen.Bool, Gen.Int[1, 9], Gen.UInt[0, 0x7FFF_FFFF], Gen.Bool, Gen.Int[0, 0xFFFFFF]).Sample((isControl, type, stream, fin, length) =>
        {
            var header = new SpdyFrameHeader(isControl, isControl ? (SpdyFrameType)type : 0, isControl ? 0 : stream, fin ? SpdyFlags.Fin : SpdyFlags.None, length);
            var bytes = new byte[SpdyFrameHeader.Size];
            header.WriteTo(bytes);
            return SpdyFrameHeader.TryParse(bytes, out var back) && back == header;
        });

    [Fact]
    public async Task OpensStreams_CarriesData_AnswersPings()
    {
        await using var pair = new Pair();
        await pair.SendAsync(SynStream(1, _firstBlock), Data(1, "hello", fin: true), Ping(7), Ping(8));
        var stream = await pair.Connection.Opened.ReadAsync(pair.Timeout);
        Assert.Equal("error", stream.Headers["streamtype"]);
        Assert.Equal("hello", Encoding.ASCII.GetString((await stream.ReadAsync(pair.Timeout)).Span));
        Assert.True((await stream.ReadAsync(pair.Timeout)).IsEmpty);

        var (reply, body) = await pair.ReceiveAsync();
        Assert.Equal(SpdyFrameType.SynReply, reply.Type);
        Assert.Equal(1u, BinaryPrimitives.ReadUInt32BigEndian(body));
        (reply, body) = await pair.ReceiveAsync();
        Assert.Equal(SpdyFrameType.Ping, reply.Type);
        Assert.Equal(7u, BinaryPrimitives.ReadUInt32BigEndian(body));

        await pair.Connection.SendAsync(stream, new byte[100_000], isLast: true, pair.Timeout);
        var total = 0;
        do
        {
            (reply, body) = await pair.ReceiveAsync();
            Assert.False(reply.IsControl);
            total += body.Length;
        }
        while (!reply.Flags.HasFlag(SpdyFlags.Fin));
        Assert.Equal(100_000, total);
    }

    [Fact]
    public async Task EndsCleanly_WhateverComesOverTheWire()
    {
        await Gen.Byte.Array[0, 200].SampleAsync(async noise =>
        {
            await using var pair = new Pair();
            await pair.SendAsync(SynStream(1, _firstBlock), noise);
            await pair.EndAsync();
            await pair.Running.WaitAsync(TimeSpan.FromSeconds(10));
        }, iter: 200);
    }

    private const string DictionaryBlock = "78f9e3c6a7c202e50e94d29513ee1b6c4917000000ffff";

    private static byte[] Compress(params (string Name, string Value)[] headers)
    {
        using var compressor = new HeaderCompressor();
        return compressor.Write([.. headers.Select(h => KeyValuePair.Create(h.Name, h.Value))]);
    }

    private static byte[] SynStream(uint id, byte[] block)
    {
        var body = new byte[10 + block.Length];
        BinaryPrimitives.WriteUInt32BigEndian(body, id);
        block.CopyTo(body, 10);
        return Frame(new SpdyFrameHeader(true, SpdyFrameType.SynStream, 0, SpdyFlags.None, body.Length), body);
    }

    private static byte[] Data(uint id, string text, bool fin) =>
        Frame(new SpdyFrameHeader(false, 0, id, fin ? SpdyFlags.Fin : SpdyFlags.None, text.Length), Encoding.ASCII.GetBytes(text));

    private static byte[] Ping(byte id) => Frame(new SpdyFrameHeader(true, SpdyFrameType.Ping, 0, SpdyFlags.None, 4), [0, 0, 0, id]);

    private static byte[] Frame(SpdyFrameHeader header, byte[] body)
    {
        var frame = new byte[SpdyFrameHeader.Size + body.Length];
        header.WriteTo(frame);
        body.CopyTo(frame, SpdyFrameHeader.Size);
        return frame;
    }

    /// <summary>A connection and the client at its other end.</summary>
    private sealed class Pair : IAsyncDisposable
    {
        private readonly Pipe _toServer = new();
        private readonly Pipe _toClient = new(new PipeOptions(pauseWriterThreshold: 1 << 20));
        private readonly CancellationTokenSource _timeout = new(TimeSpan.FromSeconds(20));

        public Pair()
        {
            Connection = new SpdyConnection(new Duplex(_toServer.Reader.AsStream(), _toClient.Writer.AsStream()));
            Running = Connection.RunAsync(_timeout.Token);
        }

        public SpdyConnection Connection { get; }
        public Task Running { get; }
        public CancellationToken Timeout => _timeout.Token;

        public async Task SendAsync(params byte[][] frames)
        {
            foreach (var frame in frames)
                await _toServer.Writer.WriteAsync(frame, Timeout);
        }

        public async Task EndAsync() => await _toServer.Writer.CompleteAsync();

        public async Task<(SpdyFrameHeader, byte[])> ReceiveAsync()
        {
            var stream = _toClient.Reader.AsStream(leaveOpen: true);
            var head = new byte[SpdyFrameHeader.Size];
            await stream.ReadExactlyAsync(head, Timeout);
            Assert.True(SpdyFrameHeader.TryParse(head, out var header));
            var body = new byte[header.Length];
            await stream.ReadExactlyAsync(body, Timeout);
            return (header, body);
        }

        public async ValueTask DisposeAsync()
        {
            await _timeout.CancelAsync();
            await Running;
            await Connection.DisposeAsync();
            _timeout.Dispose();
        }
    }

    private sealed class Duplex(Stream input, Stream output) : Stream
    {
        public override ValueTask<int> ReadAsync(Memory<byte> buffer, CancellationToken cancellationToken = default) => input.ReadAsync(buffer, cancellationToken);
        public override ValueTask WriteAsync(ReadOnlyMemory<byte> buffer, CancellationToken cancellationToken = default) => output.WriteAsync(buffer, cancellationToken);
        public override Task FlushAsync(CancellationToken cancellationToken) => output.FlushAsync(cancellationToken);
        public override int Read(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override void Write(byte[] buffer, int offset, int count) => throw new NotSupportedException();
        public override void Flush() => throw new NotSupportedException();
        public override bool CanRead => true;
        public override bool CanSeek => false;
        public override bool CanWrite => true;
        public override long Length => throw new NotSupportedException();
        public override long Position { get => throw new NotSupportedException(); set => throw new NotSupportedException(); }
        public override long Seek(long offset, SeekOrigin origin) => throw new NotSupportedException();
        public override void SetLength(long value) => throw new NotSupportedException();
    }
}
