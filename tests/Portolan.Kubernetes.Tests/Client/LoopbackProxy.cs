using System.Net;
using System.Net.Security;
using System.Net.Sockets;
using System.Security.Cryptography.X509Certificates;
using System.Text;

namespace Portolan.Kubernetes.Tests.Client;

/// <summary>A proxy on a loopback port: HTTP CONNECT, the same behind TLS, or SOCKS 5 (RFC 1928, 1929). It notes where it was asked to connect, and by whom.</summary>
internal sealed class LoopbackProxy : IAsyncDisposable
{
    private readonly TcpListener _listener = new(IPAddress.Loopback, 0);
    private readonly CancellationTokenSource _life = new();
    private readonly X509Certificate2? _certificate;
    private readonly bool _socks;
    private readonly Task _running;

    public LoopbackProxy(bool socks = false, X509Certificate2? certificate = null)
    {
        (_socks, _certificate) = (socks, certificate);
        _listener.Start();
        _running = AcceptAsync();
    }

    public int Port => ((IPEndPoint)_listener.LocalEndpoint).Port;

    /// <summary>Each tunnel asked for: <c>user:password@host:port</c>.</summary>
    public List<string> Tunnels { get; } = [];

    public async ValueTask DisposeAsync()
    {
        await _life.CancelAsync();
        _listener.Stop();
        await _running.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        _life.Dispose();
    }

    private async Task AcceptAsync()
    {
        while (true)
        {
            var client = await _listener.AcceptTcpClientAsync(_life.Token);
            _ = ServeAsync(client);
        }
    }

    private async Task ServeAsync(TcpClient client)
    {
        using (client)
            try
            {
                Stream stream = client.GetStream();
                if (_certificate is not null)
                {
                    var tls = new SslStream(stream);
                    await tls.AuthenticateAsServerAsync(_certificate);
                    stream = tls;
                }

                var (who, target) = _socks ? await SocksAsync(stream) : await ConnectAsync(stream);
                lock (Tunnels)
                    Tunnels.Add(who + target);
                using var server = new TcpClient();
                await server.ConnectAsync(IPAddress.Loopback, int.Parse(target.Split(':')[^1]));
                await stream.WriteAsync(_socks ? [5, 0, 0, 1, 127, 0, 0, 1, 0, 0] : Encoding.ASCII.GetBytes("HTTP/1.1 200 Connection established\r\n\r\n"));
                var other = server.GetStream();
                await Task.WhenAny(stream.CopyToAsync(other, _life.Token), other.CopyToAsync(stream, _life.Token));
            }
            catch (Exception e) when (e is IOException or SocketException or OperationCanceledException)
            {
                // Somebody hung up.
            }
    }

    private static async Task<(string Who, string Target)> ConnectAsync(Stream stream)
    {
        while (true)
        {
            var head = new StringBuilder();
            var one = new byte[1];
            while (!head.ToString().EndsWith("\r\n\r\n", StringComparison.Ordinal))
            {
                await stream.ReadExactlyAsync(one);
                head.Append((char)one[0]);
            }

            var lines = head.ToString().Split("\r\n");
            var target = lines[0].Split(' ')[1];
            var login = lines.FirstOrDefault(line => line.StartsWith("Proxy-Authorization: Basic ", StringComparison.OrdinalIgnoreCase));
            if (login is not null)
                return (Encoding.UTF8.GetString(Convert.FromBase64String(login.Split(' ')[2])) + "@", target);
            if (!target.Contains("login.example", StringComparison.Ordinal))
                return ("", target);
            await stream.WriteAsync(Encoding.ASCII.GetBytes("HTTP/1.1 407 Who are you\r\nProxy-Authenticate: Basic realm=\"test\"\r\nContent-Length: 0\r\n\r\n"));
        }
    }

    private static async Task<(string Who, string Target)> SocksAsync(Stream stream)
    {
        async Task<byte[]> ReadAsync(int count)
        {
            var bytes = new byte[count];
            await stream.ReadExactlyAsync(bytes);
            return bytes;
        }

        var who = "";
        var methods = await ReadAsync((await ReadAsync(2))[1]);
        if (methods.Contains((byte)2))
        {
            await stream.WriteAsync(new byte[] { 5, 2 });
            var user = Encoding.UTF8.GetString(await ReadAsync((await ReadAsync(2))[1]));
            var password = Encoding.UTF8.GetString(await ReadAsync((await ReadAsync(1))[0]));
            who = $"{user}:{password}@";
            await stream.WriteAsync(new byte[] { 1, 0 });
        }
        else
            await stream.WriteAsync(new byte[] { 5, 0 });

        var head = await ReadAsync(4);
        var host = head[3] switch
        {
            1 => new IPAddress(await ReadAsync(4)).ToString(),
            3 => Encoding.ASCII.GetString(await ReadAsync((await ReadAsync(1))[0])),
            _ => new IPAddress(await ReadAsync(16)).ToString(),
        };
        var port = await ReadAsync(2);
        return (who, $"{host}:{(port[0] << 8) | port[1]}");
    }
}
