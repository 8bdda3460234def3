using System.Net;
using System.Net.Sockets;
using System.Security.Cryptography;
using System.Security.Cryptography.X509Certificates;
using System.Text;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Storage;
using Portolan.Lab.Pki;
using Portolan.Lab.Tests.ApiServer;

namespace Portolan.Lab.Tests.Webhooks;

/// <summary>Webhooks that let pass or deny, asked over TLS as a real server asks them.</summary>
public sealed class ValidatingWebhookTests(RunningServer server) : IClassFixture<RunningServer>
{
    private readonly ApiClient _client = server.Client;

    private static string Map(string name, string more = "") => $$$"""{"metadata":{"name":"{{{name}}}"{{{more}}}},"data":{"a":"b"}}""";

    private async Task<(string Path, string Name)> NamespaceAsync()
    {
        var path = await server.NamespaceAsync();
        return (path, path.Split('/')[^1]);
    }

    [Fact]
    public async Task SeesWhatIsAskedFor()
    {
        var (path, ns) = await NamespaceAsync();
        await using var webhook = await WebhookServer.StartAsync();
        await using var configured = await Configured.AsAsync(server, webhook, ns, Configured.Rule("\"*\"", "\"configmaps\""));

        await _client.DoAsync("POST", $"{path}/configmaps?fieldManager=me", Map("c"));
        Assert.True(webhook.Requests.TryDequeue(out var created));
        Assert.Equal("/review?timeout=10s", (string?)created["path"]);
        Assert.Equal("CREATE c " + ns, $"{created["operation"]} {created["name"]} {created["namespace"]}");
        Assert.Equal("""{"group":"","version":"v1","kind":"ConfigMap"}""", created["kind"]!.ToJsonString());
        Assert.Equal("""{"group":"","version":"v1","resource":"configmaps"}""", created["requestResource"]!.ToJsonString());
        Assert.Equal("kubernetes-admin", (string?)created["userInfo"]!["username"]);
        Assert.Contains("system:masters", ((JsonArray)created["userInfo"]!["groups"]!).Select(g => (string?)g));
        Assert.Equal("""{"kind":"CreateOptions","apiVersion":"meta.k8s.io/v1","fieldManager":"me"}""", created["options"]!.ToJsonString());
        Assert.Equal(("b", false), ((string?)created["object"]!["data"]!["a"], (bool?)created["dryRun"]));
        Assert.Null(created["oldObject"]);

        await _client.DoAsync("PATCH", $"{path}/configmaps/c?dryRun=All", """{"data":{"a":"c"}}""", "application/merge-patch+json");
        Assert.True(webhook.Requests.TryDequeue(out var patched));
        Assert.Equal(("UPDATE", "b", "c", true), ((string?)patched["operation"], (string?)patched["oldObject"]!["data"]!["a"], (string?)patched["object"]!["data"]!["a"], (bool?)patched["dryRun"]));
        Assert.Equal("PatchOptions", (string?)patched["options"]!["kind"]);

        await _client.DoAsync("DELETE", $"{path}/configmaps?propagationPolicy=Background");
        Assert.True(webhook.Requests.TryDequeue(out var deleted));
        Assert.Equal(("DELETE", "c", "Background"), ((string?)deleted["operation"], (string?)deleted["oldObject"]!["metadata"]!["name"], (string?)deleted["options"]!["propagationPolicy"]));
        Assert.Null(deleted["object"]);
        Assert.Empty(webhook.Requests);
    }

