using System.Text.Json.Nodes;
using Portolan.Lab.Tests.ApiServer;

namespace Portolan.Lab.Tests.Webhooks;

/// <summary>Webhooks that change what is stored.</summary>
public sealed class MutatingWebhookTests(RunningServer server) : IClassFixture<RunningServer>
{
    private readonly ApiClient _client = server.Client;

    private static JsonObject Patching(string operations) => new() { ["allowed"] = true, ["patchType"] = "JSONPatch", ["patch"] = WebhookServer.Patch(operations) };

    private async Task<(string Path, string Name)> NamespaceAsync()
    {
        var path = await server.NamespaceAsync();
        return (path, path.Split('/')[^1]);
    }

    [Fact]
    public async Task ItsPatchIsStored_ValidatedLikeAnyOther()
    {
        var (path, ns) = await NamespaceAsync();
        await using var webhook = await WebhookServer.StartAsync();
        await using var configured = await Configured.AsAsync(server, webhook, ns, Configured.Rule("\"CREATE\",\"UPDATE\"", "\"services\""), mutating: true);
        webhook.AnswerWith(Patching("""[{"op":"add","path":"/metadata/labels","value":{"seen":"yes"}},{"op":"add","path":"/spec/ports/-","value":{"name":"more","port":81}}]"""));
        var service = """{"metadata":{"generateName":"s-"},"spec":{"ports":[{"name":"web","port":80}]}}""";
        var made = await _client.DoAsync("POST", $"{path}/services", service);
        Assert.Equal(("yes", "TCP", 81), ((string?)made["metadata"]!["labels"]!["seen"], (string?)made["spec"]!["ports"]![1]!["protocol"], (int?)made["spec"]!["ports"]![1]!["targetPort"]));
        // It saw the defaults, and no name yet.
        var seen = Assert.Single(webhook.Requests);
        Assert.Equal("TCP", (string?)seen["object"]!["spec"]!["ports"]![0]!["protocol"]);
        Assert.Null(seen["name"]);

        webhook.AnswerWith(Patching("""[{"op":"replace","path":"/spec/ports/0/port","value":0}]"""));
        Assert.Contains("spec.ports[0].port: Invalid value: 0: must be between 1 and 65535", await _client.RefusedAsync(422, "POST", $"{path}/services", service));
        webhook.AnswerWith(Patching("""[{"op":"remove","path":"/spec/nothing"}]"""));
        Assert.Contains("the patch of admission webhook \"check.example.com\" does not fit", await _client.RefusedAsync(500, "POST", $"{path}/services", service));
        webhook.AnswerWith(WebhookServer.Deny("no more services"));
        Assert.Equal("admission webhook \"check.example.com\" denied the request: no more services", await _client.RefusedAsync(400, "POST", $"{path}/services", service));
        Assert.Single((JsonArray)(await _client.DoAsync("GET", $"{path}/services"))["items"]!);
    }

    [Fact]
    public async Task TheyAreAskedInOrder_AndAgainIfNeeded()
    {
        var (path, ns) = await NamespaceAsync();
        await using var webhook = await WebhookServer.StartAsync();
        var rule = Configured.Rule("\"CREATE\"", "\"configmaps\"");
        string Client(string step) => $$"""{"url":"https://127.0.0.1:{{webhook.Port}}/{{step}}","caBundle":"{{webhook.CaBundle}}"}""";
        await using var b = await Configured.AsAsync(server, webhook, ns, rule, mutating: true, clientConfig: Client("b"), name: "b.example.com");
        await using var c = await Configured.AsAsync(server, webhook, ns, rule, """,  "reinvocationPolicy":"IfNeeded" """, mutating: true, clientConfig: Client("c"), name: "c.example.com");
        await using var a = await Configured.AsAsync(server, webhook, ns, rule, """,  "reinvocationPolicy":"IfNeeded" """, mutating: true, clientConfig: Client("a"), name: "a.example.com");
        webhook.Answer = request =>
        {
            var step = ((string)request["path"]!)[1..2];
            var times = webhook.Requests.Count(r => ((string)r["path"]!)[1..2] == step);
            return Task.FromResult<JsonObject?>(Patching($$"""[{"op":"add","path":"/data/{{step}}","value":"{{times}}"}]"""));
        };
        var made = await _client.DoAsync("POST", $"{path}/configmaps", """{"metadata":{"name":"c"},"data":{"x":"y"}}""");
        // a is asked again because b and c changed the object after it, and c because a then did.
        Assert.Equal(["a", "b", "c", "a", "c"], webhook.Requests.Select(r => ((string)r["path"]!)[1..2]));
        Assert.Equal("""{"x":"y","a":"2","b":"1","c":"2"}""", made["data"]!.ToJsonString());
    }

    [Fact]
    public async Task UpdatesPassThroughIt_TheValidatingOnesSeeItsWork()
    {
        var (path, ns) = await NamespaceAsync();
        await _client.DoAsync("POST", $"{path}/configmaps", """{"metadata":{"name":"c"},"data":{"x":"y"}}""");
        await using var webhook = await WebhookServer.StartAsync();
        await using var checking = await WebhookServer.StartAsync();
        await using var configured = await Configured.AsAsync(server, webhook, ns, Configured.Rule("\"*\"", "\"configmaps\""), mutating: true);
        await using var validating = await Configured.AsAsync(server, checking, ns, Configured.Rule("\"*\"", "\"configmaps\""), name: "then.example.com");
        webhook.AnswerWith(Patching("""[{"op":"add","path":"/data/stamp","value":"1"}]"""));
        await _client.DoAsync("PUT", $"{path}/configmaps/c", """{"metadata":{"name":"c"},"data":{"x":"z"}}""");
        Assert.Equal("""{"x":"z","stamp":"1"}""", Assert.Single(checking.Requests)["object"]!["data"]!.ToJsonString());
        await _client.DoAsync("PATCH", $"{path}/configmaps/c?fieldManager=m&force=true", """{"apiVersion":"v1","kind":"ConfigMap","data":{"x":"applied"}}""", "application/apply-patch+yaml");
        Assert.Equal("applied", (string?)checking.Requests.Last()["object"]!["data"]!["x"]);
        Assert.Contains("attempted to modify the object", await _client.RefusedAsync(500, "DELETE", $"{path}/configmaps/c"));
        webhook.AnswerWith(new() { ["allowed"] = true });
        await _client.DoAsync("DELETE", $"{path}/configmaps/c");
    }
}
