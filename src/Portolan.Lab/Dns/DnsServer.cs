using System.Buffers.Binary;
using System.Net;
using System.Net.Sockets;

namespace Portolan.Lab.Dns;

/// <summary>Answers DNS over UDP and TCP (RFC 1035 §4.2) from one zone.</summary>
internal sealed class DnsServer(IPAddress address, int port, Func<DnsQuestion, List<DnsRecord>, DnsCode> resolve)
{
    private const int LongestMessage = 65535;
    private const int TcpConnections = 64;
    private static readonly TimeSpan _idle = TimeSpan.FromSeconds(10);

    /// <summary>Runs until cancelled. <paramref name="listening"/> is called once both sockets are bound.</summary>
    /// <exception cref="SocketException">The port is taken.</exception>
    public async Task RunAsync(Action<int> listening, CancellationToken ct)
    {
        using var udp = new Socket(address.AddressFamily, SocketType.Dgram, ProtocolType.Udp);
        using var tcp = new Socket(address.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        // The IPv6 wildcard is asked over IPv4, too.
        if (address.Equals(IPAddress.IPv6Any))
            udp.DualMode = tcp.DualMode = true;
        udp.Bind(new IPEndPoint(address, port));
        var bound = ((IPEndPoint)udp.LocalEndPoint!).Port;
        tcp.Bind(new IPEndPoint(address, bound));
        tcp.Listen();
        listening(bound);
        await await Task.WhenAny(DatagramsAsync(udp, ct), ConnectionsAsync(tcp, ct)).ConfigureAwait(false);
    }

    private async Task DatagramsAsync(Socket socket, CancellationToken ct)
    {
        var buffer = new byte[LongestMessage];
        var anyone = new IPEndPoint(address.AddressFamily is AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);
        while (true)
        {
            var received = await socket.ReceiveFromAsync(buffer, SocketFlags.None, anyone, ct).ConfigureAwait(false);
            if (Answer(buffer.AsSpan(0, received.ReceivedBytes), overUdp: true) is not { } answer)
                continue;
            try
            {
                await socket.SendToAsync(answer, SocketFlags.None, received.RemoteEndPoint, ct).ConfigureAwait(false);
            }
            catch (SocketException)
            {
                // The asker is unreachable by now; it will ask again if it still wants to know.
            }
        }
    }

    private async Task ConnectionsAsync(Socket listener, CancellationToken ct)
    {
        using var free = new SemaphoreSlim(TcpConnections);
        while (true)
        {
            await free.WaitAsync(ct).ConfigureAwait(false);
            var connection = await listener.AcceptAsync(ct).ConfigureAwait(false);
            _ = ServeAsync(connection, free, ct);
        }
    }

    private async Task ServeAsync(Socket socket, SemaphoreSlim free, CancellationToken ct)
    {
        try
        {
            using var stream = new NetworkStream(socket, ownsSocket: true);
            var length = new byte[2];
            while (true)
            {
                using var idle = CancellationTokenSource.CreateLinkedTokenSource(ct);
                idle.CancelAfter(_idle);
                await stream.ReadExactlyAsync(length, idle.Token).ConfigureAwait(false);
                var query = new byte[BinaryPrimitives.ReadUInt16BigEndian(length)];
                await stream.ReadExactlyAsync(query, idle.Token).ConfigureAwait(false);
                if (Answer(query, overUdp: false) is not { } answer)
                    return;
                BinaryPrimitives.WriteUInt16BigEndian(length, (ushort)answer.Length);
                await stream.WriteAsync((byte[])[.. length, .. answer], idle.Token).ConfigureAwait(false);
            }
        }
        catch (Exception e) when (e is IOException or OperationCanceledException or SocketException)
        {
            // The client hung up or fell silent: that ends a connection.
        }
        finally
        {
            free.Release();
        }
    }

    private byte[]? Answer(ReadOnlySpan<byte> query, bool overUdp)
    {
        if (DnsMessage.TryParse(query, out var question) is not { } code)
            return null;
        var answers = new List<DnsRecord>();
        if (code is DnsCode.NoError)
            code = resolve(question, answers);
        DnsRecord? authority = code is DnsCode.NameError || (code is DnsCode.NoError && answers.Count == 0) ? ClusterZone.Soa : null;
        return DnsMessage.Answer(query, question, code, answers, authority, overUdp ? question.MaximumSize : LongestMessage);
    }
}
