using System.Globalization;
using System.Net.WebSockets;

using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.Extensions.Logging;

using Portolan.Lab.Nodes.Spdy;

namespace Portolan.Lab.Nodes.Server.Forwarding;

/// <summary>
/// A kubelet's /portForward: over SPDY/3.1 (kubectl to 1.30), over SPDY/3.1 frames inside the messages of a WebSocket (kubectl from 1.31), or over a WebSocket's
/// numbered channels (other clients).
/// </summary>
internal static class PortForwardEndpoint
{
    private const string ProtocolHeader = "X-Stream-Protocol-Version";
    private const string Protocol = "portforward.k8s.io";
    private const string Tunnelled = "SPDY/3.1+" + Protocol;
    private const int MostPorts = 100;

    public static Task HandleAsync(HttpContext http, PodEndpoint pod, ILogger logger)
    {
        if (http.WebSockets.IsWebSocketRequest)
            return http.WebSockets.WebSocketRequestedProtocols.Contains(Tunnelled) ? TunnelAsync(http, pod, logger) : ChannelsAsync(http, pod);
        return string.Equals(http.Request.Headers.Upgrade, SpdyStreams.UpgradeToken, StringComparison.OrdinalIgnoreCase) && http.Features.Get<IHttpUpgradeFeature>() is { IsUpgradableRequest: true } upgrade
            ? SpdyAsync(http, upgrade, pod, logger)
            : RefuseAsync(http, StatusCodes.Status400BadRequest, "unable to upgrade: missing upgrade headers in request");
    }

    private static async Task SpdyAsync(HttpContext http, IHttpUpgradeFeature upgrade, PodEndpoint pod, ILogger logger)
    {
        var offered = http.Request.Headers[ProtocolHeader].SelectMany(v => (v ?? "").Split(',', StringSplitOptions.TrimEntries)).ToList();
        if (!offered.Contains(Protocol))
        {
            http.Response.Headers["X-Accepted-Stream-Protocol-Versions"] = Protocol;
            await RefuseAsync(http, StatusCodes.Status403Forbidden, $"unable to upgrade: {Protocol} is required, the client offers {string.Join(", ", offered)}").ConfigureAwait(false);
            return;
        }

        http.Response.Headers.Upgrade = SpdyStreams.UpgradeToken;
        http.Response.Headers[ProtocolHeader] = Protocol;
        await using var connection = new SpdyConnection(await upgrade.UpgradeAsync().ConfigureAwait(false));
        await new SpdyForwarding(connection, pod, logger).RunAsync(http.RequestAborted).ConfigureAwait(false);
    }

    private static async Task TunnelAsync(HttpContext http, PodEndpoint pod, ILogger logger)
    {
        // Accepting with a protocol would refuse its name for the slash in it: the header is set here.
        http.Response.Headers.SecWebSocketProtocol = Tunnelled;
        await using var connection = new SpdyConnection(new WebSocketBytes(await AcceptAsync(http, null).ConfigureAwait(false)));
        await new SpdyForwarding(connection, pod, logger).RunAsync(http.RequestAborted).ConfigureAwait(false);
    }

    private static async Task ChannelsAsync(HttpContext http, PodEndpoint pod)
    {
        var offered = http.WebSockets.WebSocketRequestedProtocols;
        if (offered.Count > 0 && !offered.Contains(WebSocketForwarding.Protocol))
        {
            await RefuseAsync(http, StatusCodes.Status400BadRequest,
                $"unable to upgrade: none of the protocols {string.Join(", ", offered)} is supported; use one of {Tunnelled}, {WebSocketForwarding.Protocol}").ConfigureAwait(false);
            return;
        }

        // The API server's name for them is "ports", a kubelet's "port"; both may be repeated or hold several.
        var texts = http.Request.Query["ports"].Concat(http.Request.Query["port"]).SelectMany(value => (value ?? "").Split(',')).ToList();
        var ports = new List<int>();
        foreach (var text in texts)
        {
            if (!int.TryParse(text, NumberStyles.None, CultureInfo.InvariantCulture, out var port) || port is < 1 or > 65535)
            {
                await RefuseAsync(http, StatusCodes.Status400BadRequest, $"port must be a number from 1 to 65535, not \"{text}\"").ConfigureAwait(false);
                return;
            }
            ports.Add(port);
        }

        if (ports.Count is 0 or > MostPorts)
        {
            await RefuseAsync(http, StatusCodes.Status400BadRequest, $"query parameter \"port\" is required, at most {MostPorts} times").ConfigureAwait(false);
            return;
        }

        using var socket = await AcceptAsync(http, offered.Count > 0 ? WebSocketForwarding.Protocol : null).ConfigureAwait(false);
        using var forwarding = new WebSocketForwarding(socket, ports);
        await forwarding.RunAsync(pod, http.RequestAborted).ConfigureAwait(false);
    }

    private static Task<WebSocket> AcceptAsync(HttpContext http, string? protocol) =>
        http.WebSockets.AcceptWebSocketAsync(new WebSocketAcceptContext { SubProtocol = protocol, KeepAliveInterval = TimeSpan.FromSeconds(30) });

    private static Task RefuseAsync(HttpContext http, int code, string why)
    {
        http.Response.StatusCode = code;
        http.Response.ContentType = "text/plain; charset=utf-8";
        return http.Response.WriteAsync(why + "\n", http.RequestAborted);
    }
}