    [Fact]
    public async Task DeniesInItsOwnWords_AndNothingIsStored()
    {
        var (path, ns) = await NamespaceAsync();
        await _client.DoAsync("POST", $"{path}/configmaps", Map("kept"));
        await using var webhook = await WebhookServer.StartAsync();
        await using var configured = await Configured.AsAsync(server, webhook, ns, Configured.Rule("\"*\"", "\"*\""));
        webhook.AnswerWith(WebhookServer.Deny("not today", 403, "Forbidden"));
        var denied = "admission webhook \"check.example.com\" denied the request: not today";
        Assert.Equal(denied, await _client.RefusedAsync(403, "POST", $"{path}/configmaps", Map("c")));
        Assert.Equal(denied, await _client.RefusedAsync(403, "PUT", $"{path}/configmaps/kept", Map("kept", ",\"labels\":{\"x\":\"y\"}")));
        Assert.Equal(denied, await _client.RefusedAsync(403, "PATCH", $"{path}/configmaps/new?fieldManager=m", """{"apiVersion":"v1","kind":"ConfigMap","data":{}}""", "application/apply-patch+yaml"));
        Assert.Equal(denied, await _client.RefusedAsync(403, "DELETE", $"{path}/configmaps/kept"));
        Assert.Equal(denied, await _client.RefusedAsync(403, "DELETE", $"{path}/configmaps"));
        var left = (JsonArray)(await _client.DoAsync("GET", $"{path}/configmaps"))["items"]!;
        Assert.Equal("kept", (string?)Assert.Single(left)!["metadata"]!["name"]);
        Assert.Null(left[0]!["metadata"]!["labels"]);

        webhook.AnswerWith(new() { ["allowed"] = false });
        Assert.Equal("admission webhook \"check.example.com\" denied the request without explanation", await _client.RefusedAsync(400, "POST", $"{path}/configmaps", Map("c")));
        webhook.AnswerWith(new() { ["allowed"] = false, ["status"] = new JsonObject { ["code"] = 200, ["reason"] = "TooBad", ["details"] = new JsonObject { ["causes"] = new JsonArray(new JsonObject { ["field"] = "data" }) } } });
        var (code, reply, _) = await _client.SendAsync("POST", $"{path}/configmaps", Map("c"));
        Assert.Equal((400, "TooBad", "data"), (code, (string?)reply["reason"], (string?)reply["details"]!["causes"]![0]!["field"]));
    }

    [Fact]
    public async Task WarningsReachTheClient_WhateverIsDecided()
    {
        var (path, ns) = await NamespaceAsync();
        await using var webhook = await WebhookServer.StartAsync();
        await using var configured = await Configured.AsAsync(server, webhook, ns, Configured.Rule("\"CREATE\"", "\"configmaps\""));
        webhook.AnswerWith(new() { ["allowed"] = true, ["warnings"] = new JsonArray("mind the \"gap\"", "mind the \"gap\"", new string('x', 5000)) });
        var (_, _, response) = await _client.SendAsync("POST", $"{path}/configmaps", Map("c"));
        Assert.Equal(["299 - \"mind the \\\"gap\\\"\"", $"299 - \"{new string('x', 256)}\""], response.Headers.GetValues("Warning"));
        webhook.AnswerWith(new() { ["allowed"] = false, ["warnings"] = new JsonArray("careful") });
        (_, _, response) = await _client.SendAsync("POST", $"{path}/configmaps", Map("d"));
        Assert.Equal(["299 - \"careful\""], response.Headers.GetValues("Warning"));
    }

    [Theory]
    [InlineData("\"CREATE\"", "\"pods\"", "\"\"", "*", false)]
    [InlineData("\"UPDATE\"", "\"configmaps\"", "\"\"", "*", false)]
    [InlineData("\"CREATE\"", "\"configmaps/*\"", "\"\"", "*", true)]
    [InlineData("\"CREATE\"", "\"configmaps/status\"", "\"\"", "*", false)]
    [InlineData("\"CREATE\"", "\"*/*\"", "\"*\"", "*", true)]
    [InlineData("\"CREATE\",\"UPDATE\"", "\"pods\",\"configmaps\"", "\"apps\",\"\"", "Namespaced", true)]
    [InlineData("\"*\"", "\"*\"", "\"*\"", "Cluster", false)]
    [InlineData("\"*\"", "\"*\"", "\"apps\"", "*", false)]
    public async Task IsAskedAboutWhatItsRulesName(string operations, string resources, string groups, string scope, bool asked)
    {
        var (path, ns) = await NamespaceAsync();
        await using var webhook = await WebhookServer.StartAsync();
        await using var configured = await Configured.AsAsync(server, webhook, ns, Configured.Rule(operations, resources, groups, scope: scope));
        await _client.DoAsync("POST", $"{path}/configmaps", Map("c"));
        Assert.Equal(asked ? 1 : 0, webhook.Requests.Count);
    }

