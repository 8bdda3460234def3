using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Portolan.Hosting;

/// <summary>
/// <c>/healthz</c> (the process runs) and <c>/readyz</c> (it is of use) on each of the given addresses, and <c>/metrics</c> (Prometheus text 0.0.4) on
/// all but the probes' own.
/// </summary>
internal sealed class HealthServer(IReadOnlyList<IPEndPoint> addresses, IPEndPoint? probesOnly, Readiness readiness, MetricsExposition metrics)
{
    /// <summary>Serves until cancelled.</summary>
    /// <exception cref="IOException">An address is in use.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        var all = probesOnly is null ? addresses : [.. addresses, probesOnly];
        if (all.Count == 0)
            return;
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = 64;
            foreach (var address in all)
                if (address.Address.Equals(IPAddress.IPv6Any))
                    kestrel.ListenAnyIP(address.Port);   // IPv4 alone where the host has no IPv6
                else
                    kestrel.Listen(address);
        });
        builder.Services.AddSingleton<IHostLifetime, NoSignals>();
        await using var app = builder.Build();
        app.Run(Answer);
        await app.StartAsync(stop);
        await Task.Delay(Timeout.InfiniteTimeSpan, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);

        // A scrape under way is not worth delaying the stop for.
        using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(500));
        await app.StopAsync(patience.Token);
    }

    private Task Answer(HttpContext context)
    {
        var response = context.Response;
        response.ContentType = "text/plain; charset=utf-8";
        switch (context.Request.Path.Value)
        {
            case "/healthz" or "/livez":
                return response.WriteAsync("ok\n");
            case "/readyz":
                response.StatusCode = readiness.IsReady ? 200 : 503;
                return response.WriteAsync(readiness.ToString());
            case "/metrics" when context.Connection.LocalPort != probesOnly?.Port:
                response.ContentType = MetricsExposition.ContentType;
                return response.WriteAsync(metrics.Render());
            default:
                response.StatusCode = 404;
                return response.WriteAsync("not found\n");
        }
    }
}

/// <summary>Signals belong to the role, which stops its servers with the rest.</summary>
internal sealed class NoSignals : IHostLifetime
{
    public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

    public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
}
