using System.Net.Sockets;

using Portolan.Lab.Commands;

namespace Portolan.Lab.Supervision;

/// <summary>One <c>up</c> or <c>down</c> of a lab at a time. An abstract socket name: it is no file, and the kernel frees it however the holder ends.</summary>
internal sealed class LabLock : IDisposable
{
    private readonly Socket _socket;

    private LabLock(Socket socket) => _socket = socket;

    /// <exception cref="LabException">Another command holds it.</exception>
    public static LabLock Take(LabLayout layout)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            socket.Bind(new UnixDomainSocketEndPoint($"\0portolan-lab-{layout.Name}"));
            return new LabLock(socket);
        }
        catch (SocketException e) when (e.SocketErrorCode == SocketError.AddressAlreadyInUse)
        {
            socket.Dispose();
            throw new LabException($"another 'portolan lab up' or 'down' of lab '{layout.Name}' is running: wait for it to end");
        }
    }

    public void Dispose() => _socket.Dispose();
}