    [Fact]
    public async Task SelectorsNarrowIt_OldLabelsCountToo()
    {
        var (path, ns) = await NamespaceAsync();
        var (other, _) = await NamespaceAsync();
        await using var webhook = await WebhookServer.StartAsync();
        await using var configured = await Configured.AsAsync(
            server, webhook, ns, Configured.Rule("\"*\"", "\"configmaps\""), """,  "objectSelector":{"matchExpressions":[{"key":"guarded","operator":"Exists"}]}""");
        webhook.AnswerWith(WebhookServer.Deny("guarded"));
        await _client.DoAsync("POST", $"{other}/configmaps", Map("c", ",\"labels\":{\"guarded\":\"yes\"}"));
        await _client.DoAsync("POST", $"{path}/configmaps", Map("c"));
        Assert.Empty(webhook.Requests);
        await _client.RefusedAsync(400, "PATCH", $"{path}/configmaps/c", """{"metadata":{"labels":{"guarded":"yes"}}}""", "application/merge-patch+json");
        webhook.AnswerWith(new() { ["allowed"] = true });
        await _client.DoAsync("PATCH", $"{path}/configmaps/c", """{"metadata":{"labels":{"guarded":"yes"}}}""", "application/merge-patch+json");
        webhook.AnswerWith(WebhookServer.Deny("guarded"));
        await _client.RefusedAsync(400, "PATCH", $"{path}/configmaps/c", """{"metadata":{"labels":{"guarded":null}}}""", "application/merge-patch+json");
        await _client.RefusedAsync(400, "DELETE", $"{path}/configmaps/c");
    }

    [Fact]
    public async Task MatchConditionsMustAllHold()
    {
        var (path, ns) = await NamespaceAsync();
        await using var webhook = await WebhookServer.StartAsync();
        webhook.AnswerWith(WebhookServer.Deny("guarded"));
        const string Conditions = """
            ,"matchConditions":[{"name":"not-nodes","expression":"!('system:nodes' in request.userInfo.groups)"},{"name":"guarded","expression":"(object != null ? object : oldObject).data.a == 'guard'"}]
            """;
        await using (await Configured.AsAsync(server, webhook, ns, Configured.Rule("\"*\"", "\"configmaps\""), Conditions))
        {
            await _client.DoAsync("POST", $"{path}/configmaps", Map("c"));
            Assert.Empty(webhook.Requests);
            await _client.RefusedAsync(400, "PATCH", $"{path}/configmaps/c", """{"data":{"a":"guard"}}""", "application/merge-patch+json");
            await _client.DoAsync("DELETE", $"{path}/configmaps/c");
            // One that cannot be evaluated decides like a webhook that cannot be asked.
            Assert.Contains("configmaps \"d\" is forbidden: matchCondition \"guarded\": ", await _client.RefusedAsync(403, "POST", $"{path}/configmaps", """{"metadata":{"name":"d"}}"""));
        }

        await using (await Configured.AsAsync(server, webhook, ns, Configured.Rule("\"*\"", "\"configmaps\""), Conditions + ""","failurePolicy":"Ignore" """))
            await _client.DoAsync("POST", $"{path}/configmaps", """{"metadata":{"name":"d"}}""");
    }

