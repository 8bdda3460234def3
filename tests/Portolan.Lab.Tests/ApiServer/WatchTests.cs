using System.Text.Json.Nodes;

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
    public async Task ListsInTheFormOfAWatch_AndSaysWhereTheListEnds()
    {
        var maps = await server.NamespaceAsync() + "/configmaps";
        await _client.DoAsync("POST", maps, Map("a"));
        var b = await _client.DoAsync("POST", maps, Map("b"));
        using var watch = await _client.WatchAsync($"{maps}?watch=true&sendInitialEvents=true&resourceVersionMatch=NotOlderThan&allowWatchBookmarks=true&resourceVersion=1");
        Assert.Equal("ADDED a", await watch.NextNameAsync());
        Assert.Equal("ADDED b", await watch.NextNameAsync());
        var end = await watch.NextAsync();
        Assert.Equal("BOOKMARK", (string?)end!["type"]);
        Assert.Equal("true", (string?)end["object"]!["metadata"]!["annotations"]!["k8s.io/initial-events-end"]);
        Assert.True(Revision(end) >= Revision(b));
        await _client.DoAsync("DELETE", $"{maps}/a");
        Assert.Equal("DELETED a", await watch.NextNameAsync());
    }

    [Fact]
    public async Task BeginsWithoutWhatIsThere_WhenAskedTo()
    {
        var maps = await server.NamespaceAsync() + "/configmaps";
        await _client.DoAsync("POST", maps, Map("a"));
        using var watch = await _client.WatchAsync($"{maps}?watch=true&sendInitialEvents=false&resourceVersionMatch=NotOlderThan");
        await _client.DoAsync("POST", maps, Map("b"));
        Assert.Equal("ADDED b", await watch.NextNameAsync());
    }

    [Fact]
    public async Task SaysHowFarItSaw_WhenItsTimeIsUp()
    {
        var maps = await server.NamespaceAsync() + "/configmaps";
        var a = await _client.DoAsync("POST", maps, Map("a"));
        using var watch = await _client.WatchAsync($"/api/v1/secrets?watch=true&resourceVersion={Revision(a)}&allowWatchBookmarks=true&timeoutSeconds=1");
        var b = await _client.DoAsync("POST", maps, Map("b"));
        var bookmark = await watch.NextAsync();
        Assert.Equal(("BOOKMARK", "Secret"), ((string?)bookmark!["type"], (string?)bookmark["object"]!["kind"]));
        Assert.True(Revision(bookmark) >= Revision(b));
        Assert.Null(await watch.NextAsync());
    }

    [Theory]
    [InlineData("configmaps/b?watch=true&resourceVersion=0")]
    [InlineData("configmaps?watch=1&resourceVersion=0&fieldSelector=metadata.name%3Db")]
    public async Task WatchesOneObjectByItsName(string path)
    {
        var ns = await server.NamespaceAsync();
        await _client.DoAsync("POST", $"{ns}/configmaps", Map("a"));
        var b = await _client.DoAsync("POST", $"{ns}/configmaps", Map("b"));
        using var watch = await _client.WatchAsync($"{ns}/{path}");
        Assert.Equal("ADDED b", await watch.NextNameAsync());
        await _client.DoAsync("PUT", $"{ns}/configmaps/a", Map("a", value: "w"));
        await _client.DoAsync("DELETE", $"{ns}/configmaps/b");
        Assert.Equal("DELETED b", await watch.NextNameAsync());
        using var resumed = await _client.WatchAsync($"{ns}/{path}".Replace("resourceVersion=0", $"resourceVersion={Revision(b)}", StringComparison.Ordinal));
        Assert.Equal("DELETED b", await resumed.NextNameAsync());
    }

    [Theory]
    [InlineData(422, "sendInitialEvents=true", "sendInitialEvents requires setting resourceVersionMatch to NotOlderThan")]
    [InlineData(422, "resourceVersionMatch=NotOlderThan&resourceVersion=1", "resourceVersionMatch is forbidden for watch unless sendInitialEvents is provided")]
    [InlineData(422, "sendInitialEvents=true&resourceVersionMatch=Exact", "Unsupported value: \"Exact\"")]
    [InlineData(504, "sendInitialEvents=true&resourceVersionMatch=NotOlderThan&resourceVersion=999999999999", "Too large resource version: 999999999999")]
    [InlineData(400, "resourceVersion=-1", "invalid syntax")]
    [InlineData(400, "resourceVersion=99999999999999999999", "invalid syntax")]
    [InlineData(400, "timeoutSeconds=soon", "invalid syntax")]
    [InlineData(400, "labelSelector=%3D%3D", "unable to parse")]
    [InlineData(400, "fieldSelector=spec.none%3Dx", "field label not supported")]
    public async Task RefusesWhatItCannotMean(int code, string query, string why) =>
        Assert.Contains(why, await _client.RefusedAsync(code, "GET", $"/api/v1/configmaps?watch=true&{query}"));

    private static long Revision(JsonObject obj) => long.Parse((string)(obj["object"] ?? obj)["metadata"]!["resourceVersion"]!);
}
