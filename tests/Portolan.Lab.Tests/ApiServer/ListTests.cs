using System.Text;
using System.Text.Json.Nodes;
using Portolan.Lab.ApiServer.Storage;

namespace Portolan.Lab.Tests.ApiServer;

/// <summary>Lists, in pages and of the past.</summary>
public sealed class ListTests(RunningServer server) : IClassFixture<RunningServer>
{
    private readonly ApiClient _client = server.Client;

    private static string Map(string name) => $$"""{"metadata": {"name":"{{name}}","labels": {"odd":"{{(name[^1] % 2 == 1 ? "yes" : "no")}}" } } }""";

    private static IEnumerable<string> Names(JsonObject list) => ((JsonArray)list["items"]!).Select(o => (string)o!["metadata"]!["name"]!);

    private static string? Version(JsonObject obj) => (string?)obj["metadata"]!["resourceVersion"];

    private static string? Token(JsonObject list) => (string?)list["metadata"]!["continue"] is { } token ? Uri.EscapeDataString(token) : null;

    [Fact]
    public async Task AllPagesShowOneMoment()
    {
        var maps = await server.NamespaceAsync() + "/configmaps";
        foreach (var i in Enumerable.Range(0, 5)) await _client.DoAsync("POST", maps, Map($"m{i}"));
        var page = await _client.DoAsync("GET", $"{maps}?limit=2");
        var moment = Version(page);
        Assert.Equal(3, (int?)page["metadata"]!["remainingItemCount"]);
        await _client.DoAsync("DELETE", $"{maps}/m3");
        await _client.DoAsync("POST", maps, Map("m2b"));
        await _client.DoAsync("PATCH", $"{maps}/m4", """{"data":{"k":"v"}}""", "application/merge-patch+json");
        var seen = Names(page).ToList();
        while (Token(page) is { } token)
        {
            page = await _client.DoAsync("GET", $"{maps}?limit=2&continue={token}");
            Assert.Equal(moment, Version(page));
            Assert.All((JsonArray)page["items"]!, o => Assert.Null(o!["data"]));
            seen.AddRange(Names(page));
        }

        Assert.Equal(["m0", "m1", "m2", "m3", "m4"], seen);
    }

    [Fact]
    public async Task PagesOfASelectionAreFull_AndDoNotTellHowMuchIsLeft()
    {
        var maps = await server.NamespaceAsync() + "/configmaps";
        foreach (var i in Enumerable.Range(0, 7)) await _client.DoAsync("POST", maps, Map($"m{i}"));
        var first = await _client.DoAsync("GET", $"{maps}?limit=2&labelSelector=odd%3Dyes");
        Assert.Equal(["m1", "m3"], Names(first));
        Assert.Null(first["metadata"]!["remainingItemCount"]);
        var second = await _client.DoAsync("GET", $"{maps}?limit=2&labelSelector=odd%3Dyes&continue={Token(first)}");
        Assert.Equal(["m5"], Names(second));
        Assert.Null(Token(second));
    }

    [Fact]
    public async Task ListsThePastExactly_OrThePresentWhenThatIsNotOlder()
    {
        var maps = await server.NamespaceAsync() + "/configmaps";
        await _client.DoAsync("POST", maps, Map("a"));
        var then = Version(await _client.DoAsync("POST", maps, Map("b")));
        await _client.DoAsync("DELETE", $"{maps}/a");
        await _client.DoAsync("POST", maps, Map("c"));
        var exact = await _client.DoAsync("GET", $"{maps}?resourceVersion={then}&resourceVersionMatch=Exact");
        Assert.Equal(["a", "b"], Names(exact));
        Assert.Equal(then, Version(exact));
        Assert.Equal(["a", "b"], Names(await _client.DoAsync("GET", $"{maps}?resourceVersion={then}&limit=5")));
        Assert.Equal(["b", "c"], Names(await _client.DoAsync("GET", $"{maps}?resourceVersion={then}&resourceVersionMatch=NotOlderThan&limit=5")));
        Assert.Equal(["b", "c"], Names(await _client.DoAsync("GET", $"{maps}?resourceVersion={then}")));
        Assert.Equal(["b", "c"], Names(await _client.DoAsync("GET", $"{maps}?resourceVersion=0")));
    }

