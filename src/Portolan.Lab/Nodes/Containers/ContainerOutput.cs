using System.Threading.Channels;

namespace Portolan.Lab.Nodes.Containers;

internal enum OutputStream : byte
{
    Out = 1,
    Error = 2,
}

internal readonly record struct OutputChunk(OutputStream Stream, ReadOnlyMemory<byte> Bytes);

/// <summary>Where what a process writes goes.</summary>
internal abstract class ProcessOutput
{
    public abstract ValueTask WriteAsync(OutputStream stream, ReadOnlyMemory<byte> bytes);

    /// <summary>What is written, piece by piece; completed at the end.</summary>
    public abstract ChannelReader<OutputChunk> Attach();

    /// <summary>Nothing more is written, or nobody is interested any more.</summary>
    public abstract void End();
}

/// <summary>What a command of <c>exec</c> writes, for the one client that started it: every byte, the command waiting when the client does not read.</summary>
internal sealed class ExecOutput : ProcessOutput
{
    private readonly Channel<OutputChunk> _channel = Channel.CreateBounded<OutputChunk>(64);

    public override async ValueTask WriteAsync(OutputStream stream, ReadOnlyMemory<byte> bytes)
    {
        while (await _channel.Writer.WaitToWriteAsync().ConfigureAwait(false))
            if (_channel.Writer.TryWrite(new OutputChunk(stream, bytes.ToArray())))
                return;
    }

    public override ChannelReader<OutputChunk> Attach() => _channel.Reader;

    public override void End() => _channel.Writer.TryComplete();
}

/// <summary>What a container writes, given to its log and to everyone attached. One who reads too slowly is let go; the container never waits.</summary>
/// <param name="log">Gets everything.</param>
/// <param name="keepForFirst">
/// The first client gets what was written before it came. Whoever starts a container in order to attach to it (<c>kubectl run -i</c>, which sets <c>stdinOnce</c>) would
/// otherwise lose its first words.
/// </param>
internal sealed class ContainerOutput(Action<OutputChunk> log, bool keepForFirst = false) : ProcessOutput
{
    private const int MostKept = 64 * 1024;
    private const int ChunksPerReader = 4096;
    private readonly Lock _gate = new();
    private readonly List<Channel<OutputChunk>> _readers = [];
    private List<OutputChunk>? _kept = keepForFirst ? [] : null;
    private bool _ended;

    public override ValueTask WriteAsync(OutputStream stream, ReadOnlyMemory<byte> bytes)
    {
        var chunk = new OutputChunk(stream, bytes.ToArray());
        lock (_gate)
        {
            log(chunk);
            if (_kept is not null && _kept.Sum(c => c.Bytes.Length) < MostKept)
                _kept.Add(chunk);
            for (var i = _readers.Count - 1; i >= 0; i--)
            {
                if (_readers[i].Writer.TryWrite(chunk))
                    continue;
                _readers[i].Writer.TryComplete();
                _readers.RemoveAt(i);
            }
        }
        return ValueTask.CompletedTask;
    }

    /// <summary>What is written from now on, and before it what was kept; completed when the container has ended.</summary>
    public override ChannelReader<OutputChunk> Attach()
    {
        var channel = Channel.CreateBounded<OutputChunk>(ChunksPerReader);
        lock (_gate)
        {
            foreach (var chunk in _kept ?? [])
                channel.Writer.TryWrite(chunk);
            _kept = null;
            if (_ended)
                channel.Writer.TryComplete();
            else
                _readers.Add(channel);
        }
        return channel.Reader;
    }

    public override void End()
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
