using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Http;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;

namespace Portolan.Hosting;

/// <summary><c>/metrics</c> over TLS, for those whom the cluster lets read it; MetalLB's way from 0.16 on.</summary>
internal sealed class SecureMetricsServer(IPEndPoint address, TlsSettings tls, MetricsCertificate certificate, MetricsAccess access, Func<string> render)
{
    private readonly TaskCompletionSource<int> _port = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>Where it listens, once it does.</summary>
    public Task<int> Port => _port.Task;

    /// <summary>Serves until cancelled.</summary>
    /// <exception cref="IOException">The address is in use.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = 64;
            if (address.Address.Equals(IPAddress.IPv6Any))
                kestrel.ListenAnyIP(address.Port, listen => listen.UseHttps(https => tls.Apply(https, certificate.Current)));
            else
                kestrel.Listen(address, listen => listen.UseHttps(https => tls.Apply(https, certificate.Current)));
        });
        builder.Services.AddSingleton<IHostLifetime, NoSignals>();
        await using var app = builder.Build();
        app.Run(AnswerAsync);
        await app.StartAsync(stop);
        _port.TrySetResult(new Uri(app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses.First().Replace("[::]", "localhost", StringComparison.Ordinal)).Port);
        await Task.Delay(Timeout.InfiniteTimeSpan, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        using var patience = new CancellationTokenSource(TimeSpan.FromMilliseconds(500));
        await app.StopAsync(patience.Token);
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var response = context.Response;
        response.ContentType = "text/plain; charset=utf-8";
        if (context.Request.Path != "/metrics")
        {
            response.StatusCode = StatusCodes.Status404NotFound;
            await response.WriteAsync("not found\n");
            return;
        }

        if (!HttpMethods.IsGet(context.Request.Method) && !HttpMethods.IsHead(context.Request.Method))
        {
            response.StatusCode = StatusCodes.Status405MethodNotAllowed;
            return;
        }

        var verdict = await access.CheckAsync(Token(context.Request), "/metrics", context.RequestAborted);
        response.StatusCode = (int)verdict;
        if (verdict is HttpStatusCode.OK)
        {
            response.ContentType = MetricsExposition.ContentType;
            await response.WriteAsync(render());
            return;
        }

        if (verdict is HttpStatusCode.Unauthorized)
            response.Headers.WWWAuthenticate = "Bearer";
        await response.WriteAsync(verdict switch
        {
            HttpStatusCode.Unauthorized => "a bearer token of this cluster is needed\n",
            HttpStatusCode.Forbidden => "the token's subject may not get the non-resource URL /metrics\n",
            _ => "the API server cannot say now whether this is allowed\n",
        });
    }

    private static string? Token(HttpRequest request) =>
        request.Headers.Authorization.ToString() is var header && header.StartsWith("Bearer ", StringComparison.OrdinalIgnoreCase) ? header["Bearer ".Length..].Trim() : null;
}
