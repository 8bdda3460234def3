using System.Buffers;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Portolan.Core.Addresses;

namespace Portolan.Proxy.Health;

/// <summary>
/// Answers HTTP requests at one address and port. The proxy serves its own health, its metrics and thousands of health check ports with it.
/// </summary>
/// <remarks>
/// Why not the servers in the box: Kestrel costs this process 3 MB of anonymous memory of the 20 it may have (measured, idle, AOT), and takes ports in only
/// when it starts. HttpListener can add ports, but listens for IPv4 only, looks at the header Host and sets no limit to connections. What is needed here is
/// one short answer for each connection.
/// </remarks>
internal sealed class ProbeListener : IDisposable
{
    /// <summary>How long a connection may last in all.</summary>
    internal static readonly TimeSpan Patience = TimeSpan.FromSeconds(5);

    // Of a request's body, bytes.
    private const int LongestRest = 1 << 16;

    private readonly Socket _socket;
    private readonly Func<ProbeRequest, ProbeAnswer> _answer;
    private readonly ProbePlaces _places;
    private readonly TimeProvider _time;
    private readonly TimeSpan _patience;
    private readonly ILogger _log;

    private ProbeListener(Socket socket, Func<ProbeRequest, ProbeAnswer> answer, ProbePlaces places, TimeProvider time, TimeSpan patience, ILogger log)
    {
        _socket = socket;
        _answer = answer;
        _places = places;
        _time = time;
        _patience = patience;
        _log = log;
        Accepting = AcceptAsync();
    }

    /// <summary>Where it listens.</summary>
    internal IPEndPoint Address => (IPEndPoint)_socket.LocalEndPoint!;

    /// <summary>Ends when the listener is disposed of; fails only by a fault of ours.</summary>
    internal Task Accepting { get; }

    /// <summary>Listens, in the network namespace of the calling thread.</summary>
    /// <param name="at">The IPv6 wildcard means every address of both families.</param>
    /// <param name="answer">Called from several threads.</param>
    /// <param name="places">Shared by the listeners that may stand in for each other.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Told of faults.</param>
    /// <param name="patience">How long a connection may last; null: <see cref="Patience"/>.</param>
    /// <exception cref="SocketException">The address is not the node's, or the port is in use.</exception>
    internal static ProbeListener Open(IPEndPoint at, Func<ProbeRequest, ProbeAnswer> answer, ProbePlaces places, TimeProvider time, ILogger log, TimeSpan? patience = null)
    {
        var isWildcard = at.Address.Equals(IPAddress.IPv6Any);
        if (isWildcard && !Socket.OSSupportsIPv6)
            at = new IPEndPoint(IPAddress.Any, at.Port);
        var socket = new Socket(at.AddressFamily, SocketType.Stream, ProtocolType.Tcp);
        try
        {
            if (at.AddressFamily is AddressFamily.InterNetworkV6)
                socket.DualMode = isWildcard;
            socket.Bind(at);
            socket.Listen(128);
            return new ProbeListener(socket, answer, places, time, patience ?? Patience, log);
        }
        catch
        {
            socket.Dispose();
            throw;
        }
    }

    public void Dispose() => _socket.Dispose();

    private async Task AcceptAsync()
    {
        while (true)
        {
            try
            {
                _ = ServeAsync(await _socket.AcceptAsync());
            }
            catch (Exception failure) when (failure is ObjectDisposedException or SocketException { SocketErrorCode: SocketError.OperationAborted or SocketError.InvalidArgument })
            {
                return;
            }
            catch (SocketException failure)
            {
                // No descriptor left, or a client that left before it was accepted: neither is better by hurrying.
                _log.LogWarning("port {Port}: {Failure}", Address.Port, failure.Message);
                await Task.Delay(TimeSpan.FromMilliseconds(100), _time);
            }
        }
    }

    private async Task ServeAsync(Socket connection)
    {
        var place = _places.Enter(connection);
        var buffer = ArrayPool<byte>.Shared.Rent(ProbeRequest.LongestHead);
        try
        {
            using var limit = new CancellationTokenSource(_patience, _time);
            var length = 0;
            while (!ProbeRequest.IsComplete(buffer.AsSpan(0, length)) && length < ProbeRequest.LongestHead)
            {
                var received = await connection.ReceiveAsync(buffer.AsMemory(length, ProbeRequest.LongestHead - length), limit.Token);
                if (received == 0)
                    return;
                length += received;
            }

            var remote = ((IPEndPoint)connection.RemoteEndPoint!).Address;
            var family = remote.AddressFamily is AddressFamily.InterNetwork || remote.IsIPv4MappedToIPv6 ? IpFamily.IPv4 : IpFamily.IPv6;
            var isRequest = ProbeRequest.TryParse(buffer.AsSpan(0, length), family, out var request) && ProbeRequest.IsComplete(buffer.AsSpan(0, length));
            var answer = isRequest ? _answer(request) : ProbeAnswer.BadRequest;
            ReadOnlyMemory<byte> bytes = answer.ToBytes(!request.IsHead, _time.GetUtcNow());
            while (bytes.Length > 0)
                bytes = bytes[await connection.SendAsync(bytes, limit.Token)..];

            // Closing with something unread would reset the connection, and the client could lose the answer.
            connection.Shutdown(SocketShutdown.Send);
            for (var unread = LongestRest; unread > 0;)
            {
                var received = await connection.ReceiveAsync(buffer.AsMemory(), limit.Token);
                if (received == 0)
                    return;
                unread -= received;
            }
        }
        catch (Exception failure) when (failure is SocketException or OperationCanceledException or ObjectDisposedException)
        {
            // The client is gone, slow, or had to make room.
        }
        catch (Exception failure)
        {
            _log.LogError(failure, "port {Port}: a request is left without an answer", Address.Port);
        }
        finally
        {
            ArrayPool<byte>.Shared.Return(buffer);
            _places.Leave(place);
            connection.Dispose();
        }
    }
}
