using System.Diagnostics.Metrics;
using System.Net;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Microsoft.Extensions.Logging.Abstractions;
using Portolan.Commands.Install;
using Portolan.Controller.Webhooks;
using Portolan.Hosting;
using Portolan.Kubernetes.Client;
using Portolan.Lab.Tests.ApiServer;

namespace Portolan.Lab.Tests.Deploy;

/// <summary>The controller's webhook with its certificates before the lab's API server, which trusts nothing but what it is told to.</summary>
public sealed class ControllerWebhookTests : IAsyncLifetime
{
    private const string Namespace = "metallb-system";
    private const string Secret = "metallb-webhook-cert";
    private const string Secrets = $"/api/v1/namespaces/{Namespace}/secrets/{Secret}";
    private const string Configuration = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations/metallb-webhook-configuration";
    private const string Definition = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/bgppeers.metallb.io";
    private const string Objects = $"/apis/metallb.io/v1beta1/namespaces/{Namespace}";
    private const string Peers = $"/apis/metallb.io/v1beta2/namespaces/{Namespace}/bgppeers";
    private static readonly WebhookAuthority _authority = new([$"metallb-webhook-service.{Namespace}.svc", "localhost"]);

    private readonly RunningServer _server = new();
    private readonly Meter _meter = new("test");
    private readonly CancellationTokenSource _stop = new();
    private readonly ServingCertificate _serving = new();
    private KubeClient _client = null!;
    private Task _running = Task.CompletedTask;
    private int _port;

    private ApiClient Api => _server.Client;

    public async ValueTask InitializeAsync()
    {
        await _server.InitializeAsync();
        _client = new KubeClient(ClusterConnection.Load(_server.State.WriteKubeconfig(_server.Address)));
        await Api.SendAsync("POST", "/api/v1/namespaces", $$$"""{"metadata":{"name":"{{{Namespace}}}"}}""");
        var applier = new ManifestApplier(_client, TextWriter.Null, TimeProvider.System);
        var definitions = Manifests.Definitions().Where(definition => (string?)definition["spec"]!["group"] == "metallb.io").ToList();
        await applier.ApplyAsync(definitions, TestContext.Current.CancellationToken);
        await applier.EstablishAsync(definitions, TestContext.Current.CancellationToken);
        await applier.ApplyAsync(Manifests.System(Namespace, "portolan").Where(item => (string?)item["kind"] == "ValidatingWebhookConfiguration"), TestContext.Current.CancellationToken);
        var webhook = new WebhookServer(new IPEndPoint(IPAddress.Loopback, 0), TlsSettings.Default, false, _serving, new WebhookReview(_client, Namespace, NullLogger.Instance).CheckAsync, _meter, NullLogger.Instance);
        _running = Task.Run(() => webhook.RunAsync(_stop.Token));
        await Replica(_serving).PassAsync(TestContext.Current.CancellationToken);
        _port = await webhook.Port.WaitAsync(TimeSpan.FromSeconds(30), TestContext.Current.CancellationToken);
        await PointAtUsAsync();
    }

    public async ValueTask DisposeAsync()
    {
        await _stop.CancelAsync();
        await _running;
        _stop.Dispose();
        _meter.Dispose();
        _client.Dispose();
        await _server.DisposeAsync();
    }

    [Fact]
    public async Task TheNewestVersionIsTheOneThatIsShownUnasked()
    {
        // Nine of ten kinds are v1beta1 only, and listed before BGPPeer or after.
        var group = await Api.DoAsync("GET", "/apis/metallb.io", null);
        Assert.Equal("v1beta2", (string?)group["preferredVersion"]!["version"]);
        Assert.Equal(["v1beta2", "v1beta1"], group["versions"]!.AsArray().Select(version => (string?)version!["version"]));
    }

    [Fact]
    [Contract("§1.10 webhook")]
    public async Task GivesTheApiServerTheAuthorityOfItsCertificate()
    {
        var held = (await Api.DoAsync("GET", Secrets))["data"]!;
        Assert.Equal(["ca.crt", "ca.key", "tls.crt", "tls.key"], ((JsonObject)held).Select(entry => entry.Key).Order(StringComparer.Ordinal));
        var bundle = (string?)held["ca.crt"];
        Assert.Equal(bundle, (string?)(await Api.DoAsync("GET", Definition))["spec"]!["conversion"]!["webhook"]!["clientConfig"]!["caBundle"]);
        var webhooks = (JsonArray)(await Api.DoAsync("GET", Configuration))["webhooks"]!;
        Assert.Equal(WebhookServer.AdmissionPaths.Count, webhooks.Count);
        Assert.All(webhooks, webhook => Assert.Equal((bundle, "Ignore", 5), ((string?)webhook!["clientConfig"]!["caBundle"], (string?)webhook["failurePolicy"], (int)webhook["timeoutSeconds"]!)));
    }

