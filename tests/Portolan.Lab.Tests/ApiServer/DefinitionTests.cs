using System.Text.Json.Nodes;

namespace Portolan.Lab.Tests.ApiServer;

/// <summary>CustomResourceDefinitions: what they define is served, and gone when they are.</summary>
public sealed class DefinitionTests(RunningServer server) : IClassFixture<RunningServer>
{
    private readonly ApiClient _client = server.Client;

    private static string Definition(string plural, string kind) => $$$"""
        {"apiVersion":"apiextensions.k8s.io/v1","kind":"CustomResourceDefinition","metadata": {"name":"{{{plural}}}.example.com"},
         "spec": {"group":"example.com","scope":"Namespaced","names": {"plural":"{{{plural}}}","kind":"{{{kind}}}","shortNames":["{{{plural[..2]}}}"]},
          "versions":[
            {"name":"v1","served":true,"storage":true,"subresources": {"status": {} },"schema": {"openAPIV3Schema": {"type":"object","properties": {
              "spec": {"type":"object","properties": {"size": {"type":"integer","default":3}, "name": {"type":"string"} } }, "status": {"type":"object","x-kubernetes-preserve-unknown-fields":true} } } } },
            {"name":"v1beta1","served":true,"storage":false,"schema": {"openAPIV3Schema": {"type":"object","x-kubernetes-preserve-unknown-fields":true} } } ] } }
        """;

    private async Task DefineAsync(string plural, string kind)
    {
        var made = await _client.DoAsync("POST", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions", Definition(plural, kind));
        var conditions = (JsonArray)made["status"]!["conditions"]!;
        Assert.Contains(conditions, c => (string?)c!["type"] == "Established" && (string?)c["status"] == "True");
    }

    [Fact]
    public async Task ServesADefinedKindAtOnce_InAllItsVersions()
    {
        await DefineAsync("gadgets", "Gadget");
        var ns = (await server.NamespaceAsync()).Split('/')[4];
        var made = await _client.DoAsync("POST", $"/apis/example.com/v1/namespaces/{ns}/gadgets",
            """{"apiVersion":"example.com/v1","kind":"Gadget","metadata":{"name":"g"},"spec":{"name":"x"},"status":{"phase":"ignored"}}""");
        Assert.Null(made["status"]);
        Assert.Equal(1, (int?)made["metadata"]!["generation"]);
        var older = await _client.DoAsync("GET", $"/apis/example.com/v1beta1/namespaces/{ns}/gadgets/g");
        Assert.Equal("example.com/v1beta1", (string?)older["apiVersion"]);
        Assert.Equal((string?)made["metadata"]!["uid"], (string?)older["metadata"]!["uid"]);
        var status = await _client.DoAsync("PATCH", $"/apis/example.com/v1/namespaces/{ns}/gadgets/g/status", """{"status":{"phase":"up"},"spec":{"name":"no"}}""", "application/merge-patch+json");
        Assert.Equal(("up", "x"), ((string?)status["status"]!["phase"], (string?)status["spec"]!["name"]));
        Assert.Contains("must be specified for an update",
            await _client.RefusedAsync(422, "PUT", $"/apis/example.com/v1/namespaces/{ns}/gadgets/g", """{"metadata":{"name":"g"},"spec":{}}"""));
        await _client.RefusedAsync(415, "PATCH", $"/apis/example.com/v1/namespaces/{ns}/gadgets/g", "{}", "application/strategic-merge-patch+json");

        var groups = await _client.DoAsync("GET", "/apis", accept: "application/json;g=apidiscovery.k8s.io;v=v2;as=APIGroupDiscoveryList");
        Assert.Contains((JsonArray)groups["items"]!, g => (string?)g!["metadata"]!["name"] == "example.com");
        var resources = await _client.DoAsync("GET", "/apis/example.com/v1");
        Assert.Contains((JsonArray)resources["resources"]!, r => (string?)r!["name"] == "gadgets/status");
    }

    [Fact]
    public async Task TakesItsObjectsWithIt_TheirFinalizersRespected()
    {
        await DefineAsync("widgets", "Widget");
        var ns = (await server.NamespaceAsync()).Split('/')[4];
        var widgets = $"/apis/example.com/v1/namespaces/{ns}/widgets";
        await _client.DoAsync("POST", widgets, """{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"a"}}""");
        await _client.DoAsync("POST", widgets, """{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"b","finalizers":["example.com/hold"]}}""");
        using var watch = await _client.WatchAsync($"{widgets}?watch=true");
        Assert.Equal(["ADDED a", "ADDED b"], [await watch.NextNameAsync(), await watch.NextNameAsync()]);
        using var definitions = await _client.WatchAsync("/apis/apiextensions.k8s.io/v1/customresourcedefinitions?watch=true&fieldSelector=metadata.name%3Dwidgets.example.com");
        Assert.Equal("ADDED widgets.example.com", await definitions.NextNameAsync());

        await _client.DoAsync("DELETE", "/apis/apiextensions.k8s.io/v1/customresourcedefinitions/widgets.example.com");
        Assert.Equal("DELETED a", await watch.NextNameAsync());
        Assert.Equal("MODIFIED b", await watch.NextNameAsync());
        await _client.RefusedAsync(405, "POST", widgets, """{"apiVersion":"example.com/v1","kind":"Widget","metadata":{"name":"c"}}""");
        await _client.DoAsync("PATCH", $"{widgets}/b", """{"metadata":{"finalizers":null}}""", "application/merge-patch+json");
        Assert.Equal("DELETED b", await watch.NextNameAsync());
        Assert.Equal("MODIFIED widgets.example.com", await definitions.NextNameAsync());
        Assert.Equal("DELETED widgets.example.com", await definitions.NextNameAsync());
        Assert.Null(await watch.NextAsync());
        Assert.Equal("the server could not find the requested resource", await _client.RefusedAsync(404, "GET", widgets));
    }
}
