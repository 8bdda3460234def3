using System.Collections.Concurrent;
using System.Net.Sockets;
using Portolan.Bfd;
using Portolan.Bfd.Frames;
using Portolan.Protocols.Bfd;
using Portolan.Rig;

namespace Portolan.Soak.Bgp;

/// <summary>
/// The published bfd process, and a speaker that leaves it no rest: on top of the sessions that are meant to stay, it asks for others that nobody answers and takes
/// them back, in whatever way, some hundred times a second. So the process allocates, opens sockets, collects garbage, which it does not by itself.
/// </summary>
internal sealed class RestlessSpeaker : IBfdSide
{
    private const int MostOthers = 100;
    private static readonly TimeSpan Pause = TimeSpan.FromMilliseconds(2);
    private readonly BfdDaemon _daemon;
    private readonly Socket _socket = new(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
    private readonly ConcurrentQueue<BfdChange> _changes = [];
    private readonly HashSet<SessionName> _kept;
    private readonly List<SessionName> _others = [];
    private readonly BfdSettings _settings;
    private readonly string _local;
    private readonly string _nobody;
    private readonly byte[] _frame = new byte[Frame.MaxSize];
    private readonly byte[] _heard = new byte[64 * Frame.MaxSize];
    private readonly Thread _thread;
    private int _length;
    private int _failed;
    private volatile bool _isOver;

    /// <param name="where">The process's network namespace.</param>
    /// <param name="sessions">Those that stay, with our address first.</param>
    /// <param name="settings">Of all of them.</param>
    /// <param name="nobody">The first two numbers of a network where nobody answers.</param>
    public RestlessSpeaker(NetworkNamespace where, IReadOnlyList<(string Local, string Peer)> sessions, BfdSettings settings, string nobody)
    {
        (_settings, _local, _nobody) = (settings, sessions[0].Local, nobody);
        _kept = [.. sessions.Select(session => BfdNode.Name(session.Local, session.Peer))];
        _daemon = new BfdDaemon(where);
        _thread = new Thread(Run) { IsBackground = true };
        _thread.Start();
    }

    /// <inheritdoc/>
    public int Id => _daemon.Id;

    /// <inheritdoc/>
    public IReadOnlyList<BfdChange> Changes => [.. _changes];

    /// <summary>How late the process's thread was woken, as last told.</summary>
    public LoopFigures Figures { get; } = new();

    /// <summary>How often it asked for something.</summary>
    public long Asked { get; private set; }

    /// <summary>Why it is not there any more; null while it is.</summary>
    public string? Failure => _failed == 0 ? null : "the conversation with the bfd process has ended";

    public void Dispose()
    {
        _isOver = true;
        _thread.Join();
        _socket.Dispose();
        _daemon.Dispose();
    }

    private void Run()
    {
        try
        {
            while (!File.Exists(_daemon.Socket) && !_isOver)
                Thread.Sleep(Pause);
            _socket.Connect(new UnixDomainSocketEndPoint(_daemon.Socket));
            Send(new Hello(Hello.Current, 0, 0).WriteTo(_frame));
            foreach (var name in _kept)
                Send(WishFrame.Write(_frame, new SessionWish(name, _settings, null)));
            for (; !_isOver; Thread.Sleep(Pause))
            {
                Listen();
                Ask();
            }
        }
        catch (Exception failure) when (failure is SocketException or IOException)
        {
            Interlocked.Increment(ref _failed);
        }
    }

    private void Ask()
    {
        Asked++;
        if (_others.Count > 0 && (_others.Count >= MostOthers || Random.Shared.Next(2) == 0))
        {
            var place = Random.Shared.Next(_others.Count);
            Send(ForgetFrame.Write(_frame, _others[place], planned: Random.Shared.Next(2) == 0));
            _others.RemoveAt(place);
            return;
        }

        var name = BfdNode.Name(_local, $"{_nobody}.{Random.Shared.Next(256)}.{1 + Random.Shared.Next(254)}");
        if (_others.Contains(name))
            return;
        _others.Add(name);
        Send(WishFrame.Write(_frame, new SessionWish(name, _settings, null)));
    }

    private void Send(int size)
    {
        for (var rest = _frame.AsSpan(0, size); rest.Length > 0;)
            rest = rest[_socket.Send(rest)..];
    }

    private void Listen()
    {
        while (_socket.Available > 0)
        {
            var count = _socket.Receive(_heard.AsSpan(_length));
            if (count == 0)
                throw new IOException("the bfd process has gone");
            var (length, read) = (_length + count, 0);
            for (int size; (size = Frame.TryRead(_heard.AsSpan(read, length - read), out var kind, out var body)) > 0; read += size)
                Hear(kind, body);
            _length = length - read;
            _heard.AsSpan(read, _length).CopyTo(_heard);
        }
    }

    private void Hear(FrameKind kind, ReadOnlySpan<byte> body)
    {
        if (kind is FrameKind.Figures)
            FiguresFrame.TryParse(body, Figures);
        else if (kind is FrameKind.Transition && TransitionFrame.TryParse(body, out var transition) && _kept.Contains(transition.Peer) && (transition.From is BfdState.Up) != (transition.State is BfdState.Up))
            _changes.Enqueue(new BfdChange(DateTime.UtcNow, transition.Peer.Peer.ToString(), transition.State is BfdState.Up));
    }
}
