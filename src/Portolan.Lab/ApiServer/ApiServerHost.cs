using System.Security.Cryptography.X509Certificates;
using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Hosting.Server;
using Microsoft.AspNetCore.Hosting.Server.Features;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Portolan.Lab.ApiServer.Admission;
using Portolan.Lab.ApiServer.Auth;
using Portolan.Lab.ApiServer.Auth.Certificates;
using Portolan.Lab.ApiServer.Auth.Rbac;
using Portolan.Lab.ApiServer.Auth.Reviews;
using Portolan.Lab.ApiServer.Conversion;
using Portolan.Lab.ApiServer.Http;
using Portolan.Lab.ApiServer.Patching;
using Portolan.Lab.ApiServer.Proxying;
using Portolan.Lab.ApiServer.Resources;
using Portolan.Lab.ApiServer.Schema;
using Portolan.Lab.ApiServer.Storage;
using Portolan.Lab.ApiServer.Webhooks;

namespace Portolan.Lab.ApiServer;

/// <summary>One running API server: its store, its rules and its listeners.</summary>
internal sealed class ApiServerHost : IAsyncDisposable
{
    private readonly WebApplication _app;
    private readonly NodeProxy _nodes;
    private readonly List<IDisposable> _owned;
    private readonly CancellationTokenSource _background = new();
    private Task _housekeeping = Task.CompletedTask;

    private ApiServerHost(WebApplication app, ObjectStore store, NodeProxy nodes, List<IDisposable> owned)
    {
        (_app, Store, _nodes, _owned) = (app, store, nodes, owned);
    }

    public ObjectStore Store { get; }

    /// <summary>Where it listens, e.g. <c>https://127.0.0.1:40123</c>.</summary>
    public IReadOnlyCollection<string> Addresses => [.. _app.Services.GetRequiredService<IServer>().Features.Get<IServerAddressesFeature>()!.Addresses];

    /// <summary>Opens the store, puts in place what every cluster has, and begins to listen.</summary>
    public static async Task<ApiServerHost> StartAsync(ApiServerOptions options, ISchemaCatalogue catalogue, TimeProvider clock, ILoggerFactory loggers, CancellationToken cancellation)
    {
        var authority = X509CertificateLoader.LoadCertificateFromFile(options.Pki("ca.crt"));
        var serving = X509Certificate2.CreateFromPemFile(options.Pki("apiserver.crt"), options.Pki("apiserver.key"));
        var toNodes = X509Certificate2.CreateFromPemFile(options.Pki("apiserver-kubelet-client.crt"), options.Pki("apiserver-kubelet-client.key"));
        var signing = new TokenKey(await File.ReadAllTextAsync(options.Pki("sa.key"), cancellation));

        var store = new ObjectStore(options.StorePath, options.History, clock);
        var kinds = new KindRegistry(catalogue);
        kinds.Follow(store);
        var allocations = new ServiceAllocations(
            options.SecondServiceNetwork is { } second ? [options.ServiceNetwork, second] : [options.ServiceNetwork], options.FirstNodePort, options.LastNodePort);
        allocations.Follow(store);
        var webhooks = new WebhookClient(store);
        var conversion = new VersionConversion(webhooks);
        var roles = new RbacIndex();
        roles.Follow(store);
        var access = new Authorizer(roles, new NodeAuthorizer(store));
        var context = new ServerContext(store, kinds, allocations, access, clock, options.DefaultTolerationSeconds)
        {
            Conversion = conversion,
            Admission = new(store, new(store, kinds), conversion, webhooks, loggers.CreateLogger<AdmissionWebhooks>()),
        };
        var creation = new ObjectCreation(context);
        var update = new ObjectUpdate(context);
        var deletion = new Deletion(context);
        await new Bootstrap(context, creation, update).RunAsync(options, allocations.Families[0].Text(1), cancellation);
        await new Reconciliation(context, creation, update).RunAsync(cancellation);
        var aggregation = new RoleAggregation(context, update);
        await aggregation.AggregateAsync(cancellation);

        var tokens = new ServiceAccountTokens(signing, store, clock);
        var nodes = new NodeProxy(context, toNodes, authority);
        var proxy = new ResourceProxy(context, nodes);
        // No settings files here, so none are watched for: the working directory may be a big tree.
        var builder = WebApplication.CreateSlimBuilder(["--hostBuilder:reloadConfigOnChange=false"]);
        builder.Services.AddSingleton(loggers);
        builder.Services.Configure<HostOptions>(o => o.ShutdownTimeout = TimeSpan.FromSeconds(2));
        builder.Services.AddSingleton<IHostLifetime, CallersLifetime>();
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel => Listen(kestrel, options, serving));
        var app = builder.Build();