    [Fact]
    [Contract("§1 namespace")]
    [Contract("§1.1 overlap")]
    public async Task RefusesWhatDoesNotGoTogether()
    {
        await CreateAsync("ipaddresspools", "IPAddressPool", "one", """{"addresses":["10.0.0.0/24"]}""");
        Assert.Equal(
            "admission webhook \"ipaddresspoolvalidationwebhook.metallb.io\" denied the request: spec.addresses[0]: 10.0.0.128-10.0.0.255: overlaps 10.0.0.0-10.0.0.255 of IPAddressPool one",
            await RefusedAsync("ipaddresspools", "IPAddressPool", "two", """{"addresses":["10.0.0.128/25"]}"""));
        Assert.Contains("range ends before it starts", await RefusedAsync("ipaddresspools", "IPAddressPool", "two", """{"addresses":["10.0.1.9-10.0.1.1"]}"""), StringComparison.Ordinal);
        await CreateAsync("communities", "Community", "one", """{"communities":[{"name":"a","value":"1:1"}]}""");
        Assert.Contains("spec.communities[0].name", await RefusedAsync("communities", "Community", "two", """{"communities":[{"name":"a","value":"1:2"}]}"""), StringComparison.Ordinal);

        var elsewhere = (await _server.NamespaceAsync()).Split('/')[^1];
        Assert.Contains("metadata.namespace", await Api.RefusedAsync(403, "POST", $"/apis/metallb.io/v1beta1/namespaces/{elsewhere}/ipaddresspools", Body("IPAddressPool", "three", """{"addresses":["10.0.9.0/24"]}""")), StringComparison.Ordinal);
    }

    [Fact]
    [Contract("§1.5 delete")]
    [Contract("§1.4 disableMP")]
    public async Task KeepsAProfileThatAPeerUses_AndWarnsOfWhatIsDeprecated()
    {
        await CreateAsync("bfdprofiles", "BFDProfile", "fast", """{"receiveInterval":50}""");
        var (code, _, response) = await Api.SendAsync("POST", Peers, Body("BGPPeer", "a", """{"myASN":1,"peerASN":2,"peerAddress":"192.0.2.1","bfdProfile":"fast","disableMP":true}""", "v1beta2"));
        Assert.Equal(201, code);
        Assert.Contains("spec.disableMP", string.Join(' ', response.Headers.GetValues("Warning")), StringComparison.Ordinal);
        Assert.Contains("BGPPeer a uses this BFDProfile", await Api.RefusedAsync(403, "DELETE", $"{Objects}/bfdprofiles/fast"), StringComparison.Ordinal);
        await Api.DoAsync("DELETE", $"{Peers}/a");
        await Api.DoAsync("DELETE", $"{Objects}/bfdprofiles/fast");
    }

    [Fact]
    [Contract("§1.4 v1beta1")]
    public async Task ServesPeersInBothVersions_LosingNothing()
    {
        await Api.DoAsync("POST", Peers, Body("BGPPeer", "a", """{"myASN":64512,"dynamicASN":"external","interface":"eth0","vrf":"red","enableGracefulRestart":true}""", "v1beta2"));
        var old = await Api.DoAsync("GET", $"{Objects}/bgppeers/a");
        Assert.Equal(("metallb.io/v1beta1", 0), ((string?)old["apiVersion"], (int)old["spec"]!["peerASN"]!));
        old["spec"]!["holdTime"] = "30s";
        var (code, written, response) = await Api.SendAsync("PUT", $"{Objects}/bgppeers/a", old.ToJsonString());
        Assert.True(code == 200, written.ToJsonString());
        Assert.Contains("metallb.io/v1beta1 BGPPeer is deprecated", string.Join(' ', response.Headers.GetValues("Warning")), StringComparison.Ordinal);
        var now = await Api.DoAsync("GET", $"{Peers}/a");
        Assert.Equal(
            """{"disableMP":false,"dualStackAddressFamily":false,"dynamicASN":"external","enableGracefulRestart":true,"holdTime":"30s","interface":"eth0","myASN":64512,"peerPort":179,"vrf":"red"}""",
            new JsonObject(((JsonObject)now["spec"]!).OrderBy(field => field.Key, StringComparer.Ordinal).Select(field => KeyValuePair.Create(field.Key, field.Value?.DeepClone()))).ToJsonString());
        Assert.Null(now["metadata"]!["annotations"]);

        await Api.DoAsync("POST", $"{Objects}/bgppeers", Body("BGPPeer", "b", """{"myASN":1,"peerASN":2,"peerAddress":"192.0.2.1"}"""));
        Assert.Equal(["a", "b"], ((JsonArray)(await Api.DoAsync("GET", $"{Objects}/bgppeers"))["items"]!).Select(item => (string?)item!["metadata"]!["name"]));

        // What is written as v1beta1 is judged as what it is.
        Assert.Contains("bgppeersvalidationwebhook", await Api.RefusedAsync(403, "POST", $"{Objects}/bgppeers", Body("BGPPeer", "c", """{"myASN":1,"peerASN":2,"peerAddress":"192.0.2.1"}""")), StringComparison.Ordinal);
    }

