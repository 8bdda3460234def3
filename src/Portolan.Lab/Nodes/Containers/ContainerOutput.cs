using System.Threading.Channels;

namespace Portolan.Lab.Nodes.Containers;

internal enum OutputStream : byte
{
    Out = 1,
    Error = 2,
}

internal readonly record struct OutputChunk(OutputStream Stream, ReadOnlyMemory<byte> Bytes);

/// <summary>What a container writes, given to its log and to everyone attached. One who reads too slowly is let go; the container never waits.</summary>
internal sealed class ContainerOutput(Action<OutputChunk> log)
{
    private const int ChunksPerReader = 4096;
    private readonly Lock _gate = new();
    private readonly List<Channel<OutputChunk>> _readers = [];
    private bool _ended;

    public void Write(OutputStream stream, ReadOnlySpan<byte> bytes)
    {
        var chunk = new OutputChunk(stream, bytes.ToArray());
        lock (_gate)
        {
            log(chunk);
            for (var i = _readers.Count - 1; i >= 0; i--)
            {
                if (_readers[i].Writer.TryWrite(chunk))
                    continue;
                _readers[i].Writer.TryComplete();
                _readers.RemoveAt(i);
            }
        }
    }

    /// <summary>What is written from now on; completed when the container has ended.</summary>
    public ChannelReader<OutputChunk> Attach()
    {
        var channel = Channel.CreateBounded<OutputChunk>(ChunksPerReader);
        lock (_gate)
        {
            if (_ended)
                channel.Writer.TryComplete();
            else
                _readers.Add(channel);
        }
        return channel.Reader;
    }

    public void End()
    {
        lock (_gate)
        {
            _ended = true;
            foreach (var reader in _readers)
                reader.Writer.TryComplete();
            _readers.Clear();
        }
    }
}
