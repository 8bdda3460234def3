using System.Collections.Concurrent;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Portolan.Core.Forwarding;

namespace Portolan.Proxy.Programmed;

/// <summary>
/// Tells other processes of this node, by a unix socket, which Services are in the kernel: all of them to whoever connects, then each change once the
/// kernel has it. Nothing is kept for readers that are not there.
/// </summary>
/// <param name="path">The socket's path.</param>
/// <param name="time">The clock.</param>
/// <param name="log">Told of readers that are sent away.</param>
internal sealed class ProgrammedFeed(string path, TimeProvider time, ILogger log)
{
    private const int MostReaders = 8;

    // Whoever cleans up below /run takes the file without our noticing.
    private static readonly TimeSpan Look = TimeSpan.FromSeconds(30);

    private readonly ConcurrentQueue<ProgrammedReader> _new = new();
    private readonly List<ProgrammedReader> _readers = []; // of the loop alone
    private int _count;

    /// <summary>The number of connected readers.</summary>
    internal int Readers => Volatile.Read(ref _count);

    /// <summary>Listens until cancelled.</summary>
    /// <param name="wake">Makes the loop call <see cref="Publish"/> soon, if it can: a reader waits for the list.</param>
    /// <param name="stop">Cancelled in the end.</param>
    /// <exception cref="IOException">The path is taken, cannot be written, or its file went away.</exception>
    internal async Task RunAsync(Func<CancellationToken, ValueTask> wake, CancellationToken stop)
    {
        using var socket = SocketFile.Listen(path);
        var accepted = new List<ProgrammedReader>();
        try
        {
            while (true)
            {
                using var look = new CancellationTokenSource(Look, time);
                using var limit = CancellationTokenSource.CreateLinkedTokenSource(look.Token, stop);
                try
                {
                    var connection = await socket.AcceptAsync(limit.Token);
                    accepted.RemoveAll(reader => reader.Gone.IsCompleted);
                    if (accepted.Count < MostReaders)
                    {
                        accepted.Add(Add(connection));
                        await wake(stop);
                        continue;
                    }

                    log.LogWarning("{Path}: more than {Readers} readers", path, MostReaders);
                    connection.Dispose();
                }
                catch (OperationCanceledException) when (!stop.IsCancellationRequested)
                {
                    if (!File.Exists(path))
                        throw new IOException($"{path}: the socket's file is gone");
                }
            }
        }
        finally
        {
            // They come again, and get the whole list.
            accepted.ForEach(reader => reader.Dispose());
        }
    }

    private ProgrammedReader Add(Socket connection)
    {
        var reader = new ProgrammedReader(connection);
        Interlocked.Increment(ref _count);
        _ = reader.Gone.ContinueWith(_ => Interlocked.Decrement(ref _count), CancellationToken.None, TaskContinuationOptions.ExecuteSynchronously, TaskScheduler.Default);
        _new.Enqueue(reader);
        return reader;
    }

    /// <summary>The kernel has all that the index plans. Called by the loop.</summary>
    /// <param name="index">The index.</param>
    /// <param name="services">Those that were planned anew.</param>
    internal void Publish(ForwardingIndex index, IReadOnlyList<ServiceForwarding> services)
    {
        if (Readers == 0)
            return;
        _readers.RemoveAll(reader => reader.Gone.IsCompleted);
        if (_readers.Count > 0 && services.Count > 0)
            Send(_readers, ProgrammedLines.Of(services, isList: false));
        if (_new.IsEmpty)
            return;
        var added = new List<ProgrammedReader>();
        while (_new.TryDequeue(out var reader))
            added.Add(reader);
        Send(added, ProgrammedLines.Of(index.Services, isList: true));
        _readers.AddRange(added);
    }

    private void Send(List<ProgrammedReader> readers, IEnumerable<ReadOnlyMemory<byte>> blocks)
    {
        foreach (var block in blocks)
        {
            foreach (var reader in readers)
            {
                if (!reader.Gone.IsCompleted && !reader.Send(block))
                    log.LogWarning("{Path}: a reader is too slow and is sent away", path);
            }
        }
    }
}
