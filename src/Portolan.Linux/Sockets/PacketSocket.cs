using System.Net;
using System.Net.Sockets;

namespace Portolan.Linux.Sockets;

/// <summary>
/// Reads chosen frames that reach one interface, and writes whole Ethernet frames to it (AF_PACKET, packet(7)). Nothing is allocated per
/// frame. When the interface goes down or vanishes, receiving and sending fail with <see cref="SocketException"/>; open another then.
/// It belongs to the network namespace of the thread that opened it.
/// </summary>
public abstract class PacketSocket : IDisposable
{
    private static readonly int SenderSize = SocketAddress.GetMaximumAddressSize(AddressFamily.Packet);

    private readonly SocketAddress _sender = new(AddressFamily.Packet, SenderSize);
    private readonly Socket _socket;

    /// <param name="link">The interface's index.</param>
    /// <param name="etherType">Frames of this type only.</param>
    /// <param name="filter">Puts the filter on the socket.</param>
    /// <exception cref="SocketException">The kernel refused: no such interface, or no right to raw sockets (CAP_NET_RAW).</exception>
    private protected PacketSocket(int link, ushort etherType, Action<Socket> filter)
    {
        // Protocol 0 receives nothing: what arrives before interface and filter are set must not be queued.
        _socket = new Socket(AddressFamily.Packet, SocketType.Raw, 0);
        try
        {
            filter(_socket);
            _socket.Bind(new PacketAddress(etherType, link));
        }
        catch
        {
            _socket.Dispose();
            throw;
        }
    }

    /// <summary>Waits for the next frame. One caller at a time; disposing ends the wait.</summary>
    /// <param name="frame">Receives the frame from its destination address on; what does not fit is cut off.</param>
    /// <returns>The length of what was received; its kind is <see cref="PacketType"/>.</returns>
    /// <exception cref="SocketException">The interface is down or gone, or the socket was disposed (OperationAborted).</exception>
    public ValueTask<int> ReceiveAsync(Memory<byte> frame)
    {
        // Not awaited here: a method that waits would allocate its state for each frame, the socket has it made once.
        _sender.Size = SenderSize; // each receive leaves it as long as the address it found
        return _socket.ReceiveFromAsync(frame, SocketFlags.None, _sender);
    }

    /// <summary>How the link layer received the last frame: sll_pkttype, 0 for this host, 1 broadcast, 2 a group.</summary>
    public byte PacketType => PacketAddress.PacketType(_sender);

    /// <summary>Sends a whole frame. Any number of callers.</summary>
    /// <exception cref="SocketException">The interface is down or gone, or its queue is full.</exception>
    public void Send(ReadOnlySpan<byte> frame) => _socket.Send(frame, SocketFlags.None);

    /// <inheritdoc/>
    public void Dispose()
    {
        Dispose(disposing: true);
        GC.SuppressFinalize(this);
    }

    /// <inheritdoc cref="Dispose()"/>
    protected virtual void Dispose(bool disposing) => _socket.Dispose();
}
