using System.Net;
using System.Net.Sockets;

using Portolan.Lab.Nodes.Containers;

namespace Portolan.Lab.Nodes.Pods;

/// <summary>How a probe ended, and what an event says of a failure.</summary>
internal readonly record struct ProbeResult(bool Success, string Message);

/// <summary>Asks a container once whether it is well. Runs in the node's network namespace.</summary>
/// <param name="exec">Runs a command in the container; its exit status and what it wrote.</param>
internal sealed class Prober(Func<IReadOnlyList<string>, CancellationToken, Task<(int Status, string Output)>> exec)
{
    public const string UserAgent = "kube-probe/1.33";

    public async Task<ProbeResult> ProbeAsync(Probe probe, Container container, IPAddress podAddress, CancellationToken cancel)
    {
        var seconds = Math.Max(1, probe.TimeoutSeconds ?? 1);
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        timeout.CancelAfter(TimeSpan.FromSeconds(seconds));
        try
        {
            if (probe.HttpGet is { } get)
                return await HttpAsync(get, HttpAction.Url(get, container, podAddress), timeout.Token).ConfigureAwait(false);
            if (probe.TcpSocket is { } tcp)
                return await TcpAsync(tcp, HttpAction.Port(tcp.Port, container), podAddress, timeout.Token).ConfigureAwait(false);
            if (probe.Grpc is { } grpc)
                return await GrpcHealth.CheckAsync(HttpAction.Host(null, podAddress), grpc.Port, grpc.Service ?? "", timeout.Token).ConfigureAwait(false);
            if (probe.Exec is { } command)
            {
                var (status, output) = await exec(command.Command ?? [], timeout.Token).ConfigureAwait(false);
                return new ProbeResult(status == 0, output);
            }
            return new ProbeResult(true, "");
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return new ProbeResult(false, TimedOut(probe, container, podAddress, seconds));
        }
        catch (Exception failure) when (failure is HttpRequestException or SocketException or IOException or ContainerStartException or FormatException)
        {
            return new ProbeResult(false, Refused(probe, container, podAddress, failure));
        }
    }

    private static async Task<ProbeResult> HttpAsync(HttpGetAction get, string url, CancellationToken cancel)
    {
        var status = await HttpAction.GetAsync(get, url, UserAgent, cancel).ConfigureAwait(false);
        return new ProbeResult(status is >= 200 and < 400, $"HTTP probe failed with statuscode: {status}");
    }

    private static async Task<ProbeResult> TcpAsync(TcpSocketAction tcp, int port, IPAddress podAddress, CancellationToken cancel)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(tcp.Host is { Length: > 0 } host ? host : podAddress.ToString(), port, cancel).ConfigureAwait(false);
        return new ProbeResult(true, "");
    }

    /// <summary>In a kubelet's words, which people search for.</summary>
    private static string TimedOut(Probe probe, Container container, IPAddress podAddress, int seconds) =>
        probe.HttpGet is { } get ? $"Get \"{HttpAction.Url(get, container, podAddress)}\": context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        : probe.TcpSocket is { } tcp ? $"dial tcp {HttpAction.Host(tcp.Host, podAddress)}:{HttpAction.Port(tcp.Port, container)}: i/o timeout"
        : probe.Grpc is { } grpc ? $"timeout: failed to connect service \"{HttpAction.Host(null, podAddress)}:{grpc.Port}\" within {seconds}s: context deadline exceeded"
        : $"command timed out: \"{string.Join(' ', probe.Exec?.Command ?? [])}\" timed out after {seconds}s";

    private static string Refused(Probe probe, Container container, IPAddress podAddress, Exception failure)
    {
        if (failure is FormatException)
            return failure.Message;
        var reason = (failure as SocketException ?? failure.InnerException as SocketException)?.SocketErrorCode switch
        {
            SocketError.ConnectionRefused => "connect: connection refused",
            SocketError.HostUnreachable => "connect: no route to host",
            SocketError.ConnectionReset => "read: connection reset by peer",
            _ => failure.InnerException is { } inner ? $"{failure.Message} ({inner.Message})" : failure.Message,
        };
        if (probe.HttpGet is { } get)
            return $"Get \"{HttpAction.Url(get, container, podAddress)}\": dial tcp {HttpAction.Host(get.Host, podAddress)}:{HttpAction.Port(get.Port, container)}: {reason}";
        return probe.TcpSocket is { } tcp ? $"dial tcp {HttpAction.Host(tcp.Host, podAddress)}:{HttpAction.Port(tcp.Port, container)}: {reason}" : reason;
    }
}