    [Fact]
    public async Task FailurePolicyDecidesWhenItCannotBeAsked()
    {
        var (path, ns) = await NamespaceAsync();
        await using var webhook = await WebhookServer.StartAsync();
        using var nobody = new Socket(AddressFamily.InterNetwork, SocketType.Stream, ProtocolType.Tcp);
        nobody.Bind(new IPEndPoint(IPAddress.Loopback, 0));
        var closed = ((IPEndPoint)nobody.LocalEndPoint!).Port;
        var address = $$"""{"url":"https://127.0.0.1:{{closed}}/x","caBundle":"{{webhook.CaBundle}}"}""";
        await using (await Configured.AsAsync(server, webhook, ns, Configured.Rule("\"*\"", "\"configmaps\""), """,  "failurePolicy":"Ignore" """, clientConfig: address))
            await _client.DoAsync("POST", $"{path}/configmaps", Map("c"));
        await using (await Configured.AsAsync(server, webhook, ns, Configured.Rule("\"*\"", "\"configmaps\""), clientConfig: address))
            Assert.Equal(
                $"Internal error occurred: failed calling webhook \"check.example.com\": failed to call webhook: Post \"https://127.0.0.1:{closed}/x?timeout=10s\": dial tcp 127.0.0.1:{closed}: connect: connection refused",
                await _client.RefusedAsync(500, "POST", $"{path}/configmaps", Map("d")));

        await using var slow = await Configured.AsAsync(server, webhook, ns, Configured.Rule("\"*\"", "\"configmaps\""), """,  "timeoutSeconds":1 """);
        webhook.Answer = async _ =>
        {
            await Task.Delay(TimeSpan.FromSeconds(20), TestContext.Current.CancellationToken);
            return null;
        };
        Assert.EndsWith($"Post \"https://127.0.0.1:{webhook.Port}/review?timeout=1s\": context deadline exceeded", await _client.RefusedAsync(500, "POST", $"{path}/configmaps", Map("d")));
    }

    [Theory]
    [InlineData("""{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"other","allowed":true}}""", "expected response.uid=")]
    [InlineData("""{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1"}""", "webhook response was absent")]
    [InlineData("""{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1beta1","response":{"allowed":true}}""", "expected webhook response of admission.k8s.io/v1, Kind=AdmissionReview, got admission.k8s.io/v1beta1")]
    [InlineData("""{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"UID","allowed":"yes"}}""", "response.allowed")]
    [InlineData("""{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"UID","allowed":true,"patch":"W10="}}""", "webhook returned response.patch but not response.patchType")]
    [InlineData("""{"kind":"AdmissionReview","apiVersion":"admission.k8s.io/v1","response":{"uid":"UID","allowed":true,"patch":"W10","patchType":"JSONPatch"}}""", "the patch cannot be read")]
    [InlineData("[]", "not an object")]
    [InlineData("", "does not contain any JSON tokens")]
    [InlineData("<html>", "invalid start of a value")]
    public async Task AnAnswerThatIsNoneIsAFailure(string answer, string why)
    {
        var (path, ns) = await NamespaceAsync();
        await using var webhook = await WebhookServer.StartAsync();
        await using var configured = await Configured.AsAsync(server, webhook, ns, Configured.Rule("\"*\"", "\"configmaps\""));
        webhook.Raw = context => context.Response.Body.WriteAsync(Encoding.UTF8.GetBytes(answer.Replace("UID", (string?)webhook.Requests.Last()["uid"], StringComparison.Ordinal))).AsTask();
        var message = await _client.RefusedAsync(500, "POST", $"{path}/configmaps", Map("c"));
        Assert.StartsWith("Internal error occurred: failed calling webhook \"check.example.com\": received invalid webhook response: ", message, StringComparison.Ordinal);
        Assert.Contains(why, message, StringComparison.OrdinalIgnoreCase);

        webhook.Raw = context =>
        {
            context.Response.StatusCode = 503;
            return context.Response.Body.WriteAsync("busy"u8.ToArray()).AsTask();
        };
        Assert.EndsWith("failed to call webhook: " + $"Post \"https://127.0.0.1:{webhook.Port}/review?timeout=10s\": an error on the server (busy) has prevented the request from succeeding", await _client.RefusedAsync(500, "POST", $"{path}/configmaps", Map("c")));
    }

