using System.Security.Cryptography.X509Certificates;

using Microsoft.AspNetCore.Builder;
using Microsoft.AspNetCore.Hosting;
using Microsoft.AspNetCore.Server.Kestrel.Core;
using Microsoft.AspNetCore.Server.Kestrel.Https;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.Logging;

using Portolan.Lab.Network;
using Portolan.Lab.Nodes.Pods;
using Portolan.Lab.Nodes.Server.Forwarding;
using Portolan.Lab.Supervision;

namespace Portolan.Lab.Nodes.Server;

/// <summary>The HTTPS side of a kubelet: logs, exec, attach and forwarded ports, for the API server and nobody else. Paths and parameters are the kubelet's.</summary>
internal sealed class KubeletServer : IAsyncDisposable
{
    public const int Port = 10250;
    private readonly WebApplication _app;

    private KubeletServer(WebApplication app) => _app = app;

    /// <summary>Listens on the node's address; <paramref name="find"/> tells a container by namespace, pod and name, or null when this node has none such; <paramref name="findPod"/> a pod's network.</summary>
    public static async Task<KubeletServer> StartAsync(
        LabLayout layout, LabHost host, Func<string, string, string, ContainerView?> find, Func<string, string, PodEndpoint?> findPod, ILogger logger, CancellationToken cancel)
    {
        using var pem = X509Certificate2.CreateFromPemFile(layout.Pki($"{host.Name}.crt"), layout.Pki($"{host.Name}.key"));
        var certificate = X509CertificateLoader.LoadPkcs12(pem.Export(X509ContentType.Pkcs12), null);
        var authority = X509CertificateLoader.LoadCertificateFromFile(layout.Pki("ca.crt"));
        // No settings files here, so none are watched for: the working directory may be a big tree.
        var builder = WebApplication.CreateSlimBuilder(["--hostBuilder:reloadConfigOnChange=false"]);
        builder.Logging.ClearProviders();
        builder.Services.AddSingleton(_ => logger);
        builder.WebHost.UseKestrelHttpsConfiguration();
        builder.WebHost.ConfigureKestrel(kestrel =>
        {
            kestrel.AddServerHeader = false;
            kestrel.Limits.MinResponseDataRate = null; // a followed log may be silent for hours
            kestrel.Listen(host.Address, Port, listen =>
            {
                listen.Protocols = HttpProtocols.Http1;
                listen.UseHttps(https =>
                {
                    https.ServerCertificate = certificate;
                    https.ClientCertificateMode = ClientCertificateMode.RequireCertificate;
                    https.ClientCertificateValidation = (presented, _, _) => IsIssuedBy(authority, presented);
                });
            });
        });
        var app = builder.Build();
        app.UseWebSockets();
        var endpoints = new KubeletEndpoints(find, findPod, TimeProvider.System, logger);
        app.Run(endpoints.HandleAsync);
        await app.StartAsync(cancel).ConfigureAwait(false);
        return new KubeletServer(app);
    }

    public async ValueTask DisposeAsync()
    {
        using var soon = new CancellationTokenSource(TimeSpan.FromMilliseconds(200));
        await _app.StopAsync(soon.Token).ConfigureAwait(false);
        await _app.DisposeAsync().ConfigureAwait(false);
    }

    private static bool IsIssuedBy(X509Certificate2 authority, X509Certificate2 presented)
    {
        using var chain = new X509Chain();
        chain.ChainPolicy.TrustMode = X509ChainTrustMode.CustomRootTrust;
        chain.ChainPolicy.CustomTrustStore.Add(authority);
        chain.ChainPolicy.RevocationMode = X509RevocationMode.NoCheck;
        // Node certificates come from the same authority; only the API server's may open a shell in a pod.
        return chain.Build(presented) && presented.GetNameInfo(X509NameType.SimpleName, forIssuer: false) == "kube-apiserver-kubelet-client";
    }
}
