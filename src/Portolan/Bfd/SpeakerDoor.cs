using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Portolan.Bfd.Frames;
using Portolan.Linux.Sockets;
using Portolan.Protocols.Bfd;
using Portolan.Proxy.Programmed;

namespace Portolan.Bfd;

/// <summary>
/// The bfd process's end of the conversation with the speaker, on the thread that holds the sessions: it never waits for the speaker. One that does not
/// read what it is told is as good as dead, and is sent away.
/// </summary>
internal sealed class SpeakerDoor : IDisposable
{
    private const int MostSessions = 4096;
    private const long RememberFor = 60_000_000;

    private readonly DeadlineWait _wait;
    private readonly Hello _hello;
    private readonly ILogger _log;
    private readonly Socket _door;
    private readonly byte[] _heard = new byte[16 * Frame.MaxSize];
    private readonly byte[] _frame = new byte[Frame.MaxSize];
    private Socket? _speaker;
    private int _length;
    private bool _introduced;
    private bool _broken;

    /// <param name="path">The unix socket's path.</param>
    /// <param name="wait">What the thread waits with.</param>
    /// <param name="hello">What this process says of itself.</param>
    /// <param name="log">Told of the speaker's coming and going.</param>
    /// <exception cref="IOException">The path is taken, or cannot be written.</exception>
    public SpeakerDoor(string path, DeadlineWait wait, Hello hello, ILogger log)
    {
        (_wait, _hello, _log) = (wait, hello, log);
        _door = SocketFile.Listen(path);
        _door.Blocking = false;
        _wait.Add(_door);
    }

    /// <summary>Whether there is a speaker to hold sessions for.</summary>
    public bool HasSpeaker => _speaker is not null;

    /// <summary>Lets a speaker in, and does what it says.</summary>
    public void Serve(SessionLoop loop)
    {
        // In this order: a speaker that came back is let in once the end of its former life has been read.
        if (_speaker is not null)
            Read(loop);
        if (_wait.IsReady(_door))
            Accept();
    }

    /// <summary>Tells the speaker of a session's change.</summary>
    public void Tell(BfdTransition<SessionName> transition) => Send(TransitionFrame.Write(_frame, transition));

    /// <summary>Tells the speaker whether an address is listened on.</summary>
    public void Tell(ListenNews news) => Send(ListenFrame.Write(_frame, news));

    /// <summary>Tells the speaker what has been counted.</summary>
    public void Tell(LoopFigures figures) => Send(FiguresFrame.Write(_frame, figures));

    /// <summary>Tells the speaker how it is with a session.</summary>
    public void Tell(SessionFigures figures) => Send(SessionFrame.Write(_frame, figures));

    public void Dispose()
    {
        _speaker?.Dispose();
        _door.Dispose();
    }

    private void Accept()
    {
        Socket visitor;
        try
        {
            visitor = _door.Accept();
        }
        catch (SocketException)
        {
            return; // it has gone again
        }

        if (_speaker is not null)
        {
            _log.LogWarning("there is a speaker already: another one is sent away");
            visitor.Dispose();
            return;
        }

        visitor.Blocking = false;
        (_speaker, _length, _introduced, _broken) = (visitor, 0, false, false);
        _wait.Add(visitor);
        Send(_hello.WriteTo(_frame));
        _log.LogInformation("a speaker is here");
    }

    private void Read(SessionLoop loop)
    {
        if (!_broken && _wait.IsReady(_speaker!))
        {
            var count = _speaker!.Receive(_heard.AsSpan(_length), SocketFlags.None, out var error);
            if (error is SocketError.Success && count > 0)
                Obey(_length + count, loop);
            else
                _broken |= error is not (SocketError.WouldBlock or SocketError.Interrupted);
        }

        if (_broken)
            Lose(loop);
    }

    // Whoever believes us believes that addresses of this node are answered for. Without a speaker they are not, whatever it died of: so all are told in
    // the same instant, and none waits for the end of a detection time. The sessions stay for a while, administratively down, so that those that the speaker
    // wants when it comes back come up at once again.
    private void Lose(SessionLoop loop)
    {
        _wait.Remove(_speaker!);
        _speaker!.Dispose();
        _speaker = null;
        _log.LogWarning("the speaker is gone: {Sessions} sessions are taken down", loop.Count);
        loop.SayFarewell();
        loop.ForgetLater(RememberFor);
    }

    private void Obey(int length, SessionLoop loop)
    {
        var read = 0;
        while (!_broken)
        {
            var size = Frame.TryRead(_heard.AsSpan(read, length - read), out var kind, out var body);
            if (size == 0)
                break;
            if (size < 0 || !Obey(kind, body, loop))
            {
                _log.LogError("the speaker says what cannot be understood ({Kind}): it is sent away", kind);
                _broken = true;
                return;
            }

            read += size;
        }

        _length = length - read;
        _heard.AsSpan(read, _length).CopyTo(_heard);
    }

    private bool Obey(FrameKind kind, ReadOnlySpan<byte> body, SessionLoop loop)
    {
        switch (kind)
        {
            case FrameKind.Hello:
                _introduced = Hello.TryParse(body, out var hello) && hello.Version == Hello.Current;
                if (hello.Version != Hello.Current)
                    _log.LogError("the speaker speaks version {Theirs}, this bfd process {Ours}: both containers of a pod must be of one image", hello.Version, Hello.Current);
                return _introduced;
            case FrameKind.Want when _introduced && loop.Count < MostSessions && WishFrame.TryParse(body, out var wish):
                loop.Want(wish);
                return true;
            case FrameKind.Forget when _introduced && ForgetFrame.TryParse(body, out var name, out var planned):
                if (planned)
                    loop.Dismiss(name);
                else
                    loop.Forget(name);
                return true;
            default:
                return false;
        }
    }

    private void Send(int size)
    {
        if (_speaker is null || _broken)
            return;
        var sent = _speaker.Send(_frame.AsSpan(0, size), SocketFlags.None, out var error);
        if (error is SocketError.Success && sent == size)
            return;
        // Not here: this may be in the middle of a turn.
        _broken = true;
        _wait.Wake();
    }
}