    [Fact]
    public async Task TrustsOnlyTheBundle_AndOnlyTheNameItAsksFor()
    {
        var (path, ns) = await NamespaceAsync();
        await using var webhook = await WebhookServer.StartAsync();
        await using var stranger = await WebhookServer.StartAsync();
        var rule = Configured.Rule("\"*\"", "\"configmaps\"");
        async Task<string> RefusedAsync(string clientConfig)
        {
            await using var configured = await Configured.AsAsync(server, webhook, ns, rule, clientConfig: clientConfig);
            return await _client.RefusedAsync(500, "POST", $"{path}/configmaps", Map("c"));
        }

        Assert.EndsWith("tls: failed to verify certificate: x509: certificate signed by unknown authority", await RefusedAsync($$"""{"url":"https://127.0.0.1:{{webhook.Port}}/","caBundle":"{{stranger.CaBundle}}"}"""));
        Assert.EndsWith("tls: failed to verify certificate: x509: certificate is valid for 127.0.0.1, not localhost", await RefusedAsync($$"""{"url":"https://localhost:{{webhook.Port}}/","caBundle":"{{webhook.CaBundle}}"}"""));
        Assert.EndsWith("certificate signed by unknown authority", await RefusedAsync($$"""{"url":"https://127.0.0.1:{{webhook.Port}}/"}"""));
        var old = CommonNameOnly("127.0.0.1");
        await using var nameless = await WebhookServer.StartAsync(_ => old);
        Assert.EndsWith("x509: certificate relies on legacy Common Name field, use SANs instead",
            await RefusedAsync($$"""{"url":"https://127.0.0.1:{{nameless.Port}}/","caBundle":"{{Convert.ToBase64String(Encoding.ASCII.GetBytes(old.CertificatePem))}}"}"""));
        Assert.Empty(webhook.Requests);
    }

    private static Credential CommonNameOnly(string name)
    {
        using var key = ECDsa.Create(ECCurve.NamedCurves.nistP256);
        var request = new CertificateRequest($"CN={name}", key, HashAlgorithmName.SHA256);
        using var certificate = request.CreateSelfSigned(DateTimeOffset.UtcNow.AddMinutes(-5), DateTimeOffset.UtcNow.AddHours(1));
        return Credential.Of(certificate, key);
    }

    [Fact]
    public async Task AServiceIsReachedThroughItsReadyEndpoints()
    {
        var (path, ns) = await NamespaceAsync();
        await using var webhook = await WebhookServer.StartAsync(authority => authority.Issue("webhook", names: [$"hook.{ns}.svc"]));
        var slices = $"/apis/discovery.k8s.io/v1/namespaces/{ns}/endpointslices";
        await using var configured = await Configured.AsAsync(server, webhook, ns, Configured.Rule("\"CREATE\"", "\"configmaps\""),
            clientConfig: $$"""{"service":{"namespace":"{{ns}}","name":"hook","path":"/validate"},"caBundle":"{{webhook.CaBundle}}"}""");
        async Task<string> WhyAsync() => (await _client.RefusedAsync(500, "POST", $"{path}/configmaps", Map("c"))).Split("\": ")[^1];

        Assert.Equal("service \"hook\" not found", await WhyAsync());
        await _client.DoAsync("POST", $"{path}/services", """{"metadata":{"name":"hook"},"spec":{"ports":[{"name":"https","port":444,"targetPort":"hook"}]}}""");
        Assert.Equal("no service port 443 found for service \"hook\"", await WhyAsync());
        await _client.DoAsync("PATCH", $"{path}/services/hook", """{"spec":{"ports":[{"name":"https","port":443,"targetPort":"hook"}]}}""", "application/merge-patch+json");
        Assert.Equal("no endpoints available for service \"hook\"", await WhyAsync());
        string Slice(string name, string ready, string address) => $$"""
            {"metadata":{"name":"{{name}}","labels":{"kubernetes.io/service-name":"hook"} },"addressType":"IPv4","endpoints":[{"addresses":["{{address}}"],"conditions":{"ready":{{ready}} } }],
             "ports":[{"name":"https","port":{{webhook.Port}},"protocol":"TCP"}]}
            """;
        await _client.DoAsync("POST", slices, Slice("a", "false", "192.0.2.1"));
        Assert.Equal("no endpoints available for service \"hook\"", await WhyAsync());
        // No endpoint may be a loopback address, and a machine may have no other: into the store past the rules.
        var slice = (JsonObject)JsonNode.Parse(Slice("b", "true", "127.0.0.1"))!;
        (slice["apiVersion"], slice["kind"]) = ("discovery.k8s.io/v1", "EndpointSlice");
        await server.Host.Store.WriteAsync(new("endpointslices.discovery.k8s.io", new(ns, "b"), 0, ObjectWriter.Write(slice)), TestContext.Current.CancellationToken);
        await _client.DoAsync("POST", $"{path}/configmaps", Map("c"));
        Assert.True(webhook.Requests.TryDequeue(out var request));
        Assert.Equal(("/validate?timeout=10s", $"hook.{ns}.svc"), ((string?)request["path"], (string?)request["host"]));
    }

