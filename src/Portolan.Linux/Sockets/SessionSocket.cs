using System.Net;
using System.Net.Sockets;
using System.Runtime.InteropServices;

namespace Portolan.Linux.Sockets;

/// <summary>
/// A TCP connection with a neighbour whose every call returns at once, for a thread that waits with <see cref="DeadlineWait"/>. Reading and
/// writing throw nothing and allocate nothing; what failed is told as an errno.
/// </summary>
public sealed partial class SessionSocket : IDisposable
{
    private const int DontWait = 0x40; // MSG_DONTWAIT
    private const int NoSignal = 0x4000; // MSG_NOSIGNAL
    private const int Again = 11; // EAGAIN
    private const int Interrupted = 4; // EINTR

    private SessionSocket(Socket socket) => Socket = socket;

    /// <summary>For <see cref="DeadlineWait"/>.</summary>
    public Socket Socket { get; }

    /// <summary>Our end, once connected.</summary>
    public IPEndPoint Local => (IPEndPoint)Socket.LocalEndPoint!;

    /// <summary>Begins to connect; the socket becomes writable when that has ended, and <see cref="TakeError"/> tells how.</summary>
    /// <param name="remote">The neighbour; a link-local address has its interface as scope.</param>
    /// <param name="source">Our end; null: what the routes say.</param>
    /// <param name="options">What to ask of the kernel.</param>
    /// <exception cref="SocketException">It cannot even begin: no route, no such interface or address, or an option was refused.</exception>
    public static SessionSocket Dial(IPEndPoint remote, IPAddress? source, SessionSocketOptions options)
    {
        var socket = new Socket(remote.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { Blocking = false };
        try
        {
            BoundLink.Bind(socket, options.Link);
            options.Apply(socket);
            if (options.Password.Length > 0)
                TcpMd5Key.For(remote.Address, options.Password).Set(socket);
            if (source is not null)
                socket.Bind(new IPEndPoint(source, 0));
            try
            {
                socket.Connect(remote);
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.WouldBlock or SocketError.InProgress)
            {
                // It goes on.
            }

            return new SessionSocket(socket);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    /// <summary>A connection that a listener accepted.</summary>
    /// <exception cref="SocketException">An option was refused, or the neighbour is gone again, or further away than it may be.</exception>
    internal static SessionSocket Adopt(Socket accepted, SessionSocketOptions options)
    {
        accepted.Blocking = false;
        options.Apply(accepted);
        // What came before that was let in: so the first packet's own TTL counts, which the whole exchange of them began with.
        if (options.LeastTtl > 0 && SavedSyn.Ttl(accepted) < options.LeastTtl)
            throw new SocketException((int)SocketError.AccessDenied, "it is further away than it may be (TTL security)");
        if (options.Password.Length > 0)
            AskForSignatures(accepted, options.Password);
        return new SessionSocket(accepted);
    }

    // It has the listener's key, unless it was made before the listener had one: then nothing of what it says without a signature is to be heard from here on.
    private static void AskForSignatures(Socket accepted, string password)
    {
        try
        {
            TcpMd5Key.For(((IPEndPoint)accepted.RemoteEndPoint!).Address, password).Set(accepted);
        }
        catch (SocketException failure) when (failure.SocketErrorCode is SocketError.InvalidArgument)
        {
            // Some kernels before 5.8 take no key once a connection is made.
        }
    }

    /// <summary>The error that the kernel has kept for this socket (SO_ERROR), which it forgets by that; 0: none.</summary>
    public int TakeError()
    {
        Span<byte> value = stackalloc byte[4];
        Socket.GetRawSocketOption(1, 4, value);
        return BitConverter.ToInt32(value);
    }

    /// <summary>Reads what is there.</summary>
    /// <param name="buffer">Where to.</param>
    /// <param name="errno">Why the connection is broken; 0 when it is not.</param>
    /// <returns>Bytes; 0: the other side has ended; -1: nothing is there, or the connection is broken.</returns>
    public int Receive(Span<byte> buffer, out int errno)
    {
        nint count;
        do
        {
            count = Receive(Socket.SafeHandle, buffer, (nuint)buffer.Length, DontWait);
            errno = count < 0 ? Marshal.GetLastPInvokeError() : 0;
        }
        while (errno == Interrupted);
        errno = errno == Again ? 0 : errno;
        return (int)count;
    }

    /// <summary>Sends what the kernel takes.</summary>
    /// <param name="bytes">What to send.</param>
    /// <param name="errno">Why the connection is broken; 0 when it is not.</param>
    /// <returns>Bytes taken, perhaps none.</returns>
    public int Send(ReadOnlySpan<byte> bytes, out int errno)
    {
        nint count;
        do
        {
            count = Send(Socket.SafeHandle, bytes, (nuint)bytes.Length, DontWait | NoSignal);
            errno = count < 0 ? Marshal.GetLastPInvokeError() : 0;
        }
        while (errno == Interrupted);
        errno = errno == Again ? 0 : errno;
        return (int)Math.Max(0, count);
    }

    /// <summary>Says that nothing more comes; what was sent before still arrives.</summary>
    public void FinishSending()
    {
        try
        {
            Socket.Shutdown(SocketShutdown.Send);
        }
        catch (SocketException)
        {
            // The other side was faster.
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Socket.Dispose();

    [LibraryImport("libc", EntryPoint = "recv", SetLastError = true)]
    private static partial nint Receive(SafeSocketHandle socket, Span<byte> buffer, nuint size, int flags);

    [LibraryImport("libc", EntryPoint = "send", SetLastError = true)]
    private static partial nint Send(SafeSocketHandle socket, ReadOnlySpan<byte> buffer, nuint size, int flags);
}
