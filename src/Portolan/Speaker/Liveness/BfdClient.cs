using System.ComponentModel;
using System.Net.Sockets;
using System.Threading.Channels;
using Microsoft.Extensions.Logging;
using Portolan.Bfd;
using Portolan.Bfd.Frames;
using Portolan.Core.Addresses;
using Portolan.Protocols.Bfd;

namespace Portolan.Speaker.Liveness;

/// <summary>
/// Has the sessions held by the bfd process of this pod. When the conversation ends, for whatever reason, that process tells every peer at
/// once that this speaker is no more: there is nothing to say in the end.
/// </summary>
/// <param name="path">The unix socket of the bfd process.</param>
/// <param name="settings">The intervals of sessions between speakers.</param>
/// <param name="onTransition">Told of each change of one of those.</param>
/// <param name="onNeighbor">Told of each change of a session with a neighbour, as <see cref="WantedSessions"/> says.</param>
/// <param name="log">Told when the bfd process is waited for, and what it complains of.</param>
internal sealed class BfdClient(string path, BfdSettings settings, Action<BfdTransition<IpAddress>> onTransition, Action<BfdTransition<SessionName>> onNeighbor, ILogger log) : ISessionHolder
{
    private static readonly TimeSpan ConnectEvery = TimeSpan.FromMilliseconds(100);

    private readonly WantedSessions _wanted = new(settings, onTransition, onNeighbor, log);
    private readonly Channel<bool> _news = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });

    /// <inheritdoc/>
    public LoopFigures Figures { get; } = new();

    /// <summary>What the bfd process said of itself, while there is one.</summary>
    public Hello? Process { get; private set; }

    /// <inheritdoc/>
    public IReadOnlyList<NeighborSession> Neighbors => _wanted.Neighbors;

    /// <inheritdoc/>
    public void SetPeers(IpAddress? local, IReadOnlyCollection<IpAddress> peers)
    {
        _wanted.SetPeers(local, peers);
        _news.Writer.TryWrite(true);
    }

    /// <inheritdoc/>
    public void UseKey(BfdKey? key)
    {
        _wanted.UseKey(key);
        _news.Writer.TryWrite(true);
    }

    /// <inheritdoc/>
    public void SetNeighbors(IReadOnlyDictionary<SessionName, NeighborSettings> neighbors, bool planned = false)
    {
        _wanted.SetNeighbors(neighbors, planned);
        _news.Writer.TryWrite(true);
    }

    /// <inheritdoc/>
    /// <exception cref="IOException">The bfd process is gone, or is not one that this speaker understands.</exception>
    public async Task RunAsync(Action started, Action stopped, CancellationToken stop)
    {
        using var socket = await ConnectAsync(stop);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        Task talking = Task.CompletedTask, listening = Task.CompletedTask;
        try
        {
            var conversation = new Conversation(this);
            _wanted.Begin(started, stopped);
            talking = TalkAsync(socket, conversation.Introduced, end.Token);
            listening = conversation.ListenAsync(socket, end.Token);
            await await Task.WhenAny(talking, listening);
        }
        catch (SocketException failure)
        {
            throw new IOException($"the bfd process is gone: {failure.Message}", failure);
        }
        catch (OperationCanceledException) when (stop.IsCancellationRequested)
        {
            // asked for
        }
        finally
        {
            Process = null;
            await end.CancelAsync();
            // Neither may say anything more of a conversation that has ended.
            await Task.WhenAll(talking, listening).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
            _wanted.End();
        }
    }

    private async Task<Socket> ConnectAsync(CancellationToken stop)
    {
        for (var told = false; ; told = true)
        {
            var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
            try
            {
                await socket.ConnectAsync(new UnixDomainSocketEndPoint(path), stop);
                return socket;
            }
            catch (SocketException failure)
            {
                socket.Dispose();
                if (!told)
                    log.LogWarning("waiting for the bfd process at {Path}: {Failure}", path, failure.Message);
            }
            catch
            {
                socket.Dispose();
                throw;
            }

            await Task.Delay(ConnectEvery, stop);
        }
    }

    private async Task TalkAsync(Socket socket, Task introduced, CancellationToken stop)
    {
        var frame = new byte[Frame.MaxSize];
        await SendAsync(new Hello(Hello.Current, 0, 0).WriteTo(frame));
        await introduced.WaitAsync(stop);
        while (true)
        {
            var changes = _wanted.Take();
            foreach (var (name, planned) in changes.Ended)
                await SendAsync(ForgetFrame.Write(frame, name, planned));
            foreach (var wish in changes.Wanted)
                await SendAsync(WishFrame.Write(frame, wish));
            await _news.Reader.ReadAsync(stop);
        }

        async ValueTask SendAsync(int size)
        {
            for (ReadOnlyMemory<byte> rest = frame.AsMemory(0, size); rest.Length > 0;)
                rest = rest[await socket.SendAsync(rest, stop)..];
        }
    }

    private void Introduce(Hello hello)
    {
        Process = hello;
        if (hello.SchedulingError == 0)
            log.LogInformation("sessions are held by the bfd process, in real time");
        else
            log.LogInformation(
                "sessions are held by the bfd process, without real-time scheduling ({Failure}), no faster than each {Milliseconds} ms",
                new Win32Exception(hello.SchedulingError).Message, hello.Floor / 1000);
    }

    /// <summary>What the bfd process says, from connecting to the end.</summary>
    private sealed class Conversation(BfdClient client)
    {
        private readonly TaskCompletionSource _introduced = new(TaskCreationOptions.RunContinuationsAsynchronously);

        /// <summary>It has said who it is: from now on it can be spoken to.</summary>
        public Task Introduced => _introduced.Task;

        public async Task ListenAsync(Socket socket, CancellationToken stop)
        {
            var heard = new byte[64 * Frame.MaxSize];
            for (var length = 0; ;)
            {
                var count = await socket.ReceiveAsync(heard.AsMemory(length), stop);
                if (count == 0)
                    throw new IOException("the bfd process has ended the conversation");
                length += count;
                var read = 0;
                for (int size; (size = Take(heard.AsSpan(read, length - read))) > 0;)
                    read += size;
                length -= read;
                heard.AsSpan(read, length).CopyTo(heard);
            }
        }

        private int Take(ReadOnlySpan<byte> bytes)
        {
            var size = Frame.TryRead(bytes, out var kind, out var body);
            if (size < 0 || (size > 0 && !Understand(kind, body)))
                throw new IOException($"the bfd process says what cannot be understood ({kind}): another version of it runs beside this speaker");
            return size;
        }

        private bool Understand(FrameKind kind, ReadOnlySpan<byte> body)
        {
            switch (kind)
            {
                case FrameKind.Hello when Hello.TryParse(body, out var hello):
                    if (hello.Version != Hello.Current)
                        throw new IOException($"the bfd process speaks version {hello.Version}, this speaker {Hello.Current}: both containers of a pod must be of one image");
                    client.Introduce(hello);
                    _introduced.TrySetResult();
                    return true;
                case FrameKind.Listening when Introduced.IsCompleted && ListenFrame.TryParse(body, out var news):
                    client._wanted.On(news);
                    return true;
                case FrameKind.Transition when Introduced.IsCompleted && TransitionFrame.TryParse(body, out var transition):
                    client._wanted.On(transition);
                    return true;
                case FrameKind.Session when Introduced.IsCompleted && SessionFrame.TryParse(body, out var figures):
                    client._wanted.On(figures);
                    return true;
                case FrameKind.Figures when Introduced.IsCompleted:
                    return FiguresFrame.TryParse(body, client.Figures);
                default:
                    return false;
            }
        }
    }
}
