using System.Net;
using System.Net.Sockets;
using System.Text.Json;

using Portolan.Lab.Nodes.Containers;

namespace Portolan.Lab.Nodes.Pods;

/// <summary>How a probe ended, and what an event says of a failure.</summary>
internal readonly record struct ProbeResult(bool Success, string Message);

/// <summary>Asks a container once whether it is well. Runs in the node's network namespace.</summary>
/// <param name="exec">Runs a command in the container; its exit status and what it wrote.</param>
internal sealed class Prober(Func<IReadOnlyList<string>, CancellationToken, Task<(int Status, string Output)>> exec)
{
    private static readonly HttpClient _http = new(new SocketsHttpHandler
    {
        // Each probe is a client of its own, and sees what a new client sees.
        PooledConnectionLifetime = TimeSpan.Zero,
        AllowAutoRedirect = false,
        UseProxy = false,
        UseCookies = false,
#pragma warning disable CA5359 // A probe asks whether the container answers, not who it is: kubelets do not check certificates either.
        SslOptions = { RemoteCertificateValidationCallback = (_, _, _, _) => true },
#pragma warning restore CA5359
    })
    { Timeout = Timeout.InfiniteTimeSpan };

    public async Task<ProbeResult> ProbeAsync(Probe probe, Container container, IPAddress podAddress, CancellationToken cancel)
    {
        using var timeout = CancellationTokenSource.CreateLinkedTokenSource(cancel);
        timeout.CancelAfter(TimeSpan.FromSeconds(Math.Max(1, probe.TimeoutSeconds ?? 1)));
        try
        {
            if (probe.HttpGet is { } get)
                return await HttpAsync(get, container, podAddress, timeout.Token).ConfigureAwait(false);
            if (probe.TcpSocket is { } tcp)
                return await TcpAsync(tcp, container, podAddress, timeout.Token).ConfigureAwait(false);
            if (probe.Exec is { } command)
            {
                var (status, output) = await exec(command.Command ?? [], timeout.Token).ConfigureAwait(false);
                return new ProbeResult(status == 0, output);
            }
            return new ProbeResult(true, "");
        }
        catch (OperationCanceledException) when (!cancel.IsCancellationRequested)
        {
            return new ProbeResult(false, $"no answer within {Math.Max(1, probe.TimeoutSeconds ?? 1)} s");
        }
        catch (Exception failure) when (failure is HttpRequestException or SocketException or IOException or ContainerStartException or FormatException)
        {
            return new ProbeResult(false, failure.InnerException?.Message is { } inner ? $"{failure.Message} ({inner})" : failure.Message);
        }
    }

    private static async Task<ProbeResult> HttpAsync(HttpGetAction get, Container container, IPAddress podAddress, CancellationToken cancel)
    {
        var host = get.Host is { Length: > 0 } named ? named : podAddress.ToString();
        var path = get.Path is { Length: > 0 } given ? given : "/";
        var scheme = string.Equals(get.Scheme, "HTTPS", StringComparison.OrdinalIgnoreCase) ? "https" : "http";
        var url = $"{scheme}://{(host.Contains(':') ? $"[{host}]" : host)}:{Port(get.Port, container)}{(path.StartsWith('/') ? "" : "/")}{path}";
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        request.Headers.TryAddWithoutValidation("User-Agent", "kube-probe/1.33");
        request.Headers.TryAddWithoutValidation("Accept", "*/*");
        request.Headers.ConnectionClose = true;
        foreach (var header in get.HttpHeaders ?? [])
        {
            if (header.Name.Equals("Host", StringComparison.OrdinalIgnoreCase))
                request.Headers.Host = header.Value;
            else
                request.Headers.TryAddWithoutValidation(header.Name, header.Value);
        }
        using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel).ConfigureAwait(false);
        var status = (int)response.StatusCode;
        return new ProbeResult(status is >= 200 and < 400, $"HTTP probe failed with statuscode: {status}");
    }

    private static async Task<ProbeResult> TcpAsync(TcpSocketAction tcp, Container container, IPAddress podAddress, CancellationToken cancel)
    {
        using var socket = new Socket(SocketType.Stream, ProtocolType.Tcp);
        await socket.ConnectAsync(tcp.Host is { Length: > 0 } host ? host : podAddress.ToString(), Port(tcp.Port, container), cancel).ConfigureAwait(false);
        return new ProbeResult(true, "");
    }

    private static int Port(JsonElement port, Container container)
    {
        if (port.ValueKind is JsonValueKind.Number)
            return port.GetInt32();
        var name = port.ValueKind is JsonValueKind.String ? port.GetString() : null;
        return container.Ports?.FirstOrDefault(p => p.Name == name)?.Number ?? (int.TryParse(name, out var number) ? number : throw new FormatException($"couldn't find port: {name}"));
    }
}
