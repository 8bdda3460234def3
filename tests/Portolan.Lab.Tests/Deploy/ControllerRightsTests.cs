using System.Net;
using System.Net.Http.Headers;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Commands.Install;
using Portolan.Hosting;
using Portolan.Kubernetes.Client;
using Portolan.Kubernetes.Leases;
using Portolan.Lab.Tests.ApiServer;

namespace Portolan.Lab.Tests.Deploy;

/// <summary>What the controller does with nothing but the rights that the manifests give its service account.</summary>
public sealed class ControllerRightsTests : IAsyncLifetime
{
    private const string Namespace = "metallb-system";
    private readonly RunningServer _server = new();
    private readonly CancellationTokenSource _stop = new(TimeSpan.FromSeconds(60));

    public async ValueTask InitializeAsync()
    {
        await _server.InitializeAsync();
        using var admin = new KubeClient(ClusterConnection.Load(_server.State.WriteKubeconfig(_server.Address)));
        var applier = new ManifestApplier(admin, TextWriter.Null, TimeProvider.System);
        string[] kinds = ["Namespace", "ServiceAccount", "ClusterRole", "ClusterRoleBinding", "Role", "RoleBinding"];
        await applier.ApplyAsync(Manifests.System(Namespace, "portolan").Where(item => kinds.Contains((string?)item["kind"])), _stop.Token);
    }

    public async ValueTask DisposeAsync()
    {
        await _server.DisposeAsync();
        _stop.Dispose();
    }

    [Fact]
    public async Task ElectsALeader_AndSeesAReleaseAtOnce()
    {
        using var client = Client(await TokenAsync(Namespace, "controller"));

        // So long that nobody takes the lease because it ran out: the watch must work.
        var timing = new LeaseTiming(TimeSpan.FromSeconds(600), TimeSpan.FromSeconds(500), TimeSpan.FromSeconds(1));
        LeaseElector Elector(string identity) => new(client, Namespace, "portolan-controller", identity, timing, new WriteFence(TimeProvider.System), TimeProvider.System, NullLogger.Instance);
        var (first, second) = (Elector("first"), Elector("second"));
        using var firstLife = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        var firstRuns = first.RunAsync(_ => Task.CompletedTask, () => Task.CompletedTask, firstLife.Token);
        await first.FirstVerdict.WaitAsync(_stop.Token);
        Assert.True(first.IsLeading);

        var took = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        using var secondLife = CancellationTokenSource.CreateLinkedTokenSource(_stop.Token);
        var secondRuns = second.RunAsync(
            _ =>
            {
                took.SetResult();
                return Task.CompletedTask;
            },
            () => Task.CompletedTask,
            secondLife.Token);
        await second.FirstVerdict.WaitAsync(_stop.Token);
        Assert.False(second.IsLeading);
        await firstLife.CancelAsync();
        await took.Task.WaitAsync(_stop.Token);
        await secondLife.CancelAsync();
        await Task.WhenAny(Task.WhenAll(firstRuns, secondRuns));
    }

    [Fact]
    public async Task LetsTheMetricsBeReadOverTls_ByWhoeverIsBoundToTheirReader()
    {
        var time = TimeProvider.System;
        using var client = Client(await TokenAsync(Namespace, "controller"));
        var metrics = new SecureMetricsServer(
            new IPEndPoint(IPAddress.Loopback, 0), TlsSettings.Default, new MetricsCertificate(null, "test", time, NullLogger.Instance), new MetricsAccess(client, time, NullLogger.Instance), () => "the page");
        var running = metrics.RunAsync(_stop.Token);
        await _server.Client.DoAsync("POST", "/api/v1/namespaces", """{"metadata":{"name":"monitoring"}}""");
        foreach (var name in (string[])["prometheus", "stranger"])
            await _server.Client.DoAsync("POST", "/api/v1/namespaces/monitoring/serviceaccounts", $$"""{"metadata":{"name":"{{name}}"} }""");
        await _server.Client.DoAsync("POST", "/apis/rbac.authorization.k8s.io/v1/clusterrolebindings", """
            {"metadata":{"name":"scraper"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"ClusterRole","name":"metallb-system:metrics-reader"},
             "subjects":[{"kind":"ServiceAccount","name":"prometheus","namespace":"monitoring"}]}
            """);
        var port = await metrics.Port.WaitAsync(_stop.Token);
        Assert.Equal(HttpStatusCode.OK, await ScrapeAsync(port, await TokenAsync("monitoring", "prometheus")));
        Assert.Equal(HttpStatusCode.Forbidden, await ScrapeAsync(port, await TokenAsync("monitoring", "stranger")));
        Assert.Equal(HttpStatusCode.Unauthorized, await ScrapeAsync(port, "made-up"));
        await _stop.CancelAsync();
        await running;
    }

    private async Task<HttpStatusCode> ScrapeAsync(int port, string token)
    {
        using var handler = new HttpClientHandler { ServerCertificateCustomValidationCallback = HttpClientHandler.DangerousAcceptAnyServerCertificateValidator };
        using var http = new HttpClient(handler);
        http.DefaultRequestHeaders.Authorization = new AuthenticationHeaderValue("Bearer", token);
        using var answer = await http.GetAsync(new Uri($"https://127.0.0.1:{port}/metrics"), _stop.Token);
        return answer.StatusCode;
    }

    private async Task<string> TokenAsync(string ns, string account) =>
        (string)(await _server.Client.DoAsync("POST", $"/api/v1/namespaces/{ns}/serviceaccounts/{account}/token", """{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{}}"""))["status"]!["token"]!;

    private KubeClient Client(string token)
    {
        var connection = ClusterConnection.Load(_server.State.WriteKubeconfig(_server.Address));
        return new KubeClient(new ClusterConnection { Server = connection.Server, Authorities = connection.Authorities, Token = token });
    }
}
