using System.Net.Sockets;

namespace Portolan.Linux.Netlink;

/// <summary>
/// What the kernel tells everyone who listens: a socket subscribed to multicast groups, read asynchronously.
/// It belongs to the network namespace of the thread that opened it.
/// </summary>
public sealed class NetlinkNotifications : IDisposable
{
    private readonly Socket _socket;
    private readonly byte[] _buffer = new byte[128 * 1024];

    private NetlinkNotifications(Socket socket) => _socket = socket;

    /// <summary>Subscribes to groups (RTNLGRP_…, NFNLGRP_…: numbers, not bit masks).</summary>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public static NetlinkNotifications Open(NetlinkFamily family, params ReadOnlySpan<int> groups)
    {
        var handle = NetlinkSocket.OpenHandle(family, out _);
        try
        {
            foreach (var group in groups)
                NetlinkSocket.SetOption(handle, Interop.SolNetlink, Interop.AddMembership, group, $"join netlink group {group}");
            return new NetlinkNotifications(new Socket(handle));
        }
        catch
        {
            handle.Dispose();
            throw;
        }
    }

    /// <summary>Waits for the next datagram; read it with <see cref="NetlinkMessages"/>. It is valid until the next call.</summary>
    /// <exception cref="NetlinkException">
    /// With <see cref="NetlinkException.IsOverrun"/>: notifications were lost; read the state again, then go on receiving.
    /// </exception>
    public async ValueTask<ReadOnlyMemory<byte>> ReceiveAsync(CancellationToken cancellationToken)
    {
        try
        {
            var received = await _socket.ReceiveAsync(_buffer, cancellationToken).ConfigureAwait(false);
            return _buffer.AsMemory(0, received);
        }
        catch (SocketException e)
        {
            throw new NetlinkException("receive netlink notifications", e.SocketErrorCode is SocketError.NoBufferSpaceAvailable ? Errors.NoBuffers : e.NativeErrorCode);
        }
    }

    /// <inheritdoc/>
    public void Dispose() => _socket.Dispose();
}
