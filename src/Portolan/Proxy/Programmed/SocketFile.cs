using System.Net.Sockets;
using System.Text;

namespace Portolan.Proxy.Programmed;

/// <summary>A unix socket's place in the file system.</summary>
internal static class SocketFile
{
    // sun_path, unix(7): 108 with the zero at the end.
    private const int LongestPath = 107;

    /// <summary>Whether a socket can have this path.</summary>
    internal static bool IsPossible(string path) => Path.IsPathFullyQualified(path) && Encoding.UTF8.GetByteCount(path) <= LongestPath;

    /// <summary>Listens for this user alone. The file of a process that is dead is replaced; the socket's disposal removes it.</summary>
    /// <exception cref="IOException">Another process listens there, or something else than a socket has the name.</exception>
    internal static Socket Listen(string path)
    {
        var socket = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            Directory.CreateDirectory(Path.GetDirectoryName(path)!);
            RemoveStale(path);
            socket.Bind(new UnixDomainSocketEndPoint(path));

            // Nobody can connect before Listen, so nobody comes in by the mode that the file is born with.
            File.SetUnixFileMode(path, UnixFileMode.UserRead | UnixFileMode.UserWrite);
            socket.Listen(16);
            return socket;
        }
        catch (Exception failure)
        {
            socket.Dispose();
            throw failure is SocketException or UnauthorizedAccessException ? new IOException($"{path}: {failure.Message}", failure) : failure;
        }
    }

    private static void RemoveStale(string path)
    {
        if (!File.Exists(path))
            return;
        using var probe = new Socket(AddressFamily.Unix, SocketType.Stream, ProtocolType.Unspecified);
        try
        {
            probe.Connect(new UnixDomainSocketEndPoint(path));
        }
        catch (SocketException refusal) when (refusal.SocketErrorCode is SocketError.ConnectionRefused)
        {
            // Files refuse connections as dead sockets do, but a socket has no content.
            if (new FileInfo(path).Length > 0)
                throw new IOException($"{path}: this is a file, not a socket");
            File.Delete(path);
            return;
        }

        throw new IOException($"{path}: another process listens there");
    }
}
