using System.Text.Json.Nodes;

namespace Portolan.Lab.Tests.ApiServer;

/// <summary>Server-side apply and managedFields over the wire.</summary>
public sealed class ApplyRequestTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const string ApplyPatch = "application/apply-patch+yaml";
    private const string MergePatch = "application/merge-patch+json";
    private readonly ApiClient _client = server.Client;

    private const string Deployment =
        """{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"replicas":3,"selector":{"matchLabels":{"a":"b"}},"template":{"metadata":{"labels":{"a":"b"}},"spec":{"containers":[{"name":"c","image":"i:1"}]}}}}""";

    private static string Map(string data, string metadata = "") => $$"""{"apiVersion":"v1","kind":"ConfigMap","metadata":{"name":"m"{{metadata}} },"data":{{data}} }""";

    private static string[] Managers(JsonObject obj) =>
        [.. (obj["metadata"]!["managedFields"] as JsonArray ?? []).Select(e => $"{e!["manager"]} {e["operation"]}{(e["subresource"] is { } sub ? $" {sub}" : "")}").Order(StringComparer.Ordinal)];

    private static string Fields(JsonObject obj, string manager) => ((JsonArray)obj["metadata"]!["managedFields"]!).Single(e => (string?)e!["manager"] == manager)!["fieldsV1"]!.ToJsonString(Relaxed);

    private static readonly System.Text.Json.JsonSerializerOptions Relaxed = new() { Encoder = System.Text.Encodings.Web.JavaScriptEncoder.UnsafeRelaxedJsonEscaping };

    [Fact]
    public async Task TellsConflictsAsUsersKnowThem()
    {
        var maps = await server.NamespaceAsync() + "/configmaps";
        await _client.DoAsync("POST", $"{maps}?fieldManager=kubectl-client-side-apply", Map("""{"a":"1","b":"1"}"""));
        var (code, one, _) = await _client.SendAsync("PATCH", $"{maps}/m?fieldManager=x", Map("""{"a":"2"}"""), ApplyPatch);
        Assert.Equal((409, "Conflict", "Apply failed with 1 conflict: conflict with \"kubectl-client-side-apply\" using v1: .data.a"), (code, (string?)one["reason"], (string?)one["message"]));
        Assert.Equal("""[{"reason":"FieldManagerConflict","message":"conflict with \"kubectl-client-side-apply\" using v1","field":".data.a"}]""", one["details"]!["causes"]!.ToJsonString(Relaxed));
        Assert.Equal("Apply failed with 2 conflicts: conflicts with \"kubectl-client-side-apply\" using v1:\n- .data.a\n- .data.b",
            await _client.RefusedAsync(409, "PATCH", $"{maps}/m?fieldManager=x", Map("""{"a":"2","b":"2"}"""), ApplyPatch));
        var forced = await _client.DoAsync("PATCH", $"{maps}/m?fieldManager=x&force=true", Map("""{"a":"2"}"""), ApplyPatch);
        Assert.Equal("""{"a":"2","b":"1"}""", forced["data"]!.ToJsonString());
        Assert.Equal("""{"f:data":{"f:a":{}}}""", Fields(forced, "x"));
        Assert.Equal("""{"f:data":{".":{},"f:b":{}}}""", Fields(forced, "kubectl-client-side-apply"));
    }

    [Fact]
    public async Task AnApplyThatChangesNothingIsNoWrite_AlsoInADryRun()
    {
        var maps = await server.NamespaceAsync() + "/configmaps";
        var dry = await _client.DoAsync("PATCH", $"{maps}/m?fieldManager=x&dryRun=All", Map("""{"a":"1"}"""), ApplyPatch);
        Assert.Equal(["x Apply"], Managers(dry));
        await _client.RefusedAsync(404, "GET", $"{maps}/m");
        var (code, created, _) = await _client.SendAsync("PATCH", $"{maps}/m?fieldManager=x", Map("""{"a":"1"}"""), ApplyPatch);
        Assert.Equal(201, code);
        var again = await _client.DoAsync("PATCH", $"{maps}/m?fieldManager=x", Map("""{"a":"1"}"""), ApplyPatch);
        Assert.Equal(created.ToJsonString(), again.ToJsonString());
        // A second manager of the same value is a write, though the object is the same.
        var shared = await _client.DoAsync("PATCH", $"{maps}/m?fieldManager=y", Map("""{"a":"1"}"""), ApplyPatch);
        Assert.Equal(["x Apply", "y Apply"], Managers(shared));
        Assert.NotEqual((string?)again["metadata"]!["resourceVersion"], (string?)shared["metadata"]!["resourceVersion"]);
        var dryDrop = await _client.DoAsync("PATCH", $"{maps}/m?fieldManager=x&dryRun=All", Map("{}"), ApplyPatch);
        Assert.Equal(("""{"f:data":{}}""", """{"a":"1"}"""), (Fields(dryDrop, "x"), dryDrop["data"]!.ToJsonString()));
        Assert.Equal(["x Apply", "y Apply"], Managers(await _client.DoAsync("GET", $"{maps}/m")));
    }

    [Fact]
    public async Task DroppedFieldsGoWithTheirDefaults_OthersStay()
    {
        var services = await server.NamespaceAsync() + "/services";
        const string Two = """{"apiVersion":"v1","kind":"Service","metadata":{"name":"s","labels":{"x":"y"}},"spec":{"selector":{"a":"b"},"ports":[{"name":"p","port":80},{"name":"q","port":81}]}}""";
        var created = await _client.DoAsync("PATCH", $"{services}/s?fieldManager=x", Two, ApplyPatch);
        // What the server filled in is nobody's.
        Assert.Equal("""{"f:metadata":{"f:labels":{"f:x":{}}},"f:spec":{"f:ports":{"k:{\"port\":80,\"protocol\":\"TCP\"}":{".":{},"f:name":{},"f:port":{}},"k:{\"port\":81,\"protocol\":\"TCP\"}":{".":{},"f:name":{},"f:port":{}}},"f:selector":{}}}""", Fields(created, "x"));
        await _client.DoAsync("PATCH", $"{services}/s?fieldManager=z", """{"spec":{"externalIPs":["192.0.2.1"]}}""", MergePatch);
        var one = await _client.DoAsync("PATCH", $"{services}/s?fieldManager=x", """{"apiVersion":"v1","kind":"Service","metadata":{"name":"s"},"spec":{"ports":[{"name":"q","port":81}]}}""", ApplyPatch);
        Assert.Equal("q", (string?)((JsonArray)one["spec"]!["ports"]!).Single()!["name"]);
        Assert.Null(one["metadata"]!["labels"]);
        Assert.Null(one["spec"]!["selector"]);
        Assert.Equal("192.0.2.1", (string?)one["spec"]!["externalIPs"]![0]);
        Assert.Equal((string?)created["spec"]!["clusterIP"], (string?)one["spec"]!["clusterIP"]);
    }

    [Fact]
    public async Task RefusesWhatNobodyCouldOwn_WhateverFieldValidationSays()
    {
        var ns = await server.NamespaceAsync();
        foreach (var validation in (string[])["Strict", "Warn", "Ignore"])
        {
            Assert.EndsWith(".datas: field not declared in schema",
                await _client.RefusedAsync(400, "PATCH", $"{ns}/configmaps/m?fieldManager=x&fieldValidation={validation}", """{"apiVersion":"v1","kind":"ConfigMap","datas":{}}""", ApplyPatch));
        }

        Assert.Contains(".spec.ports: duplicate entries for key [port=80,protocol=\"TCP\"]",
            await _client.RefusedAsync(400, "PATCH", $"{ns}/services/s?fieldManager=x", """{"apiVersion":"v1","kind":"Service","spec":{"ports":[{"port":80},{"port":80}]}}""", ApplyPatch));
        Assert.Contains("fieldManager: Required value: is required for apply patch", await _client.RefusedAsync(422, "PATCH", $"{ns}/configmaps/m", Map("{}"), ApplyPatch));
        Assert.Contains("metadata.managedFields must be nil", await _client.RefusedAsync(400, "PATCH", $"{ns}/configmaps/m?fieldManager=x", Map("{}", ""","managedFields":[]"""), ApplyPatch));
        Assert.Contains("may not be more than 128 bytes", await _client.RefusedAsync(422, "PATCH", $"{ns}/configmaps/m?fieldManager={new string('x', 129)}", Map("{}"), ApplyPatch));
        Assert.Contains("should only contain printable characters", await _client.RefusedAsync(422, "PATCH", $"{ns}/configmaps/m?fieldManager=a%01b", Map("{}"), ApplyPatch));
        Assert.Contains("error converting YAML to JSON", await _client.RefusedAsync(400, "PATCH", $"{ns}/configmaps/m?fieldManager=x", "a: [b", ApplyPatch));
        Assert.Contains("does not match the expected API version", await _client.RefusedAsync(400, "PATCH", $"{ns}/configmaps/m?fieldManager=x", """{"apiVersion":"v2","kind":"ConfigMap"}""", ApplyPatch));
        Assert.Contains("uid mismatch", await _client.RefusedAsync(409, "PATCH", $"{ns}/configmaps/m?fieldManager=x", Map("{}", ""","uid":"u" """), ApplyPatch));
        await _client.DoAsync("POST", $"{ns}/configmaps", Map("{}"));
        Assert.Contains("Precondition failed: UID", await _client.RefusedAsync(409, "PATCH", $"{ns}/configmaps/m?fieldManager=x", Map("{}", ""","uid":"u" """), ApplyPatch));
        Assert.Contains("the object has been modified", await _client.RefusedAsync(409, "PATCH", $"{ns}/configmaps/m?fieldManager=x", Map("{}", ""","resourceVersion":"1" """), ApplyPatch));
        Assert.Contains("force: Forbidden", await _client.RefusedAsync(422, "PATCH", $"{ns}/configmaps/m?force=true", "{}", MergePatch));
        Assert.Contains("duplicate field \"data.a\"", await _client.RefusedAsync(400, "PATCH", $"{ns}/configmaps/m?fieldManager=x&fieldValidation=Strict", Map("""{"a":"1","a":"2"}"""), ApplyPatch));
    }

    [Fact]
    public async Task EveryWriterIsRecordedByNameVerbAndSubresource()
    {
        var ns = await server.NamespaceAsync();
        var deployments = ns.Replace("/api/v1", "/apis/apps/v1", StringComparison.Ordinal) + "/deployments";
        await _client.DoAsync("PATCH", $"{deployments}/d?fieldManager=x", Deployment, ApplyPatch);
        await _client.DoAsync("PATCH", $"{deployments}/d/status?fieldManager=x", """{"apiVersion":"apps/v1","kind":"Deployment","metadata":{"name":"d"},"spec":{"replicas":9},"status":{"observedGeneration":1}}""", ApplyPatch);
        await _client.DoAsync("PATCH", $"{deployments}/d/status?fieldManager=y", """{"status":{"conditions":[{"type":"Available","status":"True"}]}}""", MergePatch);
        var scaled = await _client.DoAsync("PATCH", $"{deployments}/d/scale?fieldManager=hpa", """{"spec":{"replicas":5}}""", MergePatch);
        Assert.Equal(5, (int?)scaled["spec"]!["replicas"]);
        await _client.DoAsync("PATCH", $"{deployments}/d", """{"metadata":{"labels":{"k":"v"}}}""", MergePatch);
        var obj = await _client.DoAsync("GET", $"{deployments}/d");
        Assert.Equal(["hpa Update scale", "unknown Update", "x Apply", "x Apply status", "y Update status"], Managers(obj));
        Assert.Equal("""{"f:spec":{"f:replicas":{}}}""", Fields(obj, "hpa"));
        Assert.Equal("""{"f:metadata":{"f:labels":{".":{},"f:k":{}}}}""", Fields(obj, "unknown"));
        Assert.DoesNotContain("f:replicas", ((JsonArray)obj["metadata"]!["managedFields"]!).Single(e => (string?)e!["manager"] == "x" && e["subresource"] is null)!["fieldsV1"]!.ToJsonString(), StringComparison.Ordinal);
        Assert.Contains("conflict with \"hpa\" with subresource \"scale\" using apps/v1: .spec.replicas", await _client.RefusedAsync(409, "PATCH", $"{deployments}/d?fieldManager=x", Deployment, ApplyPatch));
    }

    [Fact]
    public async Task AppliesToScale()
    {
        var ns = await server.NamespaceAsync();
        var deployments = ns.Replace("/api/v1", "/apis/apps/v1", StringComparison.Ordinal) + "/deployments";
        await _client.DoAsync("PATCH", $"{deployments}/d?fieldManager=x", Deployment, ApplyPatch);
        const string Scale = """{"apiVersion":"autoscaling/v1","kind":"Scale","metadata":{"name":"d"},"spec":{"replicas":7}}""";
        Assert.Contains("conflict with \"x\": .spec.replicas", await _client.RefusedAsync(409, "PATCH", $"{deployments}/d/scale?fieldManager=hpa", Scale, ApplyPatch));
        var scaled = await _client.DoAsync("PATCH", $"{deployments}/d/scale?fieldManager=hpa&force=true", Scale, ApplyPatch);
        Assert.Equal(7, (int?)scaled["spec"]!["replicas"]);
        var obj = await _client.DoAsync("GET", $"{deployments}/d");
        Assert.Equal(["hpa Apply scale", "x Apply"], Managers(obj));
        Assert.Contains(".spec.replica: field not declared in schema", await _client.RefusedAsync(400, "PATCH", $"{deployments}/d/scale?fieldManager=hpa", Scale.Replace("replicas", "replica", StringComparison.Ordinal), ApplyPatch));
    }

    [Fact]
    public async Task ManagedFieldsAreForgottenOnDemandOnly()
    {
        var maps = await server.NamespaceAsync() + "/configmaps";
        foreach (var reset in (string[])["[]", "[{}]"])
        {
            await _client.DoAsync("PATCH", $"{maps}/m?fieldManager=x&force=true", Map("""{"a":"1"}"""), ApplyPatch);
            var stripped = await _client.DoAsync("PATCH", $"{maps}/m?fieldManager=y", $$"""{"metadata":{"managedFields":{{reset}} } }""", MergePatch);
            Assert.Null(stripped["metadata"]!["managedFields"]);
            var updated = await _client.DoAsync("PATCH", $"{maps}/m?fieldManager=y", """{"data":{"b":"1"}}""", MergePatch);
            Assert.Null(updated["metadata"]!["managedFields"]);
            Assert.Contains("conflict with \"before-first-apply\" using v1: .data.a", await _client.RefusedAsync(409, "PATCH", $"{maps}/m?fieldManager=x", Map("""{"a":"2"}"""), ApplyPatch));
            await _client.DoAsync("DELETE", $"{maps}/m");
        }

        // Nonsense, null or nothing at all is no wish to forget.
        var kept = await _client.DoAsync("POST", $"{maps}?fieldManager=x", Map("""{"a":"1"}"""));
        foreach (var list in (string[])["""[{"manager":"evil"}]""", """[{"manager":"evil","operation":"Apply","apiVersion":"v1","fieldsType":"FieldsV1","fieldsV1":{"data":{}}}]""", "null"])
            Assert.Equal(["x Update"], Managers(await _client.DoAsync("PATCH", $"{maps}/m?fieldManager=y", $$"""{"metadata":{"managedFields":{{list}} } }""", MergePatch)));
        kept["metadata"]!.AsObject().Remove("managedFields");
        kept["metadata"]!.AsObject().Remove("resourceVersion");
        Assert.Equal(["x Update"], Managers(await _client.DoAsync("PUT", $"{maps}/m", kept.ToJsonString())));
        // What a server could have written is taken, as kubectl's migration to server-side apply needs it.
        var migrated = await _client.DoAsync("PATCH", $"{maps}/m?fieldManager=y", """{"metadata":{"managedFields":[{"manager":"z","operation":"Apply","apiVersion":"v1","time":"2026-01-01T00:00:00Z","fieldsType":"FieldsV1","fieldsV1":{"f:data":{"f:a":{}}}}]}}""", MergePatch);
        Assert.Equal(["z Apply"], Managers(migrated));
    }

    [Fact]
    public async Task CustomKindsOfTwoVersionsAreAppliedToInEither()
    {
        var ns = (await server.NamespaceAsync()).Split('/')[^1];
        const string Schema = """{"openAPIV3Schema":{"type":"object","properties":{"spec":{"type":"object","properties":{"size":{"type":"integer","default":1},"peers":{"type":"array","x-kubernetes-list-type":"map","x-kubernetes-list-map-keys":["host"],"items":{"type":"object","required":["host"],"properties":{"host":{"type":"string"},"port":{"type":"integer","default":179}}}},"tags":{"type":"array","x-kubernetes-list-type":"set","items":{"type":"string"}}}},"status":{"type":"object","x-kubernetes-preserve-unknown-fields":true}}}}""";
        await _client.DoAsync("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", $$"""
            {"metadata":{"name":"applied.apply.example.com"},"spec":{"group":"apply.example.com","scope":"Namespaced","names":{"plural":"applied","singular":"applied","kind":"Applied"},"versions":[
             {"name":"v1","served":true,"storage":true,"subresources":{"status":{} },"schema":{{Schema}} },{"name":"v1beta1","served":true,"storage":false,"subresources":{"status":{} },"schema":{{Schema}} }]} }
            """);
        string Path(string version, string sub = "") => $"/apis/apply.example.com/{version}/namespaces/{ns}/applied/t{sub}";
        string Body(string version, string rest) => $$"""{"apiVersion":"apply.example.com/{{version}}","kind":"Applied","metadata":{"name":"t"},{{rest[1..^1]}} }""";
        await _client.DoAsync("PATCH", Path("v1beta1") + "?fieldManager=x", Body("v1beta1", """{"spec":{"peers":[{"host":"a"},{"host":"b","port":1}],"tags":["t"]}}"""), ApplyPatch);
        var other = await _client.DoAsync("PATCH", Path("v1") + "?fieldManager=y", Body("v1", """{"spec":{"peers":[{"host":"b"},{"host":"c"}],"tags":["u"]}}"""), ApplyPatch);
        Assert.Equal("""{"peers":[{"host":"a","port":179},{"host":"b","port":1},{"host":"c","port":179}],"tags":["t","u"],"size":1}""", other["spec"]!.ToJsonString());
        Assert.Equal("apply.example.com/v1beta1", (string?)((JsonArray)other["metadata"]!["managedFields"]!).Single(e => (string?)e!["manager"] == "x")!["apiVersion"]);
        Assert.Contains(".spec.peers[host=\"b\"].port", await _client.RefusedAsync(409, "PATCH", Path("v1") + "?fieldManager=y", Body("v1", """{"spec":{"peers":[{"host":"b","port":2}]}}"""), ApplyPatch));
        var less = await _client.DoAsync("PATCH", Path("v1") + "?fieldManager=x", Body("v1", """{"spec":{"tags":["t"]}}"""), ApplyPatch);
        // The port of "b" was the one field of it that only x owned: the default is back.
        Assert.Equal("""[{"host":"b","port":179},{"host":"c","port":179}]""", less["spec"]!["peers"]!.ToJsonString());
        var status = await _client.DoAsync("PATCH", Path("v1", "/status") + "?fieldManager=z", Body("v1", """{"spec":{"size":5},"status":{"any":{"thing":[1]}}}"""), ApplyPatch);
        Assert.Equal((1, """{"any":{"thing":[1]}}"""), ((int?)status["spec"]!["size"], status["status"]!.ToJsonString()));
        Assert.Equal("""{"f:status":{"f:any":{".":{},"f:thing":{}}}}""", Fields(status, "z"));
        Assert.Contains("field not declared in schema", await _client.RefusedAsync(400, "PATCH", Path("v1") + "?fieldManager=x", Body("v1", """{"spec":{"sizes":1}}"""), ApplyPatch));
    }

    [Fact]
    public async Task PatchesAreReadAsStrictlyAsAsked()
    {
        var maps = await server.NamespaceAsync() + "/configmaps";
        await _client.DoAsync("POST", maps, Map("""{"a":"1"}"""));
        foreach (var (type, body) in ((string, string)[])
            [(MergePatch, """{"datas":{"b":"1"}}"""), ("application/strategic-merge-patch+json", """{"datas":{"b":"1"}}"""), ("application/json-patch+json", """[{"op":"add","path":"/datas","value":{"b":"1"}}]""")])
        {
            Assert.Contains("strict decoding error: unknown field \"datas\"", await _client.RefusedAsync(422, "PATCH", $"{maps}/m?fieldValidation=Strict", body, type));
            var (code, _, warned) = await _client.SendAsync("PATCH", $"{maps}/m?fieldValidation=Warn", body, type);
            Assert.Equal((200, true), (code, string.Join(' ', warned.Headers.GetValues("Warning")).Contains("unknown field", StringComparison.Ordinal)));
            var (ignored, _, quiet) = await _client.SendAsync("PATCH", $"{maps}/m?fieldValidation=Ignore", body, type);
            Assert.Equal((200, false), (ignored, quiet.Headers.Contains("Warning")));
        }

        Assert.Contains("duplicate field \"data\"", await _client.RefusedAsync(422, "PATCH", $"{maps}/m?fieldValidation=Strict", """{"data":{"b":"1"},"data":{}}""", MergePatch));
        Assert.Contains("json patch unknown field \"[0].vaule\"", await _client.RefusedAsync(422, "PATCH", $"{maps}/m?fieldValidation=Strict", """[{"op":"test","path":"/data/a","value":"1","vaule":1}]""", "application/json-patch+json"));
        Assert.Contains("cannot unmarshal", await _client.RefusedAsync(422, "PATCH", $"{maps}/m", """{"data":7}""", MergePatch));
        Assert.Contains("maximum operations in a JSON patch is 10000, got 10001", await _client.RefusedAsync(413, "PATCH", $"{maps}/m", $"[{string.Join(',', Enumerable.Repeat("""{"op":"test","path":"/data/a","value":"1"}""", 10001))}]", "application/json-patch+json"));
        Assert.Contains("error decoding patch", await _client.RefusedAsync(400, "PATCH", $"{maps}/m", "{}", "application/json-patch+json"));
        foreach (var (type, body) in ((string, string)[])[(MergePatch, "{}"), ("application/json-patch+json", "[]"), ("application/strategic-merge-patch+json", "{}")])
            await _client.RefusedAsync(404, "PATCH", $"{maps}/none", body, type);
    }

    [Fact]
    public async Task ConcurrentAppliesOfManyManagersAllLand()
    {
        var maps = await server.NamespaceAsync() + "/configmaps";
        await Task.WhenAll(Enumerable.Range(0, 12).Select(i => _client.DoAsync("PATCH", $"{maps}/m?fieldManager=m{i}", Map($$"""{"k{{i}}":"v"}"""), ApplyPatch)));
        var all = await _client.DoAsync("GET", $"{maps}/m");
        Assert.Equal(12, ((JsonObject)all["data"]!).Count);
        Assert.Equal(12, Managers(all).Length);
    }

    [Fact]
    public async Task WhoMayPatchMayNotThereforeCreate()
    {
        var ns = await server.NamespaceAsync();
        var rbac = ns.Replace("/api/v1", "/apis/rbac.authorization.k8s.io/v1", StringComparison.Ordinal);
        await _client.DoAsync("POST", $"{rbac}/roles", """{"metadata":{"name":"patcher"},"rules":[{"apiGroups":[""],"resources":["configmaps"],"verbs":["patch"]}]}""");
        await _client.DoAsync("POST", $"{rbac}/rolebindings", """{"metadata":{"name":"patcher"},"roleRef":{"apiGroup":"rbac.authorization.k8s.io","kind":"Role","name":"patcher"},"subjects":[{"apiGroup":"rbac.authorization.k8s.io","kind":"User","name":"patcher"}]}""");
        using var patcher = new ApiClient(server.Address, server.State.AuthorityPem, server.State.Issue("patcher"));
        Assert.Contains("cannot create resource \"configmaps\"", await patcher.RefusedAsync(403, "PATCH", $"{ns}/configmaps/m?fieldManager=x", Map("{}"), ApplyPatch));
        await _client.DoAsync("POST", $"{ns}/configmaps", Map("{}"));
        await patcher.DoAsync("PATCH", $"{ns}/configmaps/m?fieldManager=x", Map("""{"a":"1"}"""), ApplyPatch);
    }
}
