using System.Text.Json.Nodes;

namespace Portolan.Lab.Tests.ApiServer;

/// <summary>The REST rules, over real HTTP and TLS.</summary>
public sealed class RestTests(RunningServer server) : IClassFixture<RunningServer>
{
    private readonly ApiClient _client = server.Client;

    private static string Map(string name, string data = "{}", string extra = "") => $$"""{"apiVersion":"v1","kind":"ConfigMap","metadata": {"name":"{{name}}"{{extra}}},"data":{{data}} }""";

    [Fact]
    public async Task RefusesWhoCannotBeIdentified_ButTellsAnyoneItsHealthAndVersion()
    {
        using var anonymous = server.Anonymous();
        await anonymous.RefusedAsync(403, "GET", "/api/v1/namespaces");
        Assert.Equal("ok", (string?)(await anonymous.DoAsync("GET", "/readyz"))["text"]);
        Assert.Equal("v1.33.0", (string?)(await anonymous.DoAsync("GET", "/version"))["gitVersion"]);
        using var other = new ServerState();
        using var stranger = new ApiClient(server.Address, server.State.AuthorityPem, other.Admin);
        await stranger.RefusedAsync(401, "GET", "/api/v1/namespaces");
        anonymous.Token = "not.a.token";
        await anonymous.RefusedAsync(401, "GET", "/api/v1/namespaces");
    }

    [Fact]
    public async Task GivesNewObjectsTheirIdentity()
    {
        var maps = await server.NamespaceAsync() + "/configmaps";
        var made = await _client.DoAsync("POST", maps, Map("a", """{"k":"v"}"""));
        var metadata = made["metadata"]!;
        Assert.True(Guid.TryParse((string?)metadata["uid"], out _));
        Assert.True(long.TryParse((string?)metadata["resourceVersion"], out _));
        Assert.NotNull(metadata["creationTimestamp"]);
        Assert.Equal(maps.Split('/')[4], (string?)metadata["namespace"]);
        Assert.True(JsonNode.DeepEquals(made, await _client.DoAsync("GET", $"{maps}/a")));
        Assert.Equal("""configmaps "a" already exists""", await _client.RefusedAsync(409, "POST", maps, Map("a")));
        Assert.Equal("""configmaps "b" not found""", await _client.RefusedAsync(404, "GET", $"{maps}/b"));
        var generated = await _client.DoAsync("POST", maps, """{"metadata":{"generateName":"gen-"}}""");
        Assert.Matches("^gen-[a-z0-9]{5}$", (string)generated["metadata"]!["name"]!);
        Assert.Equal("""namespaces "nowhere" not found""", await _client.RefusedAsync(404, "POST", "/api/v1/namespaces/nowhere/configmaps", Map("a")));
        await _client.RefusedAsync(400, "POST", maps, Map("c", extra: ",\"namespace\":\"elsewhere\""));
    }

    [Fact]
    public async Task KeepsWritersFromOverwritingEachOther()
    {
        var maps = await server.NamespaceAsync() + "/configmaps";
        var first = await _client.DoAsync("POST", maps, Map("a"));
        first["data"] = new JsonObject { ["k"] = "1" };
        var second = await _client.DoAsync("PUT", $"{maps}/a", first.ToJsonString());
        Assert.NotEqual((string?)first["metadata"]!["resourceVersion"], (string?)second["metadata"]!["resourceVersion"]);
        first["data"]!["k"] = "2";
        Assert.Equal(
            """Operation cannot be fulfilled on configmaps "a": the object has been modified; please apply your changes to the latest version and try again""",
            await _client.RefusedAsync(409, "PUT", $"{maps}/a", first.ToJsonString()));
        var unchanged = await _client.DoAsync("PUT", $"{maps}/a", second.ToJsonString());
        Assert.Equal((string?)second["metadata"]!["resourceVersion"], (string?)unchanged["metadata"]!["resourceVersion"]);
        second["metadata"]!["uid"] = Guid.Empty.ToString();
        Assert.Contains("Precondition failed: UID", await _client.RefusedAsync(409, "PUT", $"{maps}/a", second.ToJsonString()));
    }