    [Theory]
    [InlineData(422, "resourceVersionMatch=Exact", "forbidden unless resourceVersion is provided")]
    [InlineData(422, "resourceVersionMatch=Exact&resourceVersion=0", "forbidden for resourceVersion")]
    [InlineData(422, "resourceVersionMatch=Newest&resourceVersion=1", "Unsupported value: \"Newest\"")]
    [InlineData(422, "sendInitialEvents=true", "sendInitialEvents is forbidden for list")]
    [InlineData(504, "resourceVersion=999999999", "Too large resource version: 999999999, current: ")]
    [InlineData(504, "resourceVersion=999999999&resourceVersionMatch=Exact", "Too large resource version")]
    [InlineData(400, "resourceVersion=x", "invalid syntax")]
    [InlineData(400, "limit=many", "invalid syntax")]
    [InlineData(400, "limit=2&continue=%25", "continue key is not valid")]
    [InlineData(400, "limit=2&continue=bm8", "continue key is not valid")]
    [InlineData(400, "limit=2&resourceVersion=3&continue=bm8", "resource version is not allowed when using continue")]
    public async Task RefusesWhatItCannotMean(int code, string query, string why) =>
        Assert.Contains(why, await _client.RefusedAsync(code, "GET", $"/api/v1/configmaps?{query}"));

    [Theory]
    [InlineData("""{"v":"meta.k8s.io/v1","rv":0,"start":"a/b"}""", 400)]
    [InlineData("""{"v":"meta.k8s.io/v1","rv":-2,"start":"a/b"}""", 400)]
    [InlineData("""{"v":"meta.k8s.io/v1","rv":"1","start":"a/b"}""", 400)]
    [InlineData("""{"v":"meta.k8s.io/v1","rv":1,"start":["a"]}""", 400)]
    [InlineData("""{"v":"meta.k8s.io/v1","rv":9223372036854775807,"start":"a/b"}""", 504)]
    [InlineData("""["meta.k8s.io/v1"]""", 400)]
    public async Task RefusesTokensItDidNotMake(string token, int code) =>
        await _client.RefusedAsync(code, "GET", $"/api/v1/configmaps?limit=2&continue={Convert.ToBase64String(Encoding.UTF8.GetBytes(token)).TrimEnd('=')}");

    [Fact]
    public async Task ATokenShowsNothingOfOtherNamespaces()
    {
        var (one, other) = (await server.NamespaceAsync(), await server.NamespaceAsync());
        foreach (var ns in (string[])[one, other])
            foreach (var name in (string[])["a", "b"])
                await _client.DoAsync("POST", $"{ns}/configmaps", Map(name));
        var token = Token(await _client.DoAsync("GET", $"{one}/configmaps?limit=1"));
        var page = await _client.DoAsync("GET", $"{other}/configmaps?limit=9&continue={token}");
        Assert.All((JsonArray)page["items"]!, o => Assert.Equal(other.Split('/')[4], (string?)o!["metadata"]!["namespace"]));
    }

    [Fact]
    public async Task AForgottenMomentCanBeGivenUp_WithTheTokenOfTheRefusal()
    {
        await using var forgetful = new RunningServer { History = HistoryLimits.Default with { Events = 3 } };
        await forgetful.InitializeAsync();
        var client = forgetful.Client;
        var maps = await forgetful.NamespaceAsync() + "/configmaps";
        foreach (var i in Enumerable.Range(0, 5)) await client.DoAsync("POST", maps, Map($"m{i}"));
        var first = await client.DoAsync("GET", $"{maps}?limit=2");
        foreach (var i in Enumerable.Range(5, 4)) await client.DoAsync("POST", maps, Map($"m{i}"));
        var (code, gone, _) = await client.SendAsync("GET", $"{maps}?limit=2&continue={Token(first)}");
        Assert.Equal((410, "Expired"), (code, (string?)gone["reason"]));
        var rest = await client.DoAsync("GET", $"{maps}?limit=20&continue={Token(gone)}");
        Assert.Equal(["m2", "m3", "m4", "m5", "m6", "m7", "m8"], Names(rest));
        Assert.Contains("too old", await client.RefusedAsync(410, "GET", $"{maps}?resourceVersion={Version(first)}&resourceVersionMatch=Exact"));
        using var watch = await client.WatchAsync($"{maps}?watch=true&resourceVersion={Version(first)}");
        var error = await watch.NextAsync();
        Assert.Equal(("ERROR", 410, "Expired"), ((string?)error!["type"], (int?)error["object"]!["code"], (string?)error["object"]!["reason"]));
        Assert.StartsWith("too old resource version: ", (string?)error["object"]!["message"]);
        Assert.Null(await watch.NextAsync());
    }
}