        var replies = new ObjectReplies(clock, conversion);
        var discovery = new Discovery(kinds, options.Advertised.ToString());
        var lists = new ListRequests(context);
        var watches = new WatchRequests(context, replies, app.Lifetime.ApplicationStopping);
        var apply = new ObjectApply(context, update, creation);
        var resources = new ResourceRequests(
            context, replies, lists, watches, new Subresources(context, update, new EvictionSubresource(context, update, deletion), new TokenRequests(context, tokens), new ScaleSubresource(context, update, apply), nodes), proxy,
            new Reviews(new IdentityReviews(tokens), new AccessReviews(access)), creation, update, new ObjectPatch(update, apply), deletion);
        var handler = new ApiHandler(
            new Authenticator(new CertificateAuthentication(authority), tokens), new Impersonation(access), access, new IssuerDocuments(signing, options.Advertised.ToString()), resources, discovery, new OpenApiDocuments(catalogue, discovery, kinds), store,
            loggers.CreateLogger<ApiHandler>());
        app.Run(handler.HandleAsync);

        var host = new ApiServerHost(app, store, nodes, [proxy, authority, serving, toNodes, signing, webhooks]);
        var secrets = new AccountSecrets(context, update, deletion, tokens, authority.ExportCertificatePem() + "\n");
        var signer = new CertificateSigner(context, update, X509Certificate2.CreateFromPemFile(options.Pki("ca.crt"), options.Pki("ca.key")));
        host._owned.Add(signer);
        var cleanup = new DefinitionCleanup(context, update, deletion, loggers.CreateLogger<DefinitionCleanup>());
        var expiry = new EventExpiry(context, deletion);
        host._housekeeping = Task.WhenAll(
            cleanup.RunAsync(host._background.Token),
            expiry.RunAsync(host._background.Token),
            watches.SendBookmarksAsync(host._background.Token),
            secrets.RunAsync(host._background.Token),
            signer.RunAsync(host._background.Token),
            aggregation.RunAsync(host._background.Token));
        await app.StartAsync(cancellation);
        return host;
    }

    /// <summary>Runs until asked to stop; throws if the store breaks or a background task fails.</summary>
    public async Task RunAsync(CancellationToken cancellation)
    {
        var stopped = _app.WaitForShutdownAsync(cancellation);
        var first = await Task.WhenAny(stopped, Store.Failed, _housekeeping);
        if (first != stopped) await first;
        await stopped;
    }

    public async ValueTask DisposeAsync()
    {
        await _app.StopAsync();
        await _background.CancelAsync();
        await _housekeeping.ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        await _app.DisposeAsync();
        Store.Dispose();
        _nodes.Dispose();
        _background.Dispose();
        foreach (var owned in _owned) owned.Dispose();
    }

    /// <summary>Signals are the command line's business; whoever started the server stops it.</summary>
    private sealed class CallersLifetime : IHostLifetime
    {
        public Task WaitForStartAsync(CancellationToken cancellationToken) => Task.CompletedTask;

        public Task StopAsync(CancellationToken cancellationToken) => Task.CompletedTask;
    }

    private static void Listen(KestrelServerOptions kestrel, ApiServerOptions options, X509Certificate2 serving)
    {
        kestrel.AddServerHeader = false;
        kestrel.Limits.MaxRequestBodySize = BodyReader.MaxDrained;
        // A watch may have nothing to say for hours, and one client may hold hundreds.
        kestrel.Limits.MinResponseDataRate = null;
        kestrel.Limits.Http2.MaxStreamsPerConnection = 1000;
        kestrel.Limits.Http2.KeepAlivePingDelay = TimeSpan.FromSeconds(30);
        kestrel.Limits.Http2.KeepAlivePingTimeout = TimeSpan.FromSeconds(20);
        kestrel.Limits.MaxRequestHeadersTotalSize = 64 * 1024;
        kestrel.Limits.MaxRequestLineSize = 32 * 1024;
        if (options.Bind is { } bind) kestrel.Listen(bind, Secure);
        if (options.SecondBind is { } other) kestrel.Listen(other, Secure);
        if (options.ListenDescriptor is { } descriptor) kestrel.ListenHandle(descriptor, Secure);

        void Secure(ListenOptions listen)
        {
            listen.Protocols = HttpProtocols.Http1AndHttp2;
            listen.UseHttps(https =>
            {
                https.ServerCertificate = serving;
                https.ClientCertificateMode = ClientCertificateMode.AllowCertificate;
                // Taken here whatever it is; the authenticator judges it, so that a wrong one is answered "Unauthorized" and not with a broken connection.
                https.AllowAnyClientCertificate();
            });
        }
    }
}