    [Fact]
    public async Task AppliesConcurrentPatchesAll()
    {
        var maps = await server.NamespaceAsync() + "/configmaps";
        await _client.DoAsync("POST", maps, Map("a"));
        await Task.WhenAll(Enumerable.Range(0, 10).Select(i =>
            _client.DoAsync("PATCH", $"{maps}/a", $$"""{"data": {"k{{i}}": "v"} }""", "application/merge-patch+json")));
        Assert.Equal(10, ((JsonObject)(await _client.DoAsync("GET", $"{maps}/a"))["data"]!).Count);
    }

    [Fact]
    public async Task PatchesInEveryForm()
    {
        var maps = await server.NamespaceAsync() + "/configmaps";
        await _client.DoAsync("POST", maps, Map("a", """{"x":"1","y":"2"}"""));
        var merged = await _client.DoAsync("PATCH", $"{maps}/a", """{"data":{"x":null,"z":"3"}}""", "application/merge-patch+json");
        Assert.Equal("""{"y":"2","z":"3"}""", merged["data"]!.ToJsonString());
        var jsonPatched = await _client.DoAsync("PATCH", $"{maps}/a",
            """[{"op":"test","path":"/data/y","value":"2"},{"op":"remove","path":"/data/y"},{"op":"add","path":"/data/w","value":"4"},{"op":"move","from":"/data/z","path":"/data/zz"}]""",
            "application/json-patch+json");
        Assert.Equal("""{"w":"4","zz":"3"}""", jsonPatched["data"]!.ToJsonString());
        await _client.RefusedAsync(422, "PATCH", $"{maps}/a", """[{"op":"test","path":"/data/w","value":"5"}]""", "application/json-patch+json");
        await _client.RefusedAsync(415, "PATCH", $"{maps}/a", "{}", "application/json");
        await _client.RefusedAsync(409, "PATCH", $"{maps}/a", """{"metadata":{"resourceVersion":"1"},"data":{"q":"1"}}""", "application/merge-patch+json");
        await _client.RefusedAsync(404, "PATCH", $"{maps}/nope", "{}", "application/merge-patch+json");
        var applied = await _client.DoAsync("PATCH", $"{maps}/new?fieldManager=m", "apiVersion: v1\nkind: ConfigMap\ndata:\n  k: \"yes\"\n", "application/apply-patch+yaml");
        Assert.Equal("yes", (string?)applied["data"]!["k"]);
        Assert.Equal("Apply", (string?)applied["metadata"]!["managedFields"]![0]!["operation"]);
        var again = await _client.DoAsync("PATCH", $"{maps}/new?fieldManager=m", "apiVersion: v1\nkind: ConfigMap\ndata:\n  k: \"yes\"\n", "application/apply-patch+yaml");
        Assert.Equal((string?)applied["metadata"]!["resourceVersion"], (string?)again["metadata"]!["resourceVersion"]);
    }

    [Fact]
    public async Task ADryRunChangesNothing()
    {
        var maps = await server.NamespaceAsync() + "/configmaps";
        await _client.DoAsync("POST", $"{maps}?dryRun=All", Map("a"));
        await _client.RefusedAsync(404, "GET", $"{maps}/a");
        await _client.DoAsync("POST", maps, Map("a"));
        await _client.DoAsync("PATCH", $"{maps}/a?dryRun=All", """{"data":{"k":"v"}}""", "application/merge-patch+json");
        await _client.DoAsync("DELETE", $"{maps}/a?dryRun=All");
        Assert.Null((await _client.DoAsync("GET", $"{maps}/a"))["data"]?["k"]);
    }

