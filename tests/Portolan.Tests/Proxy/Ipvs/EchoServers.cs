using System.Net;
using System.Net.Sockets;
using System.Text;
using Portolan.Core.Cluster;

namespace Portolan.Tests.Proxy.Ipvs;

/// <summary>Pods that answer every line of a connection with their name and the line, for as long as the connection lasts.</summary>
internal sealed class EchoServers : IDisposable
{
    private const ushort Port = 7000;
    private readonly List<Socket> _listeners = [];

    internal EchoServers(IReadOnlyList<NetworkNamespace> pods)
    {
        for (var i = 0; i < pods.Count; i++)
        {
            var listener = pods[i].Inside(() =>
            {
                var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
                socket.Bind(new IPEndPoint(IPAddress.Any, Port));
                socket.Listen(512);
                return socket;
            });
            _listeners.Add(listener);
            _ = AcceptAsync(listener, $"pod{i}");
        }
    }

    /// <summary>The slice of these pods.</summary>
    internal static EndpointSliceFacts Slice(IEnumerable<int> pods) => ForwardingLab.Slice(pods) with { Ports = [new EndpointPort("", Protocol.Tcp, Port)] };

    /// <summary>A connection from a namespace.</summary>
    internal Client Connect(NetworkNamespace from, IPEndPoint to) => from.Inside(() =>
    {
        var socket = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp) { ReceiveTimeout = 5000, SendTimeout = 5000, LingerState = new LingerOption(true, 0) };
        socket.Connect(to);
        return new Client(socket);
    });

    public void Dispose()
    {
        foreach (var listener in _listeners)
            listener.Dispose();
    }

    private static async Task AcceptAsync(Socket listener, string name)
    {
        try
        {
            while (true)
                _ = ServeAsync(await listener.AcceptAsync(), name);
        }
        catch (Exception e) when (e is SocketException or ObjectDisposedException)
        {
            // The test is over.
        }
    }

    private static async Task ServeAsync(Socket client, string name)
    {
        using (client)
        {
            var buffer = new byte[200];
            try
            {
                while (await client.ReceiveAsync(buffer) is > 0 and var length)
                    await client.SendAsync(Encoding.ASCII.GetBytes($"{name} {Encoding.ASCII.GetString(buffer, 0, length)}"));
            }
            catch (SocketException)
            {
                // Reset.
            }
        }
    }

    /// <summary>A connection.</summary>
    internal sealed class Client(Socket socket) : IDisposable
    {
        /// <summary>Sends a line and reads the answer.</summary>
        internal string Say(string line)
        {
            socket.Send(Encoding.ASCII.GetBytes(line));
            var buffer = new byte[200];
            return Encoding.ASCII.GetString(buffer, 0, socket.Receive(buffer));
        }

        /// <summary>Ends it at once.</summary>
        internal void Reset() => socket.Dispose();

        public void Dispose() => socket.Dispose();
    }
}
