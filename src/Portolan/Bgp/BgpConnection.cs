using Portolan.Linux.Sockets;

namespace Portolan.Bgp;

/// <summary>What a connection is doing.</summary>
internal enum ConnectionPhase : byte
{
    /// <summary>The handshake is not over.</summary>
    Connecting,

    /// <summary>Messages go both ways.</summary>
    Open,

    /// <summary>The last bytes go out, what comes in is thrown away.</summary>
    Closing,

    /// <summary>Over.</summary>
    Closed,
}

/// <summary>A TCP connection with a neighbour, and what waits to be sent on it. The loop's thread only.</summary>
/// <param name="socket">Owned.</param>
/// <param name="isIncoming">The neighbour made it.</param>
internal sealed class BgpConnection(SessionSocket socket, bool isIncoming) : IDisposable
{
    /// <summary>So many bytes of routes at a time: what the kernel takes at once, more or less.</summary>
    public const int BufferSize = 64 * 1024;

    private byte[] _waiting = new byte[4096];
    private int _start;
    private int _end;

    /// <summary>The socket.</summary>
    public SessionSocket Socket => socket;

    /// <summary>The neighbour made it.</summary>
    public bool IsIncoming => isIncoming;

    /// <summary>What it is doing.</summary>
    public ConnectionPhase Phase { get; set; } = isIncoming ? ConnectionPhase.Open : ConnectionPhase.Connecting;

    /// <summary>When it is closed at the latest, microseconds, while it is closing.</summary>
    public long CloseBy { get; set; } = long.MaxValue;

    /// <summary>Why it is broken: an errno; 0: it is not.</summary>
    public int Error { get; private set; }

    /// <summary>What the interface has that it runs over: looked up while the other side is waited for, not when routes are.</summary>
    public SessionAddresses Addresses { get; set; }

    /// <summary>Bytes that the kernel has not taken yet.</summary>
    public int Waiting => _end - _start;

    /// <summary>Bytes that the kernel has taken.</summary>
    public long Taken { get; private set; }

    /// <summary>Puts bytes behind those that wait. Messages of the session are few and small: they always fit.</summary>
    public void Add(ReadOnlySpan<byte> bytes)
    {
        if (_waiting.Length - _end < bytes.Length)
            MakeRoom(bytes.Length);
        bytes.CopyTo(_waiting.AsSpan(_end));
        _end += bytes.Length;
    }

    /// <summary>Room for routes behind what waits; <see cref="Added"/> tells how much was used.</summary>
    public Span<byte> Room()
    {
        if (_waiting.Length < BufferSize)
            MakeRoom(BufferSize - Waiting);
        else if (_start == _end)
            (_start, _end) = (0, 0);
        return _waiting.AsSpan(_end);
    }

    /// <summary>So many bytes were written into the room.</summary>
    public void Added(int bytes) => _end += bytes;

    /// <summary>Sends what the kernel takes.</summary>
    /// <returns>Whether all is sent.</returns>
    public bool Flush()
    {
        while (_start < _end)
        {
            var size = _end - _start;
            var taken = socket.Send(_waiting.AsSpan(_start, size), out var error);
            if (error != 0)
            {
                Break(error);
                return true;
            }

            _start += taken;
            Taken += taken;
            if (taken < size)
                return false;
        }

        (_start, _end) = (0, 0);
        return true;
    }

    /// <summary>It is broken, by this errno; 0: it is not.</summary>
    public void Break(int error)
    {
        if (error == 0)
            return;
        Error = error;
        (_start, _end) = (0, 0);
    }

    public void Dispose() => socket.Dispose();

    private void MakeRoom(int bytes)
    {
        var needed = Waiting + bytes;
        var room = needed <= _waiting.Length ? _waiting : new byte[Math.Max(needed, Math.Min(BufferSize, 2 * _waiting.Length))];
        _waiting.AsSpan(_start, Waiting).CopyTo(room);
        (_waiting, _start, _end) = (room, 0, Waiting);
    }
}