    [Fact]
    public async Task SelectsByLabelsAndFields()
    {
        var maps = await server.NamespaceAsync() + "/configmaps";
        await _client.DoAsync("POST", maps, Map("a", extra: ",\"labels\":{\"app\":\"web\",\"tier\":\"front\"}"));
        await _client.DoAsync("POST", maps, Map("b", extra: ",\"labels\":{\"app\":\"db\"}"));
        await _client.DoAsync("POST", maps, Map("c"));
        foreach (var (selector, expected) in new[]
        {
            ("labelSelector=app=web", "a"), ("labelSelector=app!=web", "b c"), ("labelSelector=app in (web,db)", "a b"), ("labelSelector=app", "a b"), ("labelSelector=!app", "c"),
            ("labelSelector=app notin (db),tier", "a"), ("fieldSelector=metadata.name=b", "b"), ("fieldSelector=metadata.name!=b", "a c"),
        })
        {
            var list = await _client.DoAsync("GET", $"{maps}?{selector.Replace(" ", "%20", StringComparison.Ordinal).Replace("!", "%21", StringComparison.Ordinal)}");
            Assert.Equal(expected, string.Join(' ', ((JsonArray)list["items"]!).Select(o => (string?)o!["metadata"]!["name"])));
        }

        Assert.Contains("field label not supported: spec.x", await _client.RefusedAsync(400, "GET", $"{maps}?fieldSelector=spec.x=1"));
        await _client.RefusedAsync(400, "GET", $"{maps}?labelSelector=a%3D%3D%3D(b");
    }

    [Fact]
    public async Task DeletionWaitsForFinalizers()
    {
        var maps = await server.NamespaceAsync() + "/configmaps";
        await _client.DoAsync("POST", maps, Map("a", extra: ",\"finalizers\":[\"example.com/hold\"]"));
        var marked = await _client.DoAsync("DELETE", $"{maps}/a");
        Assert.NotNull(marked["metadata"]!["deletionTimestamp"]);
        await _client.RefusedAsync(422, "PATCH", $"{maps}/a", """{"metadata":{"finalizers":["example.com/hold","example.com/more"]}}""", "application/merge-patch+json");
        await _client.DoAsync("PATCH", $"{maps}/a", """{"metadata":{"finalizers":null}}""", "application/merge-patch+json");
        await _client.RefusedAsync(404, "GET", $"{maps}/a");

        await _client.DoAsync("POST", maps, Map("b"));
        var orphaned = await _client.DoAsync("DELETE", $"{maps}/b", """{"propagationPolicy":"Foreground"}""");
        Assert.Equal("foregroundDeletion", (string?)orphaned["metadata"]!["finalizers"]![0]);
        await _client.DoAsync("POST", maps, Map("c"));
        await _client.RefusedAsync(409, "DELETE", $"{maps}/c", """{"preconditions":{"uid":"other"}}""");
        var gone = await _client.DoAsync("DELETE", $"{maps}/c");
        Assert.Equal("Success", (string?)gone["status"]);
        Assert.Equal("c", (string?)gone["details"]!["name"]);
        Assert.NotNull(gone["details"]!["uid"]);
    }

    [Fact]
    public async Task DeletesWhatASelectorSelects()
    {
        var maps = await server.NamespaceAsync() + "/configmaps";
        await _client.DoAsync("POST", maps, Map("a", extra: ",\"labels\":{\"x\":\"1\"}"));
        await _client.DoAsync("POST", maps, Map("b"));
        await _client.DoAsync("DELETE", $"{maps}?labelSelector=x%3D1");
        Assert.Equal("b", (string?)((JsonArray)(await _client.DoAsync("GET", maps))["items"]!).Single()!["metadata"]!["name"]);
    }

    [Fact]
    public async Task PodsEndGracefully()
    {
        var pods = await server.NamespaceAsync() + "/pods";
        const string Pod = """{"apiVersion":"v1","kind":"Pod","metadata":{"name":"p"},"spec":{"terminationGracePeriodSeconds":5,"containers":[{"name":"c","image":"i"}]}}""";
        var made = await _client.DoAsync("POST", pods, Pod);
        Assert.Equal("Pending", (string?)made["status"]!["phase"]);
        Assert.Equal("default", (string?)made["spec"]!["serviceAccountName"]);
        Assert.StartsWith("kube-api-access-", (string?)made["spec"]!["containers"]![0]!["volumeMounts"]![0]!["name"]);
        Assert.Equal(2, ((JsonArray)made["spec"]!["tolerations"]!).Count);
        await _client.DoAsync("POST", $"{pods}/p/binding", """{"apiVersion":"v1","kind":"Binding","metadata":{"name":"p"},"target":{"kind":"Node","name":"node1"}}""");
        Assert.Contains("already assigned to node", await _client.RefusedAsync(409, "POST", $"{pods}/p/binding", """{"target":{"name":"node2"}}"""));
        var marked = await _client.DoAsync("DELETE", $"{pods}/p");
        Assert.Equal(5, (int?)marked["metadata"]!["deletionGracePeriodSeconds"]);
        Assert.Equal("node1", (string?)(await _client.DoAsync("GET", $"{pods}/p"))["spec"]!["nodeName"]);
        await _client.DoAsync("DELETE", $"{pods}/p", """{"gracePeriodSeconds":0}""");
        await _client.RefusedAsync(404, "GET", $"{pods}/p");

        await _client.DoAsync("POST", pods, Pod);
        await _client.DoAsync("DELETE", $"{pods}/p");
        await _client.RefusedAsync(404, "GET", $"{pods}/p");
        await _client.RefusedAsync(403, "POST", pods, Pod.Replace("\"containers\"", "\"serviceAccountName\":\"nobody\",\"containers\"", StringComparison.Ordinal));
    }

