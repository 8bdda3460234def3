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
/// Has the sessions between speakers held by the bfd process of this pod. When the conversation ends, for whatever reason, that process tells every peer at
/// once that this speaker is no more: there is nothing to say in the end.
/// </summary>
/// <param name="path">The unix socket of the bfd process.</param>
/// <param name="settings">The intervals to ask for.</param>
/// <param name="onTransition">Told of each change of a session.</param>
/// <param name="log">Told when the bfd process is waited for, and what it complains of.</param>
internal sealed class BfdClient(string path, BfdSettings settings, Action<BfdTransition<IpAddress>> onTransition, ILogger log) : ISessionHolder
{
    private static readonly TimeSpan ConnectEvery = TimeSpan.FromMilliseconds(100);

    private readonly Lock _door = new();
    private readonly Channel<bool> _news = Channel.CreateBounded<bool>(new BoundedChannelOptions(1) { FullMode = BoundedChannelFullMode.DropWrite, SingleReader = true });
    private IReadOnlyCollection<IpAddress> _peers = [];
    private BfdKey? _key;

    /// <inheritdoc/>
    public LoopFigures Figures { get; } = new();

    /// <summary>What the bfd process said of itself, while there is one.</summary>
    public Hello? Process { get; private set; }

    /// <inheritdoc/>
    public void SetPeers(IReadOnlyCollection<IpAddress> peers) => Leave(() => _peers = [.. peers]);

    /// <inheritdoc/>
    public void UseKey(BfdKey? key) => Leave(() => _key = key);

    /// <inheritdoc/>
    /// <exception cref="IOException">The bfd process is gone, or is not one that this speaker understands.</exception>
    public async Task RunAsync(IpAddress local, Action started, CancellationToken stop)
    {
        using var socket = await ConnectAsync(stop);
        using var end = CancellationTokenSource.CreateLinkedTokenSource(stop);
        try
        {
            var talking = TalkAsync(socket, local, end.Token);
            var listening = new Conversation(this, local, started).ListenAsync(socket, end.Token);
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

    private async Task TalkAsync(Socket socket, IpAddress local, CancellationToken stop)
    {
        var frame = new byte[Frame.MaxSize];
        var told = new Dictionary<IpAddress, BfdKey?>();
        await SendAsync(new Hello(Hello.Current, 0, 0).WriteTo(frame));
        while (true)
        {
            IReadOnlyCollection<IpAddress> peers;
            BfdKey? key;
            lock (_door)
                (peers, key) = (_peers, _key);
            foreach (var gone in told.Keys.Except(peers).ToList())
            {
                told.Remove(gone);
                await SendAsync(NameFrame.Write(frame, new SessionName(local, gone)));
            }

            foreach (var peer in peers)
            {
                if (told.TryGetValue(peer, out var before) && Equals(before, key))
                    continue;
                told[peer] = key;
                await SendAsync(WishFrame.Write(frame, new SessionWish(new SessionName(local, peer), settings, key)));
            }

            await _news.Reader.ReadAsync(stop);
        }

        async ValueTask SendAsync(int size)
        {
            for (ReadOnlyMemory<byte> rest = frame.AsMemory(0, size); rest.Length > 0;)
                rest = rest[await socket.SendAsync(rest, stop)..];
        }
    }

    private void Leave(Action change)
    {
        lock (_door)
            change();
        _news.Writer.TryWrite(true);
    }

    /// <summary>What the bfd process says, from connecting to the end.</summary>
    private sealed class Conversation(BfdClient client, IpAddress local, Action started)
    {
        private bool _introduced;
        private bool _started;
        private bool _complained;

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
                case FrameKind.Hello when Hello.TryParse(body, out var hello) && hello.Version == Hello.Current:
                    Introduce(hello);
                    return true;
                case FrameKind.Listening when _introduced && ListenFrame.TryParse(body, out var news):
                    On(news);
                    return true;
                case FrameKind.Transition when _introduced && TransitionFrame.TryParse(body, out var transition):
                    client.On(transition, local);
                    return true;
                case FrameKind.Figures when _introduced:
                    return FiguresFrame.TryParse(body, client.Figures);
                default:
                    return false;
            }
        }

        private void Introduce(Hello hello)
        {
            (_introduced, client.Process) = (true, hello);
            if (hello.SchedulingError == 0)
                client.LogHeld("in real time");
            else
                client.LogHeld($"without real-time scheduling ({new Win32Exception(hello.SchedulingError).Message}), no faster than each {hello.Floor / 1000} ms");
            // Without a peer nothing needs to be listened on, and nobody will say that it is.
            if (client.HasNoPeers)
                Start();
        }

        private void On(ListenNews news)
        {
            if (news.Local != local)
                return;
            if (news.Error == 0)
                Start();
            else if (!_complained)
                client.LogDeaf(local, new Win32Exception(news.Error).Message);
            _complained = news.Error != 0;
        }

        private void Start()
        {
            if (!_started)
                started();
            _started = true;
        }
    }

    private bool HasNoPeers
    {
        get
        {
            lock (_door)
                return _peers.Count == 0;
        }
    }

    private void LogHeld(string how) => log.LogInformation("sessions are held by the bfd process, {How}", how);

    private void LogDeaf(IpAddress local, string failure) => log.LogWarning("the bfd process cannot listen on {Local}: {Failure}", local, failure);

    private void On(BfdTransition<SessionName> transition, IpAddress local)
    {
        if (transition.Peer.Local == local)
            onTransition(new(transition.Peer.Peer, transition.From, transition.State, transition.Diagnostic, transition.RemoteState));
    }
}
