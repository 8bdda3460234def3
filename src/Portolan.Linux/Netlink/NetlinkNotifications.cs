using System.Buffers.Binary;
using System.Net.Sockets;
using System.Runtime.InteropServices;

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

    /// <summary>Leaves out what this socket causes: the kernel drops it before it takes room in the buffer.</summary>
    /// <param name="portId"><see cref="NetlinkSocket.PortId"/> of the one to leave out.</param>
    /// <exception cref="NetlinkException">The kernel refused.</exception>
    public void Ignore(uint portId)
    {
        // A datagram holds the notifications of one transaction, so its first message speaks for all. Loads are in network order.
        ReadOnlySpan<ulong> program =
        [
            Instruction(0x20, 0, 0, 12), // load nlmsg_pid
            Instruction(0x15, 0, 1, BinaryPrimitives.ReverseEndianness(portId)),
            Instruction(0x06, 0, 0, 0),
            Instruction(0x06, 0, 0, uint.MaxValue),
        ];
        unsafe
        {
            fixed (ulong* instructions = program)
            {
                var filter = new Interop.SocketFilter { Length = (ushort)program.Length, Instructions = (nint)instructions };
                var bytes = MemoryMarshal.AsBytes(new ReadOnlySpan<Interop.SocketFilter>(in filter));
                if (Interop.SetSockOpt(_socket.SafeHandle, Interop.SolSocket, Interop.SoAttachFilter, bytes, bytes.Length) < 0)
                    throw new NetlinkException("filter netlink notifications", Marshal.GetLastPInvokeError());
            }
        }

        // struct sock_filter: code 16 bits, jump if true 8, if false 8, operand 32.
        static ulong Instruction(ushort code, byte whenTrue, byte whenFalse, uint operand) =>
            code | ((ulong)whenTrue << 16) | ((ulong)whenFalse << 24) | ((ulong)operand << 32);
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