    [Fact]
    public async Task StatusIsWrittenApart_AndGenerationFollowsTheSpec()
    {
        var ns = (await server.NamespaceAsync()).Replace("/api/v1", "/apis/apps/v1", StringComparison.Ordinal);
        var made = await _client.DoAsync("POST", $"{ns}/deployments",
            """{"metadata":{"name":"d"},"spec":{"replicas":1,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i"}]}}},"status":{"replicas":9}}""");
        Assert.Equal(1, (int?)made["metadata"]!["generation"]);
        Assert.Null(made["status"]?["replicas"]);
        var status = await _client.DoAsync("PATCH", $"{ns}/deployments/d/status", """{"spec":{"replicas":5},"status":{"replicas":1}}""", "application/merge-patch+json");
        Assert.Equal((1, 1, 1), ((int?)status["spec"]!["replicas"], (int?)status["status"]!["replicas"], (int?)status["metadata"]!["generation"]));
        var spec = await _client.DoAsync("PATCH", $"{ns}/deployments/d", """{"spec":{"replicas":2},"status":{"replicas":7}}""", "application/merge-patch+json");
        Assert.Equal((2, 1, 2), ((int?)spec["spec"]!["replicas"], (int?)spec["status"]!["replicas"], (int?)spec["metadata"]!["generation"]));
        var labelled = await _client.DoAsync("PATCH", $"{ns}/deployments/d", """{"metadata":{"labels":{"x":"y"}}}""", "application/merge-patch+json");
        Assert.Equal(2, (int?)labelled["metadata"]!["generation"]);
        var scale = await _client.DoAsync("PATCH", $"{ns}/deployments/d/scale", """{"spec":{"replicas":4}}""", "application/merge-patch+json");
        Assert.Equal(4, (int?)scale["spec"]!["replicas"]);
        Assert.Equal("a=b", (string?)scale["status"]!["selector"]);
        Assert.Equal(4, (int?)(await _client.DoAsync("GET", $"{ns}/deployments/d"))["spec"]!["replicas"]);
    }

    [Fact]
    public async Task NamespacesGoWhenTheirFinalizerDoes()
    {
        var ns = await server.NamespaceAsync();
        await _client.DoAsync("DELETE", ns);
        var terminating = await _client.DoAsync("GET", ns);
        Assert.Equal("Terminating", (string?)terminating["status"]!["phase"]);
        Assert.Contains("because it is being terminated", await _client.RefusedAsync(403, "POST", $"{ns}/configmaps", Map("a")));
        terminating["spec"]!["finalizers"] = new JsonArray();
        await _client.DoAsync("PUT", $"{ns}/finalize", terminating.ToJsonString());
        await _client.RefusedAsync(404, "GET", ns);
        await _client.RefusedAsync(403, "DELETE", "/api/v1/namespaces/default");
    }

    [Fact]
    public async Task ReadsYaml()
    {
        var maps = await server.NamespaceAsync() + "/configmaps";
        var made = await _client.DoAsync("POST", maps, "metadata:\n  name: y\n  labels: {a: b}\ndata:\n  text: |\n    one\n    two\n  number: \"1\"\n", "application/yaml");
        Assert.Equal("one\ntwo\n", (string?)made["data"]!["text"]);
        var (_, yaml, _) = await _client.SendAsync("GET", $"{maps}/y", accept: "application/yaml");
        Assert.Contains("number: \"1\"", (string?)yaml["text"]);
        await _client.RefusedAsync(400, "POST", maps, "a: [", "application/yaml");
        await _client.RefusedAsync(415, "POST", maps, "k8s", "application/cbor");
    }