    [Fact]
    public async Task WhatItSawIsWhatIsStored()
    {
        var (path, ns) = await NamespaceAsync();
        await _client.DoAsync("POST", $"{path}/configmaps", Map("c"));
        await using var webhook = await WebhookServer.StartAsync();
        await using var configured = await Configured.AsAsync(server, webhook, ns, Configured.Rule("\"UPDATE\"", "\"configmaps\""));
        var first = true;
        webhook.Answer = async request =>
        {
            // While the webhook thinks, another writer (whom it lets pass) is faster: the patch is made anew, and shown anew.
            if (first)
            {
                first = false;
                await _client.DoAsync("PATCH", $"{path}/configmaps/c", """{"data":{"other":"1"}}""", "application/merge-patch+json");
            }

            return new() { ["allowed"] = true };
        };
        var stored = await _client.DoAsync("PATCH", $"{path}/configmaps/c", """{"data":{"mine":"1"}}""", "application/merge-patch+json");
        Assert.Equal("""{"a":"b","other":"1","mine":"1"}""", stored["data"]!.ToJsonString());
        Assert.Equal(["mine", "other", "mine"], webhook.Requests.Select(r => ((JsonObject)r["object"]!["data"]!).Last().Key));
        Assert.Equal(stored["data"]!.ToJsonString(), webhook.Requests.Last()["object"]!["data"]!.ToJsonString());
    }

    [Fact]
    public async Task SeveralAreAskedAtOnce_TheFirstDenialIsTold()
    {
        var (path, ns) = await NamespaceAsync();
        await using var webhook = await WebhookServer.StartAsync();
        var all = new TaskCompletionSource();
        webhook.Answer = async request =>
        {
            if (webhook.Requests.Count == 3) all.TrySetResult();
            await all.Task.WaitAsync(TimeSpan.FromSeconds(8), TestContext.Current.CancellationToken);
            return WebhookServer.Deny("no");
        };
        var rule = Configured.Rule("\"CREATE\"", "\"configmaps\"");
        await using var c = await Configured.AsAsync(server, webhook, ns, rule, name: "c.example.com");
        await using var a = await Configured.AsAsync(server, webhook, ns, rule, name: "a.example.com");
        await using var b = await Configured.AsAsync(server, webhook, ns, rule, name: "b.example.com");
        Assert.Equal("admission webhook \"a.example.com\" denied the request: no", await _client.RefusedAsync(400, "POST", $"{path}/configmaps", Map("c")));
    }

