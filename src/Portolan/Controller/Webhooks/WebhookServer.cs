using System.Buffers;
using System.Diagnostics.Metrics;
using System.Net;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Http;
using Microsoft.AspNetCore.Http.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Portolan.Hosting;
using Portolan.Kubernetes.Admission;

namespace Portolan.Controller.Webhooks;

/// <summary>Judges what an API server asks about.</summary>
internal delegate ValueTask<AdmissionVerdict> AdmissionCheck(AdmissionRequest request, CancellationToken stop);

/// <summary>
/// The webhook's HTTPS server: MetalLB's admission paths and <c>/convert</c>. Whatever is not a review is answered with 400 and touches nothing.
/// </summary>
internal sealed class WebhookServer(IPEndPoint address, TlsSettings tls, bool http2, ServingCertificate serving, AdmissionCheck check, Meter meter, ILogger log)
{
    /// <summary>Where BGPPeers are converted.</summary>
    public const string ConvertPath = "/convert";

    /// <summary>Path and resource of each admission webhook: MetalLB's, and those of our own.</summary>
    public static readonly IReadOnlyDictionary<string, string> AdmissionPaths = new Dictionary<string, string>(StringComparer.Ordinal)
    {
        ["/validate-metallb-io-v1beta1-ipaddresspool"] = "ipaddresspools",
        ["/validate-metallb-io-v1beta1-l2advertisement"] = "l2advertisements",
        ["/validate-metallb-io-v1beta1-bgpadvertisement"] = "bgpadvertisements",
        ["/validate-metallb-io-v1beta1-community"] = "communities",
        ["/validate-metallb-io-v1beta1-bfdprofile"] = "bfdprofiles",
        ["/validate-metallb-io-v1beta2-bgppeer"] = "bgppeers",
        ["/validate-portolan-dev-v1alpha1-announcementpolicy"] = "announcementpolicies",
        ["/validate-portolan-dev-v1alpha1-bgppolicy"] = "bgppolicies",
    };

    // An object has 1.5 MiB in etcd at most, and an update shows it twice. A list is converted in one piece.
    private const int MostAdmission = 8 * 1024 * 1024;
    private const int MostConversion = 32 * 1024 * 1024;

    private readonly Counter<long> _requests = meter.CreateCounter<long>("portolan_webhook_requests_total", description: "Reviews by path and answer.");
    private readonly TaskCompletionSource<int> _port = new(TaskCreationOptions.RunContinuationsAsynchronously);

    /// <summary>The port that is listened on, once it is.</summary>
    public Task<int> Port => _port.Task;

