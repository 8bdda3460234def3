using System.Text.Json.Nodes;

namespace Portolan.Lab.Tests.ApiServer;

/// <summary>Rules of definitions, by the requests that meet them: whichever way an object is written, its rules hold.</summary>
public sealed class RuleTests(RunningServer server) : IClassFixture<RunningServer>
{
    private const string Definitions = "/apis/apiextensions.k8s.io/v1/customresourcedefinitions";

    private readonly ApiClient _client = server.Client;

    private static string Definition(string plural, string rule) => $$"""
        {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata":{"name":"{{plural}}.rules.example.com"},
         "spec":{"group":"rules.example.com","scope":"Namespaced","names":{"plural":"{{plural}}","kind":"K{{plural}}"},
          "versions":[{"name":"v1","served":true,"storage":true,"subresources":{"status":{} },"schema":{"openAPIV3Schema":{"type":"object","properties":{
            "spec":{"type":"object","properties":{"min":{"type":"integer"},"replicas":{"type":"integer"},"zone":{"type":"string","maxLength":20,
              "x-kubernetes-validations":[{"rule":"self == oldSelf","message":"zone is immutable"}]} },
              "x-kubernetes-validations":[{"rule":{{JsonValue.Create(rule).ToJsonString()}},"messageExpression":"'%d replicas are fewer than %d'.format([self.replicas, self.min])"}]},
            "status":{"type":"object","properties":{"ready":{"type":"integer","x-kubernetes-validations":[{"rule":"self >= 0","message":"ready cannot be negative"}]} } } } } } }] } }
        """;

    private async Task<string> DefineAsync(string plural)
    {
        await _client.DoAsync("POST", Definitions, Definition(plural, "self.min <= self.replicas"));
        return $"/apis/rules.example.com/v1/namespaces/{(await server.NamespaceAsync()).Split('/')[4]}/{plural}";
    }

    private static string Object(string plural, string spec) => $$"""{"apiVersion":"rules.example.com/v1","kind":"K{{plural}}","metadata":{"name":"a"},"spec":{{spec}} }""";

    [Fact]
    public async Task HoldWhicheverWayAnObjectIsWritten()
    {
        const string Broken = "Kwrites.rules.example.com \"a\" is invalid: spec: Invalid value: \"object\": 1 replicas are fewer than 2";
        var path = await DefineAsync("writes");
        Assert.Equal(Broken, await _client.RefusedAsync(422, "POST", path, Object("writes", """{"min":2,"replicas":1}""")));
        Assert.Equal(Broken, await _client.RefusedAsync(422, "POST", path + "?dryRun=All", Object("writes", """{"min":2,"replicas":1}""")));
        var made = await _client.DoAsync("POST", path, Object("writes", """{"min":2,"replicas":2,"zone":"a"}"""));
        made["spec"]!["replicas"] = 1;
        Assert.Equal(Broken, await _client.RefusedAsync(422, "PUT", path + "/a", made.ToJsonString()));
        Assert.Equal(Broken, await _client.RefusedAsync(422, "PATCH", path + "/a", """{"spec":{"replicas":1}}""", "application/merge-patch+json"));
        Assert.Equal(Broken, await _client.RefusedAsync(422, "PATCH", path + "/a", """[{"op":"replace","path":"/spec/replicas","value":1}]""", "application/json-patch+json"));
        Assert.Equal(Broken, await _client.RefusedAsync(422, "PATCH", path + "/a?fieldManager=m&force=true", Object("writes", """{"min":2,"replicas":1}"""), "application/apply-patch+yaml"));
        Assert.Equal("Kwrites.rules.example.com \"a\" is invalid: spec.zone: Invalid value: \"string\": zone is immutable",
            await _client.RefusedAsync(422, "PATCH", path + "/a", """{"spec":{"zone":"b"}}""", "application/merge-patch+json"));
        Assert.Equal("Kwrites.rules.example.com \"a\" is invalid: status.ready: Invalid value: \"integer\": ready cannot be negative",
            await _client.RefusedAsync(422, "PATCH", path + "/a/status", """{"status":{"ready":-1}}""", "application/merge-patch+json"));
        await _client.DoAsync("PATCH", path + "/a/status", """{"status":{"ready":1}}""", "application/merge-patch+json");
        await _client.DoAsync("PATCH", path + "/a", """{"spec":{"replicas":3}}""", "application/merge-patch+json");
    }

    [Fact]
    public async Task ArePartOfTheServedSchema()
    {
        await DefineAsync("shown");
        var (_, document, _) = await _client.SendAsync("GET", "/openapi/v3/apis/rules.example.com/v1");
        Assert.Contains("self.min <= self.replicas", document.ToJsonString().Replace("\\u003C", "<", StringComparison.Ordinal), StringComparison.Ordinal);
    }

    [Fact]
    public async Task AreReplacedWithTheirDefinition()
    {
        var path = await DefineAsync("changing");
        await _client.RefusedAsync(422, "POST", path, Object("changing", """{"min":2,"replicas":1}"""));
        await _client.DoAsync("PATCH", $"{Definitions}/changing.rules.example.com",
            """[{"op":"replace","path":"/spec/versions/0/schema/openAPIV3Schema/properties/spec/x-kubernetes-validations/0/rule","value":"self.min <= self.replicas + 1"}]""", "application/json-patch+json");
        await _client.DoAsync("POST", path, Object("changing", """{"min":2,"replicas":1}"""));
    }

    [Theory]
    [MemberData(nameof(Kubectl.Binaries), MemberType = typeof(Kubectl))]
    public async Task AreWhatKubectlReports(string binary)
    {
        if (binary.Length == 0) Assert.Skip("there is no kubectl on this machine");
        var plural = "k" + new string([.. Path.GetFileName(binary).Where(char.IsAsciiDigit)]) + "s";
        var kubectl = new Kubectl(server, binary, (await server.NamespaceAsync()).Split('/')[4]);
        var (code, output) = await kubectl.RunAsync("create -f -", Definition(plural, "self.min <= self.replcas"));
        Assert.True(code != 0, output);
        Assert.Contains("compilation failed: ERROR: <input>:1:17: undefined field 'replcas'", output, StringComparison.Ordinal);
        (code, output) = await kubectl.RunAsync("create -f -", Definition(plural, "self.min <= self.replicas"));
        Assert.True(code == 0, output);
        (code, output) = await kubectl.RunAsync("create -f -", Object(plural, """{"min":2,"replicas":1}"""));
        Assert.True(code != 0, output);
        Assert.Contains($"The K{plural} \"a\" is invalid: spec: Invalid value: \"object\": 1 replicas are fewer than 2", output, StringComparison.Ordinal);
        (code, output) = await kubectl.RunAsync("apply -f -", Object(plural, """{"min":2,"replicas":2}"""));
        Assert.True(code == 0, output);
        (code, output) = await kubectl.RunAsync($"explain {plural}.spec.replicas");
        Assert.True(code == 0 && output.Contains("<integer>", StringComparison.Ordinal), output);
    }
}