    [Fact]
    public async Task LetsObjectsPass_WhenItIsNotThere()
    {
        await CreateAsync("ipaddresspools", "IPAddressPool", "one", """{"addresses":["10.0.0.0/24"]}""");
        await _stop.CancelAsync();
        await _running;
        await CreateAsync("ipaddresspools", "IPAddressPool", "two", """{"addresses":["10.0.0.128/25"]}""");
        Assert.Equal(422, (await Api.SendAsync("POST", $"{Objects}/ipaddresspools", Body("IPAddressPool", "three", """{"addresses":["10.0.0.1"]}"""))).Code);   // the definition's rules remain
    }

    [Fact]
    public async Task ChangesItsAuthority_WithoutACallThatFails()
    {
        // Two replicas; every call must be answered throughout, by whichever of their certificates.
        var other = new ServingCertificate();
        var second = Replica(other);
        await second.PassAsync(TestContext.Current.CancellationToken);
        Assert.Equal(_serving.Current!.Thumbprint, other.Current!.Thumbprint);
        var first = _serving.Current.Thumbprint;

        // The authority's key is lost, and a certificate is needed: a new authority.
        await Api.DoAsync("PATCH", Secrets, """{"data":{"ca.key":null,"tls.crt":null}}""", "application/merge-patch+json");
        using var stopCalls = new CancellationTokenSource();
        var calls = CallAsync(stopCalls.Token);
        await Task.WhenAll(Replica(_serving).PassAsync(TestContext.Current.CancellationToken), second.PassAsync(TestContext.Current.CancellationToken));
        await PointAtUsAsync();
        await Task.WhenAll(Replica(_serving).PassAsync(TestContext.Current.CancellationToken), second.PassAsync(TestContext.Current.CancellationToken));
        await stopCalls.CancelAsync();
        Assert.True(await calls > 0);

        // Both serve the same new certificate, and the API server trusts the old authority still, for a replica that is late.
        Assert.NotEqual(first, _serving.Current.Thumbprint);
        Assert.Equal(_serving.Current.Thumbprint, other.Current.Thumbprint);
        var bundle = new X509Certificate2Collection();
        bundle.ImportFromPem(Encoding.ASCII.GetString(Convert.FromBase64String((string)(await Api.DoAsync("GET", Definition))["spec"]!["conversion"]!["webhook"]!["clientConfig"]!["caBundle"]!)));
        Assert.Equal(2, bundle.Count);
        Assert.Contains("overlap", await RefusedAsync("ipaddresspools", "IPAddressPool", "two", """{"addresses":["10.0.0.128/25"]}"""), StringComparison.Ordinal);
    }

    /// <summary>Reads a peer as v1beta1, which only the webhook can give, over and over.</summary>
    private async Task<int> CallAsync(CancellationToken stop)
    {
        await CreateAsync("ipaddresspools", "IPAddressPool", "one", """{"addresses":["10.0.0.0/24"]}""");
        await Api.DoAsync("POST", Peers, Body("BGPPeer", "a", """{"myASN":1,"peerASN":2,"peerAddress":"192.0.2.1"}""", "v1beta2"));
        var calls = 0;
        for (; calls == 0 || !stop.IsCancellationRequested; calls++)
            await Api.DoAsync("GET", $"{Objects}/bgppeers/a");
        return calls;
    }

    private WebhookCertificates Replica(ServingCertificate serving) =>
        new(_client, Namespace, Secret, _authority, new TrustBundle(_client, "metallb-webhook-configuration", "bgppeers.metallb.io", NullLogger.Instance), serving, TimeProvider.System, NullLogger.Instance);

    /// <summary>There is no cluster whose Service would lead to this process: the same calls go to it by URL, with the trust that was given.</summary>
    private async Task PointAtUsAsync()
    {
        var definition = await Api.DoAsync("GET", Definition);
        var conversion = (JsonObject)definition["spec"]!["conversion"]!["webhook"]!["clientConfig"]!;
        conversion.Remove("service");
        conversion["url"] = $"https://localhost:{_port}/convert";
        conversion["caBundle"] = (await Api.DoAsync("GET", Secrets))["data"]!["ca.crt"]!.DeepClone();
        await Api.DoAsync("PUT", Definition, definition.ToJsonString());
        var configuration = await Api.DoAsync("GET", Configuration);
        foreach (var webhook in (JsonArray)configuration["webhooks"]!)
        {
            var client = (JsonObject)webhook!["clientConfig"]!;
            if (client["service"] is not JsonObject service)
                continue;
            client["url"] = $"https://localhost:{_port}{service["path"]}";
            client.Remove("service");
        }

        await Api.DoAsync("PUT", Configuration, configuration.ToJsonString());
    }

    private Task<JsonObject> CreateAsync(string plural, string kind, string name, string spec) => Api.DoAsync("POST", $"{Objects}/{plural}", Body(kind, name, spec));

    private Task<string> RefusedAsync(string plural, string kind, string name, string spec) => Api.RefusedAsync(403, "POST", $"{Objects}/{plural}", Body(kind, name, spec));

    private static string Body(string kind, string name, string spec, string version = "v1beta1") =>
        $$"""{"apiVersion":"metallb.io/{{version}}","kind":"{{kind}}","metadata":{"name":"{{name}}"},"spec":{{spec}}}""";
}
