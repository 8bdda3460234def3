using System.Net.Sockets;
using System.Text;

namespace Portolan.Linux.Sockets;

/// <summary>A socket that uses one interface only (SO_BINDTODEVICE, socket(7)).</summary>
internal static class BoundLink
{
    private const int SocketLevel = 1;
    private const int BindToDevice = 25;

    /// <param name="socket">Not yet bound to an address.</param>
    /// <param name="link">The interface's name; empty: any interface.</param>
    /// <exception cref="SocketException">There is no such interface.</exception>
    internal static void Bind(Socket socket, string link)
    {
        if (link.Length > 0)
            socket.SetRawSocketOption(SocketLevel, BindToDevice, Encoding.ASCII.GetBytes(link));
    }
}
