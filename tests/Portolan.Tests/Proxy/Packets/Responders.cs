using System.Net;
using System.Net.Sockets;
using System.Text;

namespace Portolan.Tests.Proxy.Packets;

/// <summary>Answers over TCP, UDP and SCTP, of one family, with <c>name port source</c>: who it is, the port that was asked and the address that asked.</summary>
internal sealed class Responders : IDisposable
{
    private readonly string _name;
    private readonly Socket _tcp;
    private readonly Socket _udp;
    private readonly Socket _sctp;

    internal Responders(NetworkNamespace inside, string name, IPAddress at, int port)
    {
        _name = name;
        (_tcp, _udp, _sctp) = inside.Inside(() => (
            new Socket(at.AddressFamily, SocketType.Stream, ProtocolType.Tcp),
            new Socket(at.AddressFamily, SocketType.Dgram, ProtocolType.Udp),
            SctpPacket.OpenSocket(at.AddressFamily)));
        _tcp.Bind(new IPEndPoint(at, port));
        _udp.Bind(new IPEndPoint(at, port));
        _sctp.Bind(new IPEndPoint(at, 0));
        _tcp.Listen(512);
        _ = Endless(AnswerTcpAsync);
        _ = Endless(AnswerUdpAsync);
        _ = Endless(AnswerSctpAsync);
    }

    private static async Task Endless(Func<Task> answer)
    {
        while (true)
        {
            try
            {
                await answer();
            }
            catch (ObjectDisposedException)
            {
                return; // the test is over
            }
            catch (SocketException e) when (e.SocketErrorCode is SocketError.OperationAborted)
            {
                return;
            }
            catch (SocketException)
            {
                // a client that is gone already
            }
        }
    }

    private byte[] Text(int port, EndPoint source) => Encoding.ASCII.GetBytes($"{_name} {port} {((IPEndPoint)source).Address}");

    // Answers at once, and again for each byte it gets, until the client ends the connection.
    private async Task AnswerTcpAsync()
    {
        _ = AnswerAsync(await _tcp.AcceptAsync());

        async Task AnswerAsync(Socket client)
        {
            using (client)
            {
                var text = Text(((IPEndPoint)client.LocalEndPoint!).Port, client.RemoteEndPoint!);
                try
                {
                    do
                        await client.SendAsync(text);
                    while (await client.ReceiveAsync(new byte[1]) == 1);
                }
                catch (SocketException)
                {
                    // clients end by a reset
                }
            }
        }
    }

    private async Task AnswerUdpAsync()
    {
        var question = await _udp.ReceiveFromAsync(new byte[100], Any);
        await _udp.SendToAsync(Text(((IPEndPoint)_udp.LocalEndPoint!).Port, question.RemoteEndPoint), question.RemoteEndPoint);
    }

    private async Task AnswerSctpAsync()
    {
        var buffer = new byte[500];
        var question = await _sctp.ReceiveFromAsync(buffer, Any);
        if (SctpPacket.Read(Payload(buffer.AsSpan(0, question.ReceivedBytes), _sctp.AddressFamily)) is not { IsAnswer: false } init)
            return;
        var answer = new SctpPacket(init.DestinationPort, init.SourcePort, true, 1, Encoding.ASCII.GetString(Text(init.DestinationPort, question.RemoteEndPoint)));
        await _sctp.SendToAsync(answer.ToBytes(init.InitiateTag), question.RemoteEndPoint);
    }

    private IPEndPoint Any => new(_udp.AddressFamily is AddressFamily.InterNetwork ? IPAddress.Any : IPAddress.IPv6Any, 0);

    /// <summary>What a raw socket got, without the IPv4 header; of IPv6 it gives none.</summary>
    internal static ReadOnlySpan<byte> Payload(ReadOnlySpan<byte> received, AddressFamily family) =>
        family is AddressFamily.InterNetwork ? received[((received[0] & 15) * 4)..] : received;

    public void Dispose()
    {
        _tcp.Dispose();
        _udp.Dispose();
        _sctp.Dispose();
    }
}
