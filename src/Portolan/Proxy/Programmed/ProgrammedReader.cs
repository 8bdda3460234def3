using System.Net.Sockets;
using System.Threading.Channels;

namespace Portolan.Proxy.Programmed;

/// <summary>One connected reader. What it does not read waits, up to a limit; beyond that it is sent away, and starts over with the list.</summary>
internal sealed class ProgrammedReader : IDisposable
{
    // The list of 30,000 Services is 8 MB.
    private const int MostWaiting = 32 << 20;
    private const int MostBlocks = 4096;

    private readonly Channel<ReadOnlyMemory<byte>> _blocks = Channel.CreateBounded<ReadOnlyMemory<byte>>(new BoundedChannelOptions(MostBlocks) { SingleReader = true, SingleWriter = true });
    private readonly Socket _socket;
    private int _waiting;

    internal ProgrammedReader(Socket socket)
    {
        _socket = socket;
        Gone = Task.WhenAny(SendAsync(), ReceiveAsync()).ContinueWith(_ => Dispose(), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
    }

    /// <summary>Ends when the reader is no more.</summary>
    internal Task Gone { get; }

    /// <summary>Queues a block.</summary>
    /// <returns>False: the reader is too slow, and is sent away.</returns>
    internal bool Send(ReadOnlyMemory<byte> block)
    {
        if (Interlocked.Add(ref _waiting, block.Length) <= MostWaiting && _blocks.Writer.TryWrite(block))
            return true;
        Dispose();
        return false;
    }

    public void Dispose()
    {
        _blocks.Writer.TryComplete();
        _socket.Dispose();
    }

    private async Task SendAsync()
    {
        try
        {
            await foreach (var block in _blocks.Reader.ReadAllAsync())
            {
                for (var rest = block; rest.Length > 0;)
                    rest = rest[await _socket.SendAsync(rest)..];
                Interlocked.Add(ref _waiting, -block.Length);
            }
        }
        catch (Exception failure) when (failure is SocketException or ObjectDisposedException)
        {
            // it is gone
        }
    }

    // A reader says nothing; this ends when it closes.
    private async Task ReceiveAsync()
    {
        var nothing = new byte[64];
        try
        {
            while (await _socket.ReceiveAsync(nothing) > 0)
            {
            }
        }
        catch (Exception failure) when (failure is SocketException or ObjectDisposedException)
        {
            // it is gone
        }
    }
}
