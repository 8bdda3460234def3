using System.Net;
using System.Text.Json;

namespace Portolan.Lab.Nodes.Pods;

/// <summary><c>v1 HTTPGetAction</c>, as probes and hooks perform it.</summary>
internal static class HttpAction
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

    /// <exception cref="FormatException">The container has no port of that name.</exception>
    public static string Url(HttpGetAction get, Container container, IPAddress podAddress)
    {
        var path = get.Path is { Length: > 0 } given ? given : "/";
        var scheme = string.Equals(get.Scheme, "HTTPS", StringComparison.OrdinalIgnoreCase) ? "https" : "http";
        return $"{scheme}://{Host(get.Host, podAddress)}:{Port(get.Port, container)}{(path.StartsWith('/') ? "" : "/")}{path}";
    }

    /// <summary>The answer's status.</summary>
    public static async Task<int> GetAsync(HttpGetAction get, string url, string userAgent, CancellationToken cancel)
    {
        using var request = new HttpRequestMessage(HttpMethod.Get, url);
        request.Headers.TryAddWithoutValidation("User-Agent", userAgent);
        request.Headers.TryAddWithoutValidation("Accept", "*/*");
        request.Headers.ConnectionClose = true;
        foreach (var header in get.HttpHeaders ?? [])
        {
            if (header.Name.Equals("Host", StringComparison.OrdinalIgnoreCase))
                request.Headers.Host = header.Value;
            else
            {
                request.Headers.Remove(header.Name);
                request.Headers.TryAddWithoutValidation(header.Name, header.Value);
            }
        }
        using var response = await _http.SendAsync(request, HttpCompletionOption.ResponseHeadersRead, cancel).ConfigureAwait(false);
        return (int)response.StatusCode;
    }

    /// <summary>The host of an action: its own, or the pod; in brackets where a port follows an IPv6 address.</summary>
    public static string Host(string? named, IPAddress podAddress)
    {
        var host = named is { Length: > 0 } ? named : podAddress.ToString();
        return host.Contains(':', StringComparison.Ordinal) ? $"[{host}]" : host;
    }

    /// <exception cref="FormatException">The container has no port of that name.</exception>
    public static int Port(JsonElement port, Container container)
    {
        if (port.ValueKind is JsonValueKind.Number)
            return port.GetInt32();
        var name = port.ValueKind is JsonValueKind.String ? port.GetString() : null;
        return container.Ports?.FirstOrDefault(p => p.Name == name)?.Number ?? (int.TryParse(name, out var number) ? number : throw new FormatException($"couldn't find port: {name}"));
    }
}