    /// <summary>Serves until cancelled, from the moment there is a certificate.</summary>
    /// <exception cref="IOException">The address is in use.</exception>
    public async Task RunAsync(CancellationToken stop)
    {
        await serving.Available.WaitAsync(stop);
        var builder = WebApplication.CreateEmptyBuilder(new WebApplicationOptions());
        builder.WebHost.UseKestrelCore().UseKestrelHttpsConfiguration().ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MaxConcurrentConnections = 128;
            kestrel.Limits.MaxRequestBodySize = MostAdmission;
            kestrel.Limits.RequestHeadersTimeout = TimeSpan.FromSeconds(5);
            void Configure(ListenOptions listen)
            {
                listen.Protocols = http2 ? HttpProtocols.Http1AndHttp2 : HttpProtocols.Http1;
                listen.UseHttps(https => tls.Apply(https, () => serving.Current));
            }

            if (address.Address.Equals(IPAddress.IPv6Any))
                kestrel.ListenAnyIP(address.Port, Configure);   // IPv4 alone where the host has no IPv6
            else
                kestrel.Listen(address, Configure);
        });
        builder.Services.AddSingleton<IHostLifetime, NoSignals>();
        await using var app = builder.Build();
        app.Run(AnswerAsync);
        await app.StartAsync(stop);
        _port.TrySetResult(new Uri(app.Urls.First().Replace("[::]", "localhost", StringComparison.Ordinal)).Port);
        log.LogInformation("the webhook listens on port {Port}", await Port);
        await Task.Delay(Timeout.InfiniteTimeSpan, stop).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        using var patience = new CancellationTokenSource(TimeSpan.FromSeconds(2));
        await app.StopAsync(patience.Token);
    }

    private async Task AnswerAsync(HttpContext context)
    {
        var path = context.Request.Path.Value ?? "";
        var resource = AdmissionPaths.GetValueOrDefault(path);
        if (resource is null && path != ConvertPath)
        {
            await RefuseAsync(context, 404, "not found");
            return;
        }

        if (!HttpMethods.IsPost(context.Request.Method))
        {
            context.Response.Headers.Allow = "POST";
            await RefuseAsync(context, 405, "POST a review");
            return;
        }

        var outcome = "refused";
        try
        {
            var most = resource is null ? MostConversion : MostAdmission;
            context.Features.Get<IHttpMaxRequestBodySizeFeature>()!.MaxRequestBodySize = most;
            var body = await ReadAsync(context);
            var (answer, problem) = resource is null ? Convert(body) : await ReviewAsync(body, resource, context.RequestAborted);
            if (answer is null)
            {
                outcome = "malformed";
                await RefuseAsync(context, 400, problem);
                return;
            }

            outcome = problem;
            context.Response.ContentType = "application/json";
            context.Response.ContentLength = answer.Length;
            await context.Response.Body.WriteAsync(answer, context.RequestAborted);
        }
        catch (Microsoft.AspNetCore.Http.BadHttpRequestException bad)
        {
            outcome = "malformed";
            await RefuseAsync(context, bad.StatusCode, bad.StatusCode == 413 ? "too large" : "not a request");
        }
        catch (Exception gone) when (gone is IOException or OperationCanceledException && context.RequestAborted.IsCancellationRequested)
        {
            outcome = "aborted";
        }
        catch (Exception failure)
        {
            // A fault of ours: said once in the log, and the API server does what its failure policy says.
            outcome = "failed";
            log.LogError(failure, "{Path}: review failed", path);
            await RefuseAsync(context, 500, "the review failed");
        }
        finally
        {
            _requests.Add(1, new("path", path), new("outcome", outcome));
        }
    }

    private static async Task<ReadOnlyMemory<byte>> ReadAsync(HttpContext context)
    {
        // By what has arrived, not by what the header promises.
        var buffer = new ArrayBufferWriter<byte>(8192);
        while (await context.Request.Body.ReadAsync(buffer.GetMemory(8192), context.RequestAborted) is > 0 and var read)
            buffer.Advance(read);
        return buffer.WrittenMemory;
    }

    private static (byte[]? Answer, string Problem) Convert(ReadOnlyMemory<byte> body) =>
        ConversionRequest.TryParse(body.Span, out var request, out var problem) ? (request.Answer(BgpPeerConversion.Convert), "converted") : (null, problem);

    private async ValueTask<(byte[]? Answer, string Problem)> ReviewAsync(ReadOnlyMemory<byte> body, string resource, CancellationToken stop)
    {
        if (!AdmissionRequest.TryParse(body.Span, out var request, out var problem))
            return (null, problem);
        if (request.Group != "metallb.io" || request.Resource != resource)
            return (null, $"this path is about {resource}.metallb.io, not {request.Resource}.{request.Group}");
        var verdict = await check(request, stop);
        if (verdict.Refusal is { } refusal)
            log.LogInformation("refused {Operation} of {Resource} {Name}: {Reason}", request.Operation, resource, request.Name, refusal);
        return (request.Answer(verdict), verdict.Refusal is null ? "allowed" : "denied");
    }

    private static async Task RefuseAsync(HttpContext context, int status, string text)
    {
        if (context.Response.HasStarted || context.RequestAborted.IsCancellationRequested)
            return;
        context.Response.StatusCode = status;
        context.Response.ContentType = "text/plain; charset=utf-8";
        await context.Response.WriteAsync(text + "\n");
    }

    // Signals belong to the role, which stops this server with the rest.
    private sealed class NoSignals : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }
}