    [Fact]
    public async Task SaysWhichFieldIsGivenTwice()
    {
        var maps = await server.NamespaceAsync() + "/configmaps";
        Assert.Contains("strict decoding error: duplicate field \"data.k\"",
            await _client.RefusedAsync(400, "POST", $"{maps}?fieldValidation=Strict", Map("a", """{"k":"1","k":"2"}""")));
        var (code, made, response) = await _client.SendAsync("POST", $"{maps}?fieldValidation=Warn", Map("a", """{"k":"1","k":"2"}"""));
        Assert.Equal((201, "2"), (code, (string?)made["data"]!["k"]));
        Assert.Equal("299 - \"duplicate field \\\"data.k\\\"\"", response.Headers.GetValues("Warning").Single());
    }

    [Fact]
    public async Task NothingUnknownIsServed()
    {
        foreach (var path in (string[])["/api/v1/nothings", "/apis/no.group/v1/things", "/nowhere", "/api/v1//pods", "/api/v1/namespaces/default/nodes", "/api/v1/nodes/x/nothing", "/openapi/v3/apis/none/v1"])
            Assert.Equal("the server could not find the requested resource", await _client.RefusedAsync(404, "GET", path));
        await _client.RefusedAsync(405, "POST", "/api/v1/namespaces/default", "{}");
        await _client.RefusedAsync(405, "POST", "/api/v1/configmaps", Map("a"));
        await _client.RefusedAsync(400, "POST", "/api/v1/namespaces/default/configmaps", "{");
        await _client.RefusedAsync(400, "POST", "/api/v1/namespaces/default/configmaps", "[]");
        await _client.RefusedAsync(413, "POST", "/api/v1/namespaces/default/configmaps", Map("a", $$"""{"k":"{{new string('x', 3 * 1024 * 1024)}}"}"""));
    }

    [Fact]
    public async Task IssuesTokensThatDieWithTheirAccount()
    {
        var ns = await server.NamespaceAsync();
        await _client.DoAsync("POST", $"{ns}/serviceaccounts", """{"metadata":{"name":"robot"}}""");
        var reply = await _client.DoAsync("POST", $"{ns}/serviceaccounts/robot/token", """{"apiVersion":"authentication.k8s.io/v1","kind":"TokenRequest","spec":{"expirationSeconds":3600}}""");
        using var robot = server.Anonymous(http2: true);
        robot.Token = (string?)reply["status"]!["token"];
        await robot.DoAsync("GET", "/api");
        var forged = robot.Token!.Split('.');
        robot.Token = $"{forged[0]}.{forged[1]}x.{forged[2]}";
        await robot.RefusedAsync(401, "GET", "/api");
        robot.Token = string.Join('.', forged);
        await _client.DoAsync("DELETE", $"{ns}/serviceaccounts/robot");
        await robot.RefusedAsync(401, "GET", "/api");
    }

    [Fact]
    public async Task EventsHaveTwoFacesOfOneObject()
    {
        var ns = await server.NamespaceAsync();
        await _client.DoAsync("POST", $"{ns}/events", $$"""{"metadata": {"name":"e"},"involvedObject": {"kind":"Pod","name":"p","namespace":"{{ns.Split('/')[4]}}" },"reason":"R","message":"m","type":"Normal"}""");
        var newer = await _client.DoAsync("GET", ns.Replace("/api/v1", "/apis/events.k8s.io/v1", StringComparison.Ordinal) + "/events/e");
        Assert.Equal(("events.k8s.io/v1", "m", "p"), ((string?)newer["apiVersion"], (string?)newer["note"], (string?)newer["regarding"]!["name"]));
        var list = await _client.DoAsync("GET", $"{ns}/events?fieldSelector=involvedObject.name%3Dp,type%21%3DWarning");
        Assert.Single((JsonArray)list["items"]!);
    }
}
