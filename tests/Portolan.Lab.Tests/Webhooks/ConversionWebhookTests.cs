using System.Text.Json.Nodes;
using Portolan.Lab.Tests.ApiServer;

namespace Portolan.Lab.Tests.Webhooks;

/// <summary>Custom kinds with several versions that differ in more than their name: v1 has <c>spec.host</c> and <c>spec.port</c>, v2 has <c>spec.address</c>.</summary>
public sealed class ConversionWebhookTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const string Definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";
    private readonly ApiClient _client = server.Client;

    private static string Definition(string plural, string clientConfig, string stored = "v2") => $$"""
        {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"{{plural}}.conv.example.com"},"spec":{"group":"conv.example.com","scope":"Namespaced",
         "names":{"plural":"{{plural}}","singular":"{{plural[..^1]}}","kind":"{{plural}}","listKind":"{{plural}}List"},
         "conversion":{"strategy":"Webhook","webhook":{"conversionReviewVersions":["v1"],"clientConfig":{{clientConfig}} } },
         "versions":[
          {"name":"v1","served":true,"storage":{{(stored == "v1").ToString().ToLowerInvariant()}},"subresources":{"status":{},"scale":{"specReplicasPath":".spec.count","statusReplicasPath":".status.count"} },
           "additionalPrinterColumns":[{"name":"Host","type":"string","jsonPath":".spec.host"}],
           "schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object","required":["host"],"properties":{"host":{"type":"string"},"port":{"type":"integer","default":80},"count":{"type":"integer"} } },"status":{"type":"object","properties":{"count":{"type":"integer"} } } } } } },
          {"name":"v2","served":true,"storage":{{(stored == "v2").ToString().ToLowerInvariant()}},"subresources":{"status":{} },
           "schema":{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object","required":["address"],"properties":{"address":{"type":"string","pattern":"^.+:[0-9]+$"},"count":{"type":"integer"} } },"status":{"type":"object","properties":{"count":{"type":"integer"} } } } } } }]} }
        """;

    private static JsonObject Convert(JsonObject obj, string to)
    {
        var spec = (JsonObject)obj["spec"]!;
        if (to.EndsWith("/v2", StringComparison.Ordinal))
        {
            spec["address"] = $"{spec["host"]}:{spec["port"]}";
            spec.Remove("host");
            spec.Remove("port");
        }
        else
        {
            var parts = ((string)spec["address"]!).Split(':');
            spec.Remove("address");
            (spec["host"], spec["port"]) = (parts[0], int.Parse(parts[1]));
        }

        obj["apiVersion"] = to;
        return obj;
    }

    private static Task<JsonObject?> Answer(JsonObject request) => Task.FromResult<JsonObject?>(new()
    {
        ["result"] = new JsonObject { ["status"] = "Success" },
        ["convertedObjects"] = new JsonArray([.. ((JsonArray)request["objects"]!).Select(o => (JsonNode)Convert((JsonObject)o!.DeepClone(), (string)request["desiredAPIVersion"]!))]),
    });

    private async Task<(WebhookServer Webhook, string V1, string V2)> ServeAsync(string plural)
    {
        var webhook = await WebhookServer.StartAsync();
        webhook.Answer = Answer;
        await _client.DoAsync("POST", Definitions, Definition(plural, $$"""{"url":"https://127.0.0.1:{{webhook.Port}}/convert","caBundle":"{{webhook.CaBundle}}"}"""));
        var ns = (await server.NamespaceAsync()).Split('/')[^1];
        string Path(string version) => $"/apis/conv.example.com/{version}/namespaces/{ns}/{plural}";
        return (webhook, Path("v1"), Path("v2"));
    }

    private static string V1(string name, string more = "") => $$"""{"metadata":{"name":"{{name}}","labels":{"a":"b"} },"spec":{"host":"h"{{more}} } }""";

    [Fact]
    public async Task EveryVersionReadsAndWritesTheSameObjects()
    {
        var (webhook, v1, v2) = await ServeAsync("routes");
        await using var _ = webhook;
        var made = await _client.DoAsync("POST", v1, V1("r"));
        Assert.Equal(("conv.example.com/v1", "h", 80), ((string?)made["apiVersion"], (string?)made["spec"]!["host"], (int?)made["spec"]!["port"]));
        Assert.Equal("/convert?timeout=30s", (string?)webhook.Requests.First()["path"]);
        webhook.Requests.Clear();

        // It is stored as v2: reading it so asks nobody.
        Assert.Equal("h:80", (string?)(await _client.DoAsync("GET", $"{v2}/r"))["spec"]!["address"]);
        Assert.Empty(webhook.Requests);
        Assert.Equal("h", (string?)(await _client.DoAsync("GET", $"{v1}/r"))["spec"]!["host"]);

        await _client.DoAsync("PATCH", $"{v1}/r", """{"spec":{"port":8080}}""", "application/merge-patch+json");
        Assert.Equal("h:8080", (string?)(await _client.DoAsync("GET", $"{v2}/r"))["spec"]!["address"]);
        await _client.DoAsync("PATCH", $"{v2}/r", """[{"op":"replace","path":"/spec/address","value":"g:1"}]""", "application/json-patch+json");
        var read = await _client.DoAsync("GET", $"{v1}/r");
        Assert.Equal(("g", 1), ((string?)read["spec"]!["host"], (int?)read["spec"]!["port"]));
        read["spec"]!["host"] = "f";
        Assert.Equal("f", (string?)(await _client.DoAsync("PUT", $"{v1}/r", read.ToJsonString()))["spec"]!["host"]);
        await _client.DoAsync("PATCH", $"{v1}/r/status", """{"status":{"count":2}}""", "application/merge-patch+json");
        await _client.DoAsync("PATCH", $"{v1}/r/scale", """{"spec":{"replicas":3}}""", "application/merge-patch+json");
        var last = await _client.DoAsync("GET", $"{v2}/r");
        Assert.Equal(("f:1", 3, 2), ((string?)last["spec"]!["address"], (int?)last["spec"]!["count"], (int?)last["status"]!["count"]));
        // Created, three changes of the spec, one of the scale; the status does not count.
        Assert.Equal(5, (int?)last["metadata"]!["generation"]);

        // Each version validates by its own schema.
        Assert.Contains("spec.host: Required value", await _client.RefusedAsync(422, "POST", v1, """{"metadata":{"name":"x"},"spec":{}}"""));
        Assert.Contains("spec.address: Invalid value", await _client.RefusedAsync(422, "POST", v2, """{"metadata":{"name":"x"},"spec":{"address":"nowhere"}}"""));
        var applied = await _client.DoAsync("PATCH", $"{v1}/applied?fieldManager=m", """{"apiVersion":"conv.example.com/v1","kind":"routes","spec":{"host":"a"}}""", "application/apply-patch+yaml");
        Assert.Equal("a", (string?)applied["spec"]!["host"]);
        Assert.Equal("a:80", (string?)(await _client.DoAsync("GET", $"{v2}/applied"))["spec"]!["address"]);
        var status = await _client.DoAsync("GET", $"{Definitions}/routes.conv.example.com");
        Assert.Equal("[\"v2\"]", status["status"]!["storedVersions"]!.ToJsonString());
    }

    [Fact]
    public async Task AListIsOneCall_ATableToo()
    {
        var (webhook, v1, v2) = await ServeAsync("links");
        await using var _ = webhook;
        foreach (var name in (string[])["a", "b", "c"]) await _client.DoAsync("POST", v2, $$"""{"metadata":{"name":"{{name}}"},"spec":{"address":"{{name}}:1"} }""");
        Assert.Empty(webhook.Requests);
        var list = await _client.DoAsync("GET", v1);
        Assert.Equal(["a", "b", "c"], ((JsonArray)list["items"]!).Select(i => (string?)i!["spec"]!["host"]));
        Assert.Equal("conv.example.com/v1", (string?)list["items"]![0]!["apiVersion"]);
        Assert.Equal(3, ((JsonArray)Assert.Single(webhook.Requests)["objects"]!).Count);
        var table = await _client.DoAsync("GET", v1, accept: "application/json;as=Table;v=v1;g=meta.k8s.io");
        Assert.Equal(["a", "b", "c"], ((JsonArray)table["rows"]!).Select(r => (string?)r!["cells"]![1]));
        Assert.Equal(2, webhook.Requests.Count);
    }

    [Fact]
    public async Task WatchesSpeakTheirVersion()
    {
        var (webhook, v1, v2) = await ServeAsync("pipes");
        await using var _ = webhook;
        await _client.DoAsync("POST", v2, """{"metadata":{"name":"a"},"spec":{"address":"a:1"}}""");
        using var watch = await _client.WatchAsync($"{v1}?watch=true");
        Assert.Equal("a", (string?)(await watch.NextAsync())!["object"]!["spec"]!["host"]);
        await _client.DoAsync("PATCH", $"{v2}/a", """{"spec":{"address":"b:1"}}""", "application/merge-patch+json");
        Assert.Equal("b", (string?)(await watch.NextAsync())!["object"]!["spec"]!["host"]);
        await _client.DoAsync("DELETE", $"{v2}/a");
        var gone = await watch.NextAsync();
        Assert.Equal(("DELETED", "conv.example.com/v1", "b"), ((string?)gone!["type"], (string?)gone["object"]!["apiVersion"], (string?)gone["object"]!["spec"]!["host"]));

        // A webhook that fails ends the watch with its reason.
        webhook.AnswerWith(new() { ["result"] = new JsonObject { ["status"] = "Failed", ["message"] = "no idea" } });
        await _client.DoAsync("POST", v2, """{"metadata":{"name":"c"},"spec":{"address":"c:1"}}""");
        var error = await watch.NextAsync();
        Assert.Equal(("ERROR", "conversion webhook for conv.example.com/v2, Kind=pipes failed: no idea"), ((string?)error!["type"], (string?)error["object"]!["message"]));
        Assert.Null(await watch.NextAsync());
    }

    [Theory]
    [InlineData("""{"result":{"status":"Failed","message":"will not"},"convertedObjects":[]}""", "failed: will not")]
    [InlineData("""{"result":{},"convertedObjects":[]}""", "failed: response.result.status was '', not 'Success'")]
    [InlineData("""{"result":{"status":"Success"},"convertedObjects":[]}""", "returned 0 objects, expected 1")]
    [InlineData("""{"result":{"status":"Success"},"convertedObjects":[null]}""", "returned invalid converted object at index 0: it is not an object")]
    [InlineData("""{"result":{"status":"Success"},"convertedObjects":[{"apiVersion":"conv.example.com/v2","kind":"KIND","metadata":{"name":"r"}}]}""", "invalid groupVersion (expected conv.example.com/v1, received conv.example.com/v2)")]
    [InlineData("""{"result":{"status":"Success"},"convertedObjects":[{"apiVersion":"conv.example.com/v1","kind":"Other","metadata":{"name":"r"}}]}""", "invalid kind (expected KIND, received Other)")]
    [InlineData("""{"result":{"status":"Success"},"convertedObjects":[{"apiVersion":"conv.example.com/v1","kind":"KIND"}]}""", "missing metadata in converted object")]
    [InlineData("""{"result":{"status":"Success"},"convertedObjects":[{"apiVersion":"conv.example.com/v1","kind":"KIND","metadata":{"name":"s","namespace":"NS"}}]}""", "must have the same name: r != s")]
    [InlineData("""{"result":{"status":"Success"},"convertedObjects":[{"apiVersion":"conv.example.com/v1","kind":"KIND","metadata":{"name":"r","namespace":"NS","uid":"u"}}]}""", "must have the same UID: UID != u")]
    [InlineData("""{"result":{"status":"Success"},"convertedObjects":[{"apiVersion":"conv.example.com/v1","kind":"KIND","metadata":{"name":"r","namespace":"NS","uid":"UID","labels":{"bad key!":"x"}}}]}""", "metadata.labels: Invalid value: \"bad key!\"")]
    public async Task AWrongAnswerIsAnError_WithTheReason(string answer, string expected)
    {
        var plural = $"wrongs{Math.Abs(answer.GetHashCode(StringComparison.Ordinal))}s";
        var (webhook, v1, v2) = await ServeAsync(plural);
        await using var _ = webhook;
        var made = await _client.DoAsync("POST", v2, """{"metadata":{"name":"r"},"spec":{"address":"h:1"}}""");
        string Filled(string text) => text.Replace("KIND", plural, StringComparison.Ordinal).Replace("NS", (string?)made["metadata"]!["namespace"], StringComparison.Ordinal).Replace("UID", (string?)made["metadata"]!["uid"], StringComparison.Ordinal);
        webhook.AnswerWith((JsonObject)JsonNode.Parse(Filled(answer))!);
        Assert.Contains(Filled(expected).Replace("same " + made["metadata"]!["uid"], "same UID", StringComparison.Ordinal), await _client.RefusedAsync(500, "GET", $"{v1}/r"));
        Assert.StartsWith($"conversion webhook for conv.example.com/v2, Kind={plural} ", await _client.RefusedAsync(500, "GET", v1), StringComparison.Ordinal);
        // Nothing is disturbed: the stored version reads on, and the object can be deleted.
        Assert.Equal("h:1", (string?)(await _client.DoAsync("GET", $"{v2}/r"))["spec"]!["address"]);
        await _client.DoAsync("DELETE", $"{v2}/r");
    }

    [Fact]
    public async Task OnlyLabelsAndAnnotationsOfTheMetadataMayChange()
    {
        var (webhook, v1, v2) = await ServeAsync("tags");
        await using var _ = webhook;
        await _client.DoAsync("POST", v2, """{"metadata":{"name":"t","finalizers":["example.com/hold"],"labels":{"x":"y"}},"spec":{"address":"h:1"}}""");
        webhook.Answer = request =>
        {
            var converted = Convert((JsonObject)request["objects"]![0]!.DeepClone(), "conv.example.com/v1");
            var metadata = (JsonObject)converted["metadata"]!;
            metadata["labels"] = new JsonObject { ["x"] = "z" };
            metadata["annotations"] = new JsonObject { ["note"] = "n" };
            metadata.Remove("finalizers");
            ((JsonObject)converted["spec"]!)["unknown"] = true;
            return Task.FromResult<JsonObject?>(new() { ["result"] = new JsonObject { ["status"] = "Success" }, ["convertedObjects"] = new JsonArray(converted) });
        };
        var read = await _client.DoAsync("GET", $"{v1}/t");
        Assert.Equal(("z", "n", "example.com/hold"), ((string?)read["metadata"]!["labels"]!["x"], (string?)read["metadata"]!["annotations"]!["note"], (string?)read["metadata"]!["finalizers"]![0]));
        Assert.Null(read["spec"]!["unknown"]);
    }

    [Fact]
    public async Task ANewStorageVersionLeavesOldObjectsReadable_AndIsRemembered()
    {
        var (webhook, v1, v2) = await ServeAsync("moves");
        await using var _ = webhook;
        await _client.DoAsync("POST", v2, """{"metadata":{"name":"old"},"spec":{"address":"h:1"}}""");
        var path = $"{Definitions}/moves.conv.example.com";
        await _client.DoAsync("PATCH", path, """[{"op":"replace","path":"/spec/versions/0/storage","value":true},{"op":"replace","path":"/spec/versions/1/storage","value":false},{"op":"replace","path":"/spec/versions/1/served","value":false}]""", "application/json-patch+json");
        Assert.Equal("h", (string?)(await _client.DoAsync("GET", $"{v1}/old"))["spec"]!["host"]);
        await _client.RefusedAsync(404, "GET", $"{v2}/old");
        Assert.Equal("[\"v2\",\"v1\"]", (await _client.DoAsync("GET", path))["status"]!["storedVersions"]!.ToJsonString());
        Assert.Contains("status.storedVersions[0]: Invalid value: \"v2\": missing from spec.versions",
            await _client.RefusedAsync(422, "PATCH", path, """[{"op":"remove","path":"/spec/versions/1"}]""", "application/json-patch+json"));
        // Any write stores it anew, in the new version; then the old one may go.
        await _client.DoAsync("PATCH", $"{v1}/old", """{"metadata":{"annotations":{"touched":"yes"}}}""", "application/merge-patch+json");
        await _client.DoAsync("PATCH", $"{path}/status", """{"status":{"storedVersions":["v1"]}}""", "application/merge-patch+json");
        await _client.DoAsync("PATCH", path, """[{"op":"remove","path":"/spec/versions/1"}]""", "application/json-patch+json");
        webhook.Requests.Clear();
        Assert.Equal("h", (string?)(await _client.DoAsync("GET", $"{v1}/old"))["spec"]!["host"]);
        Assert.Empty(webhook.Requests);
    }

    [Fact]
    public async Task AdmissionSeesTheVersionItsRuleNames()
    {
        var (webhook, v1, v2) = await ServeAsync("gates");
        await using var _ = webhook;
        await using var admission = await WebhookServer.StartAsync();
        var ns = v1.Split('/')[5];
        await using (await Configured.AsAsync(server, admission, ns, Configured.Rule("\"*\"", "\"gates\"", "\"conv.example.com\"", "\"v2\"")))
        {
            await _client.DoAsync("POST", v1, V1("g"));
            var seen = Assert.Single(admission.Requests);
            Assert.Equal(("v2", "v1", "h:80"), ((string?)seen["kind"]!["version"], (string?)seen["requestKind"]!["version"], (string?)seen["object"]!["spec"]!["address"]));
        }

        await using (await Configured.AsAsync(server, admission, ns, Configured.Rule("\"*\"", "\"gates\"", "\"conv.example.com\"", "\"v2\""), """,  "matchPolicy":"Exact" """))
            await _client.DoAsync("POST", v1, V1("exact"));
        Assert.Single(admission.Requests);
        await using var mutating = await Configured.AsAsync(server, admission, ns, Configured.Rule("\"*\"", "\"gates\"", "\"conv.example.com\"", "\"v2\""), mutating: true);
        admission.AnswerWith(new() { ["allowed"] = true, ["patchType"] = "JSONPatch", ["patch"] = WebhookServer.Patch("""[{"op":"replace","path":"/spec/address","value":"p:7"}]""") });
        var patched = await _client.DoAsync("POST", v1, V1("m"));
        Assert.Equal(("p", 7), ((string?)patched["spec"]!["host"], (int?)patched["spec"]!["port"]));
    }

    [Theory]
    [InlineData("""{"strategy":"Webhook"}""", "spec.conversion.webhook.clientConfig: Required value: required when strategy is set to Webhook")]
    [InlineData("""{"strategy":"Webhook","webhook":{"clientConfig":{"url":"https://x/"},"conversionReviewVersions":["v1beta1"]}}""", "spec.conversion.webhook.conversionReviewVersions: Invalid value: [\"v1beta1\"]: must include at least one of v1")]
    [InlineData("""{"strategy":"Webhook","webhook":{"clientConfig":{},"conversionReviewVersions":["v1"]}}""", "spec.conversion.webhook.clientConfig: Required value: exactly one of url or service is required")]
    [InlineData("""{"strategy":"None","webhook":{"clientConfig":{"url":"https://x/"},"conversionReviewVersions":["v1"]}}""", "spec.conversion.webhook: Forbidden: should not be set when strategy is not set to Webhook")]
    public async Task ADefinitionThatCannotConvertIsRefused(string conversion, string expected)
    {
        var definition = (JsonObject)JsonNode.Parse(Definition("nones", "{}"))!;
        definition["spec"]!["conversion"] = JsonNode.Parse(conversion);
        Assert.Contains(expected, await _client.RefusedAsync(422, "POST", Definitions, definition.ToJsonString()));
    }
}