    [Fact]
    public async Task SubresourcesAreAskedAboutAsWhatTheyAre()
    {
        var (path, ns) = await NamespaceAsync();
        var deployments = path.Replace("/api/v1", "/apis/apps/v1", StringComparison.Ordinal) + "/deployments";
        await _client.DoAsync("POST", deployments, """{"metadata":{"name":"d"},"spec":{"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}}}""");
        await _client.DoAsync("POST", $"{path}/pods", """{"metadata":{"name":"p"},"spec":{"containers":[{"name":"c","image":"i"}]}}""");
        await using var webhook = await WebhookServer.StartAsync();
        await using var configured = await Configured.AsAsync(server, webhook, ns, Configured.Rule("\"*\"", "\"*/*\"", "\"*\""));
        string Last() => webhook.Requests.Last() is var r ? $"{r["operation"]} {r["resource"]!["resource"]}/{r["subResource"]} {r["kind"]!["group"]}/{r["kind"]!["version"]} {r["kind"]!["kind"]} {r["name"]}" : "";

        await _client.DoAsync("PATCH", $"{deployments}/d/scale", """{"spec":{"replicas":3}}""", "application/merge-patch+json");
        Assert.Equal("UPDATE deployments/scale autoscaling/v1 Scale d", Last());
        Assert.Equal((1, 3), ((int?)webhook.Requests.Last()["oldObject"]!["spec"]!["replicas"], (int?)webhook.Requests.Last()["object"]!["spec"]!["replicas"]));
        await _client.DoAsync("PATCH", $"{deployments}/d/status", """{"status":{"replicas":2}}""", "application/merge-patch+json");
        Assert.Equal("UPDATE deployments/status apps/v1 Deployment d", Last());
        await _client.DoAsync("POST", $"{path}/pods/p/binding", """{"target":{"kind":"Node","name":"n"}}""");
        Assert.Equal("CREATE pods/binding /v1 Binding p", Last());
        await _client.DoAsync("POST", $"{path}/serviceaccounts/default/token", """{"spec":{}}""");
        Assert.Equal("CREATE serviceaccounts/token authentication.k8s.io/v1 TokenRequest default", Last());
        await _client.DoAsync("POST", $"{path}/pods/p/eviction", """{"metadata":{"name":"p"}}""");
        Assert.Equal("CREATE pods/eviction policy/v1 Eviction p", Last());
        webhook.AnswerWith(WebhookServer.Deny("no shells here"));
        Assert.Equal("admission webhook \"check.example.com\" denied the request: no shells here",
            await _client.RefusedAsync(400, "GET", $"{path}/pods/p/exec?command=sh&command=-c&container=c&stdin=true&stdout=true"));
        Assert.Equal("CONNECT pods/exec /v1 PodExecOptions p", Last());
        Assert.Equal("""{"kind":"PodExecOptions","apiVersion":"v1","stdin":true,"stdout":true,"container":"c","command":["sh","-c"]}""", webhook.Requests.Last()["object"]!.ToJsonString());
        Assert.Equal("admission webhook \"check.example.com\" denied the request: no shells here",
            await _client.RefusedAsync(400, "PATCH", $"{deployments}/d/scale", """{"spec":{"replicas":5}}""", "application/merge-patch+json"));
    }

    [Fact]
    public async Task ConfigurationsThemselvesAreNeverAskedAbout()
    {
        await using var webhook = await WebhookServer.StartAsync();
        webhook.AnswerWith(WebhookServer.Deny("locked"));
        const string Path = "/apis/admissionregistration.k8s.io/v1/validatingwebhookconfigurations";
        await _client.DoAsync("POST", Path, $$"""
            {"metadata":{"name":"locked"},"webhooks":[{"name":"locked.example.com","clientConfig":{"url":"https://127.0.0.1:{{webhook.Port}}/","caBundle":"{{webhook.CaBundle}}"},
              "rules":[{"operations":["*"],"apiGroups":["*"],"apiVersions":["*"],"resources":["validatingwebhookconfigurations","mutatingwebhookconfigurations"]}],"sideEffects":"None","admissionReviewVersions":["v1"]}]}
            """);
        await _client.DoAsync("PATCH", $"{Path}/locked", """{"metadata":{"labels":{"a":"b"}}}""", "application/merge-patch+json");
        await _client.DoAsync("DELETE", $"{Path}/locked");
        Assert.Empty(webhook.Requests);
    }
}
