using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Portolan.Linux.Links;
using Portolan.Linux.Sockets;
using Portolan.Protocols.Arp;

namespace Portolan.Speaker.Layer2;

/// <summary>One interface on which addresses are announced: its socket, its responder, and the task that answers. Ends with its socket.</summary>
internal sealed class ArpInterface : IDisposable
{
    private const long ConflictNoteEvery = 10_000; // milliseconds

    private readonly ArpSocket _socket;
    private readonly ArpResponder _responder;
    private readonly ArpCounters _counters;
    private readonly ILogger _log;
    private volatile bool _disposed;
    private long _nextConflictNote;

    private ArpInterface(Link link, ArpSocket socket, ArpCounters counters, ILogger log)
    {
        Span<byte> mac = stackalloc byte[MacAddress.Size];
        link.Address.WriteTo(mac);
        (Link, _socket, _counters, _log) = (link, socket, counters, log);
        _responder = new ArpResponder(MacAddress.Read(mac));
    }

    /// <summary>The interface as it was when the socket was opened.</summary>
    public Link Link { get; }

    /// <summary>Begins to answer on an interface.</summary>
    /// <param name="link">The interface; what answers say is its present hardware address.</param>
    /// <param name="socket">Open on it; belongs to the result.</param>
    /// <param name="counters">Counts.</param>
    /// <param name="log">Told of conflicts.</param>
    /// <param name="onEnd">Called once, from another thread, when the interface fails by itself.</param>
    public static ArpInterface Start(Link link, ArpSocket socket, ArpCounters counters, ILogger log, Action<ArpInterface> onEnd)
    {
        var started = new ArpInterface(link, socket, counters, log);
        _ = Task.Run(() => started.AnswerAsync(onEnd));
        return started;
    }

    /// <summary>Starts answering.</summary>
    /// <returns>False when it did already.</returns>
    public bool Announce(IPv4 address) => _responder.Announce(address);

    /// <summary>Stops answering, from this very moment on.</summary>
    public bool Withdraw(IPv4 address) => _responder.Withdraw(address);

    public bool Announces(IPv4 address) => _responder.Announces(address);

    /// <summary>Tells every neighbour whose address it is now, in both forms, for each form alone is ignored by somebody.</summary>
    public void SendGratuitous(IPv4 address)
    {
        Span<byte> frame = stackalloc byte[ArpFrame.Size];
        try
        {
            ArpFrame.GratuitousRequest(_responder.Mac, address).WriteTo(frame);
            _socket.Send(frame);
            _counters.Gratuitous(address);
            ArpFrame.GratuitousReply(_responder.Mac, address).WriteTo(frame);
            _socket.Send(frame);
            _counters.Gratuitous(address);
        }
        catch (Exception failure) when (failure is SocketException or ObjectDisposedException)
        {
            _log.LogDebug("{Interface}: gratuitous ARP for {Address} was not sent: {Failure}", Link.Name, address, failure.Message);
        }
    }

    public void Dispose()
    {
        _disposed = true;
        _socket.Dispose();
    }

    // Whoever claims an address may do so a thousand times a second; the log says it once in a while.
    private void NoteConflict(ArpPacket claim)
    {
        var now = Environment.TickCount64;
        if (now < _nextConflictNote)
            return;
        _nextConflictNote = now + ConflictNoteEvery;
        _log.LogWarning("{Interface}: {Mac} claims {Address}, which this node announces", Link.Name, claim.SenderMac, claim.Target);
    }

    private void Answer(IPv4 address, ReadOnlySpan<byte> answer)
    {
        try
        {
            _socket.Send(answer);
            _counters.Response(address);
        }
        catch (SocketException full) when (full.SocketErrorCode is SocketError.NoBufferSpaceAvailable)
        {
            // The interface's queue is full: the client asks again in a second.
        }
    }

    // Nothing is allocated per request: the buffers, the sender's address and the state machine of this method are made once.
    private async Task AnswerAsync(Action<ArpInterface> onEnd)
    {
        var frame = new byte[128];
        var answer = new byte[ArpFrame.Size];
        try
        {
            while (true)
            {
                var length = await _socket.ReceiveAsync(frame).ConfigureAwait(false);
                var verdict = _responder.Handle(frame.AsSpan(0, length), (PacketType)_socket.PacketType, out var request, answer);
                switch (verdict)
                {
                    case ArpRejection.None:
                        _counters.Request(request.Target);
                        Answer(request.Target, answer);
                        break;
                    case ArpRejection.Conflict:
                        NoteConflict(request);
                        break;
                }
            }
        }
        catch (Exception failure)
        {
            // The task's top. Closing the socket is how it is told to end; an interface that went down is ordinary; anything else is a fault.
            if (_disposed)
                return;
            _log.Log(failure is SocketException ? LogLevel.Information : LogLevel.Error, failure, "{Interface}: not answering any more", Link.Name);
            onEnd(this);
        }
    }
}
