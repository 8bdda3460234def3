using System.Threading.Channels;

namespace Portolan.Lab.Nodes.Spdy;

/// <summary>One stream that the other side has opened.</summary>
/// <param name="Id">Odd, as a client's streams are.</param>
/// <param name="Headers">Names in any case.</param>
internal sealed record SpdyStream(uint Id, IReadOnlyDictionary<string, string> Headers)
{
    // The reader of a connection waits for whoever reads this: a client that sends faster than a program reads is held back by TCP.
    private readonly Channel<ReadOnlyMemory<byte>> _data = Channel.CreateBounded<ReadOnlyMemory<byte>>(64);

    internal ChannelWriter<ReadOnlyMemory<byte>> Incoming => _data.Writer;

    /// <summary>The other side has given the stream up (RST_STREAM), rather than having said all it had to say.</summary>
    public bool IsReset { get; internal set; }

    /// <summary>The next data; empty at the end.</summary>
    public async ValueTask<ReadOnlyMemory<byte>> ReadAsync(CancellationToken cancel) =>
        await _data.Reader.WaitToReadAsync(cancel).ConfigureAwait(false) && _data.Reader.TryRead(out var bytes) ? bytes : default;
}
