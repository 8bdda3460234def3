using System.Text.Json.Nodes;
using Portolan.Lab.Tests.ApiServer;

namespace Portolan.Lab.Tests.Webhooks;

/// <summary>What people see of webhooks, with the real kubectl.</summary>
public sealed class WebhookKubectlTests(RunningServer server) : IClassFixture<RunningServer>
{
    [Theory]
    [MemberData(nameof(Kubectl.Binaries), MemberType = typeof(Kubectl))]
    public async Task KubectlTellsWhatWebhooksSay(string binary)
    {
        if (binary.Length == 0) Assert.Skip("there is no kubectl on this machine");
        var ns = (await server.NamespaceAsync()).Split('/')[^1];
        var kubectl = new Kubectl(server, binary, ns);
        await using var webhook = await WebhookServer.StartAsync();
        await using (var configured = await Configured.AsAsync(server, webhook, ns, Configured.Rule("\"*\"", "\"*\"")))
        {
            webhook.AnswerWith(new() { ["allowed"] = true, ["warnings"] = new JsonArray("it may rain") });
            var output = await kubectl.OkAsync("create configmap fine --from-literal=a=b");
            Assert.Contains("configmap/fine created", output);
            Assert.Contains("Warning: it may rain", output);

            webhook.AnswerWith(WebhookServer.Deny("not on a Sunday", 403, "Forbidden"));
            const string Denied = "admission webhook \"check.example.com\" denied the request: not on a Sunday";
            Assert.Equal($"error: failed to create configmap: {Denied}", (await kubectl.FailsAsync("create configmap other")).Trim());
            Assert.Equal($"Error from server (Forbidden): {Denied}", (await kubectl.FailsAsync("delete configmap fine")).Trim());
            await kubectl.FailsAsync("delete configmap fine --dry-run=server");
            Assert.Equal("true", webhook.Requests.Last()["dryRun"]!.ToJsonString());
            Assert.Matches(@"^NAME +WEBHOOKS +AGE\s+check\.example\.com-\d+ +1 ", await kubectl.OkAsync($"get validatingwebhookconfigurations {configured.Path.Split('/')[^1]}"));
        }

        await kubectl.OkAsync("delete configmap fine");
    }
}
