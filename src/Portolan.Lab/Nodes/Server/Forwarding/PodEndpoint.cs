using System.Net;
using System.Net.Sockets;

using Portolan.Lab.Network;

namespace Portolan.Lab.Nodes.Server.Forwarding;

/// <summary>Where the ports of a pod are: its uid, and the path of its network namespace.</summary>
internal sealed record PodEndpoint(string Uid, string NamespacePath)
{
    /// <summary>
    /// Connects to a port as the pod's own processes would, by its loopback address, IPv4 first.
    /// </summary>
    /// <exception cref="PodUnreachableException">Nothing listens there; the text is worded as a container runtime words it.</exception>
    public async Task<Socket> ConnectAsync(int port, CancellationToken cancel)
    {
        var (socket, why4) = await TryConnectAsync(IPAddress.Loopback, port, cancel).ConfigureAwait(false);
        if (socket is not null)
            return socket;
        (socket, var why6) = await TryConnectAsync(IPAddress.IPv6Loopback, port, cancel).ConfigureAwait(false);
        return socket ?? throw new PodUnreachableException(
            $"error forwarding port {port} to pod {Uid}, uid : failed to execute portforward in network namespace \"{NamespacePath}\": failed to connect to localhost:{port} " +
            $"inside namespace \"{Uid}\", IPv4: dial tcp4 127.0.0.1:{port}: {why4} IPv6 dial tcp6 [::1]:{port}: {why6} ");
    }

    private async Task<(Socket? Socket, string Why)> TryConnectAsync(IPAddress address, int port, CancellationToken cancel)
    {
        Socket? socket = null;
        try
        {
            // A socket belongs for ever to the namespace it was made in; connecting may happen anywhere.
            socket = NetworkNamespace.Run(NamespacePath, () => new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp) { NoDelay = true });
            await socket.ConnectAsync(address, port, cancel).ConfigureAwait(false);
            return (socket, "");
        }
        catch (Exception refused) when (refused is SocketException or IOException or System.ComponentModel.Win32Exception)
        {
            socket?.Dispose();
            return (null, refused is SocketException { SocketErrorCode: SocketError.ConnectionRefused } ? "connect: connection refused" : refused.Message);
        }
        catch
        {
            socket?.Dispose();
            throw;
        }
    }
}

/// <summary>A port of a pod that cannot be reached; the message is for the client's user.</summary>
internal sealed class PodUnreachableException(string message) : Exception(message);
