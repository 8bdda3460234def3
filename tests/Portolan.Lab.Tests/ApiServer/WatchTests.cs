namespace Portolan.Lab.Tests.ApiServer;

public sealed class WatchTests(RunningServer server) : IClassFixture<RunningServer>
{
    private readonly ApiClient _client = server.Client;

    private static string Map(string name, string label = "none", string value = "v") =>
        $$"""{"metadata": {"name":"{{name}}","labels": {"l":"{{label}}" } },"data": {"k":"{{value}}" } }""";

    [Fact]
    public async Task GoesOnWhereAListEnded()
    {
        var maps = await server.NamespaceAsync() + "/configmaps";
        await _client.DoAsync("POST", maps, Map("a"));
        var revision = (string?)(await _client.DoAsync("GET", maps))["metadata"]!["resourceVersion"];
        await _client.DoAsync("POST", maps, Map("b"));
        using var watch = await _client.WatchAsync($"{maps}?watch=true&resourceVersion={revision}");
        Assert.Equal("ADDED b", await watch.NextNameAsync());
        await _client.DoAsync("PUT", $"{maps}/a", Map("a", value: "w"));
        Assert.Equal("MODIFIED a", await watch.NextNameAsync());
        await _client.DoAsync("DELETE", $"{maps}/b");
        Assert.Equal("DELETED b", await watch.NextNameAsync());
    }

    [Fact]
    public async Task BeginsWithAllThereIs_WhenNoRevisionIsNamed()
    {
        var maps = await server.NamespaceAsync() + "/configmaps";
        await _client.DoAsync("POST", maps, Map("a"));
        using var watch = await _client.WatchAsync($"{maps}?watch=true");
        Assert.Equal("ADDED a", await watch.NextNameAsync());
        await _client.DoAsync("POST", maps, Map("b"));
        Assert.Equal("ADDED b", await watch.NextNameAsync());
    }

    [Fact]
    public async Task SeesObjectsEnterAndLeaveASelection()
    {
        var maps = await server.NamespaceAsync() + "/configmaps";
        using var watch = await _client.WatchAsync($"{maps}?watch=true&labelSelector=l%3Dyes");
        await _client.DoAsync("POST", maps, Map("a", "no"));
        await _client.DoAsync("PUT", $"{maps}/a", Map("a", "yes"));
        Assert.Equal("ADDED a", await watch.NextNameAsync());
        var left = await _client.DoAsync("PUT", $"{maps}/a", Map("a", "no"));
        var deleted = await watch.NextAsync();
        Assert.Equal("DELETED", (string?)deleted!["type"]);
        Assert.Equal("yes", (string?)deleted["object"]!["metadata"]!["labels"]!["l"]);
        Assert.Equal((string?)left["metadata"]!["resourceVersion"], (string?)deleted["object"]!["metadata"]!["resourceVersion"]);
    }

    [Fact]
    public async Task TellsAWatcherOfAnUnknownPastToListAgain()
    {
        using var watch = await _client.WatchAsync("/api/v1/configmaps?watch=true&resourceVersion=99999999");
        var error = await watch.NextAsync();
        Assert.Equal(("ERROR", 410, "Expired"), ((string?)error!["type"], (int?)error["object"]!["code"], (string?)error["object"]!["reason"]));
        Assert.Null(await watch.NextAsync());
    }

    [Fact]
    public async Task EndsWhenItsTimeIsUp()
    {
        using var watch = await _client.WatchAsync("/api/v1/configmaps?watch=true&resourceVersion=0&timeoutSeconds=1&fieldSelector=metadata.name%3Dnone");
        Assert.Null(await watch.NextAsync());
    }

    [Fact]
    public async Task SendsTables_WithColumnsOnlyOnce()
    {
        var maps = await server.NamespaceAsync() + "/configmaps";
        await _client.DoAsync("POST", maps, Map("a"));
        using var watch = await _client.WatchAsync($"{maps}?watch=true", "application/json;as=Table;v=v1;g=meta.k8s.io,application/json");
        await _client.DoAsync("POST", maps, Map("b"));
        var first = (await watch.NextAsync())!["object"]!;
        Assert.Equal(("Table", "a"), ((string?)first["kind"], (string?)first["rows"]![0]!["object"]!["metadata"]!["name"]));
        Assert.NotNull(first["columnDefinitions"]);
        Assert.Null((await watch.NextAsync())!["object"]!["columnDefinitions"]);
    }

    [Fact]
    public async Task RefusesInitialEventsAsAServerWithoutThatFeature() =>
        Assert.Contains("sendInitialEvents is forbidden", await _client.RefusedAsync(422, "GET", "/api/v1/configmaps?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan"));
}
