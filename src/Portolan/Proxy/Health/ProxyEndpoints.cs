using System.Globalization;
using System.Net;
using System.Net.Sockets;
using Microsoft.Extensions.Logging;
using Portolan.Hosting;

namespace Portolan.Proxy.Health;

/// <summary>What kube-proxy serves at its two addresses, and <c>/readyz</c> beside it.</summary>
/// <param name="health">Whether the proxy is well.</param>
/// <param name="readiness">Whether the proxy is of use.</param>
/// <param name="metrics">The page of <c>/metrics</c>.</param>
/// <param name="configuration">The effective configuration, JSON.</param>
/// <param name="answered">Told of each answer's path and code.</param>
internal sealed class ProxyEndpoints(HealthState health, Readiness readiness, Func<string> metrics, Func<string> configuration, Action<string, int> answered)
{
    /// <summary>What <c>/proxyMode</c> says.</summary>
    internal const string Mode = "nftables";

    /// <summary><c>--healthz-bind-address</c>.</summary>
    internal ProbeAnswer AnswerHealth(ProbeRequest request)
    {
        switch (request.Path)
        {
            case "/healthz":
            case "/livez":
                var answer = request.Path == "/healthz" ? health.Healthz() : health.Livez();
                answered(request.Path, answer.StatusCode);
                return new ProbeAnswer(answer.StatusCode, ProbeAnswer.Json, answer.ToJson());
            case "/readyz":
                return new ProbeAnswer(readiness.IsReady ? 200 : 503, ProbeAnswer.PlainText, readiness.ToString());
            default:
                return ProbeAnswer.NotFound;
        }
    }

    /// <summary><c>--metrics-bind-address</c>.</summary>
    internal ProbeAnswer AnswerMetrics(ProbeRequest request) => request.Path switch
    {
        "/metrics" => new ProbeAnswer(200, MetricsExposition.ContentType, metrics()),
        "/healthz" => new ProbeAnswer(200, ProbeAnswer.PlainText, "ok"),
        "/proxyMode" => new ProbeAnswer(200, ProbeAnswer.PlainText, Mode),
        "/configz" => new ProbeAnswer(200, ProbeAnswer.Json, configuration()),
        _ when request.Path.StartsWith("/debug/", StringComparison.Ordinal) => new ProbeAnswer(404, ProbeAnswer.PlainText, "profiling is not offered\n"),
        _ => ProbeAnswer.NotFound,
    };

    /// <summary>Serves at one address until cancelled.</summary>
    /// <param name="at">0.0.0.0 means IPv6 too, as with kube-proxy: a kubelet may probe the node by either family.</param>
    /// <param name="answer">What is served there.</param>
    /// <param name="time">The clock.</param>
    /// <param name="log">Told of faults.</param>
    /// <param name="stop">Cancelled in the end.</param>
    /// <exception cref="IOException">The address is in use, or not the node's.</exception>
    internal static async Task ServeAsync(IPEndPoint at, Func<ProbeRequest, ProbeAnswer> answer, TimeProvider time, ILogger log, CancellationToken stop)
    {
        ProbeListener listener;
        try
        {
            listener = ProbeListener.Open(at.Address.Equals(IPAddress.Any) ? new IPEndPoint(IPAddress.IPv6Any, at.Port) : at, answer, new ProbePlaces(64), time, log);
        }
        catch (SocketException refusal)
        {
            throw new IOException(string.Create(CultureInfo.InvariantCulture, $"listen {at}: {refusal.Message}"), refusal);
        }

        using (listener)
            await listener.Accepting.WaitAsync(stop);
    }
}
