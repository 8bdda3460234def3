using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Portolan.Core.Addresses;
using Portolan.Linux.Links;
using Portolan.Linux.Sockets;
using Portolan.Protocols.Arp;
using Portolan.Speaker.Layer2.Truth;

namespace Portolan.Speaker.Layer2;

/// <summary>
/// One interface on which addresses of one family are announced: its socket, and the task that answers. Ends with its socket.
/// </summary>
internal abstract class LinkResponder : IDisposable
{
    private readonly PacketSocket _socket;
    private readonly WireClaims _claims;
    private readonly ILogger _log;
    private volatile bool _disposed;

    private protected LinkResponder(Link link, PacketSocket socket, Layer2Counters counters, WireClaims claims, ILogger log)
    {
        Span<byte> mac = stackalloc byte[MacAddress.Size];
        link.Address.WriteTo(mac);
        (Link, _socket, Counters, _claims, _log, Mac) = (link, socket, counters, claims, log, MacAddress.Read(mac));
    }

    /// <summary>The interface as it was when the socket was opened.</summary>
    public Link Link { get; }

    /// <summary>The family that it answers for.</summary>
    public abstract IpFamily Family { get; }

    /// <summary>The interface's hardware address.</summary>
    public MacAddress Mac { get; }

    protected Layer2Counters Counters { get; }

    /// <summary>Starts answering.</summary>
    /// <param name="address">The address.</param>
    /// <param name="share">This node's share of the clients, in place of what was said before; null: all.</param>
    /// <returns>False when it did already.</returns>
    public abstract bool Announce(IpAddress address, NodeShare? share);

    /// <summary>Stops answering, from this very moment on.</summary>
    /// <returns>False when it did not answer.</returns>
    public abstract bool Withdraw(IpAddress address);

    public abstract bool Announces(IpAddress address);

    /// <summary>Asks whether somebody has an address, without claiming it.</summary>
    public abstract void Probe(IpAddress address);

    /// <summary>Asks for an address as a client does.</summary>
    /// <param name="address">The address.</param>
    /// <param name="asker">An address of this interface.</param>
    public abstract void Ask(IpAddress address, IpAddress asker);

    /// <summary>Tells every neighbour whose address it is now.</summary>
    public abstract void SendGratuitous(IpAddress address);

    /// <summary>Those who asked for shared addresses and found them here, as far as they are remembered.</summary>
    public abstract IEnumerable<SharedClient> OwnClients();

    /// <summary>Remembers a client that another node heard.</summary>
    /// <returns>Whether it is one that is to be answered here, and was not known.</returns>
    public abstract bool Learn(SharedClient client);

    /// <summary>Tells some of those who asked for shared addresses whose these are now, and nobody else.</summary>
    /// <param name="select">Which: by the address asked for and the client.</param>
    public abstract void TellAskers(Func<IpAddress, MacAddress, bool> select);

    /// <summary>The interface's addresses have changed: tries again what could not be done before.</summary>
    public virtual void Refresh()
    {
    }

    public void Dispose()
    {
        _disposed = true;
        _socket.Dispose();
    }

    /// <summary>Begins to answer.</summary>
    /// <param name="onEnd">Called once, from another thread, when the interface fails by itself.</param>
    protected void Start(Action<LinkResponder> onEnd) => _ = Task.Run(() => AnswerAsync(onEnd));

    /// <summary>Deals with a frame. Nothing may be allocated for one that is answered.</summary>
    protected abstract void Handle(ReadOnlySpan<byte> frame, PacketType type);

    /// <summary>Answers a client.</summary>
    protected void Answer(IpAddress address, ReadOnlySpan<byte> answer)
    {
        Counters.Request(address);
        try
        {
            _socket.Send(answer);
            Counters.Response(address);
        }
        catch (SocketException full) when (full.SocketErrorCode is SocketError.NoBufferSpaceAvailable)
        {
            // The interface's queue is full: the client asks again in a second.
        }
    }

    /// <summary>Sends what nobody asked for; that it could not be sent is no fault of the caller's.</summary>
    protected void SendGratuitous(IpAddress address, ReadOnlySpan<byte> frame)
    {
        try
        {
            _socket.Send(frame);
            Counters.Gratuitous(address);
        }
        catch (Exception failure) when (failure is SocketException or ObjectDisposedException)
        {
            _log.LogDebug("{Interface}: {Address} was not announced: {Failure}", Link.Name, address, failure.Message);
        }
    }

    /// <summary>Another station said that it has an address, or that it is about to.</summary>
    protected void Overhear(IpAddress address, MacAddress mac, bool isProbe = false)
    {
        if (mac != Mac)
            _claims.Heard(address, mac, Link.Name, isProbe);
    }

    /// <summary>Sends what nobody needs to hear; that it could not be sent is no fault of the caller's.</summary>
    protected void TrySend(ReadOnlySpan<byte> frame)
    {
        try
        {
            _socket.Send(frame);
        }
        catch (Exception failure) when (failure is SocketException or ObjectDisposedException)
        {
            _log.LogDebug("{Interface}: a question was not sent: {Failure}", Link.Name, failure.Message);
        }
    }

    // Nothing is allocated per request: the buffer, the sender's address and the state machine of this method are made once.
    private async Task AnswerAsync(Action<LinkResponder> onEnd)
    {
        var frame = new byte[512];
        try
        {
            while (true)
            {
                var length = await _socket.ReceiveAsync(frame).ConfigureAwait(false);
                Handle(frame.AsSpan(0, length), (PacketType)_socket.PacketType);
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
