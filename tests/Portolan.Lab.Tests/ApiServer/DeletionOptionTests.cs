namespace Portolan.Lab.Tests.ApiServer;

/// <summary>What a client may say about a deletion, and what it must not be taken to mean.</summary>
public sealed class DeletionOptionTests(RunningServer server) : IClassFixture<RunningServer>
{
    private readonly ApiClient _client = server.Client;

    private async Task<string> MapAsync()
    {
        var path = await server.NamespaceAsync();
        await _client.DoAsync("POST", $"{path}/configmaps", """{"metadata":{"name":"c"}}""");
        return $"{path}/configmaps/c";
    }

    [Theory]
    [InlineData("?dryRun=Al", "", "dryRun: Unsupported value: \"Al\": supported values: \"All\"")]
    [InlineData("", """{"dryRun":["some"]}""", "dryRun: Unsupported value: \"some\": supported values: \"All\"")]
    [InlineData("?propagationPolicy=Later", "", "propagationPolicy: Unsupported value: \"Later\"")]
    [InlineData("", """{"propagationPolicy":"Orphan","orphanDependents":true}""", "propagationPolicy: Invalid value: \"Orphan\": orphanDependents and deletionPropagation cannot be both set")]
    public async Task NonsenseDeletesNothing(string query, string body, string expected)
    {
        var path = await MapAsync();
        Assert.Contains(expected, await _client.RefusedAsync(422, "DELETE", path + query, body));
        Assert.Contains(expected, await _client.RefusedAsync(422, "DELETE", path[..^2] + query, body));
        await _client.DoAsync("GET", path);
    }

    [Theory]
    [InlineData("?dryRun=All", "")]
    [InlineData("", """{"dryRun":["All"]}""")]
    public async Task ADryRunLeavesEverything_OneOrAll(string query, string body)
    {
        var path = await MapAsync();
        await _client.DoAsync("DELETE", path + query, body);
        await _client.DoAsync("DELETE", path[..^2] + query, body);
        await _client.DoAsync("GET", path);
    }

    [Fact]
    public async Task PreconditionsHold()
    {
        var path = await MapAsync();
        var uid = (string)(await _client.DoAsync("GET", path))["metadata"]!["uid"]!;
        Assert.Equal($"Operation cannot be fulfilled on configmaps \"c\": Precondition failed: UID in precondition: other, UID in object meta: {uid}",
            await _client.RefusedAsync(409, "DELETE", path, """{"preconditions":{"uid":"other"}}"""));
        await _client.RefusedAsync(409, "DELETE", path, $$"""{"preconditions":{"uid":"{{uid}}","resourceVersion":"1"} }""");
        await _client.DoAsync("DELETE", path, $$"""{"preconditions":{"uid":"{{uid}}"} }""");
    }

    [Fact]
    public async Task NobodyDeletesAllNamespaces()
    {
        await _client.RefusedAsync(405, "DELETE", "/api/v1/namespaces");
        var namespaces = ((System.Text.Json.Nodes.JsonArray)(await _client.DoAsync("GET", "/api/v1"))["resources"]!).Single(r => (string?)r!["name"] == "namespaces")!;
        Assert.DoesNotContain("deletecollection", namespaces["verbs"]!.ToJsonString());
    }

    [Fact]
    public async Task FinalizersHoldWhatIsMarked_AndOrphansAndForegroundSayWhatTheyWaitFor()
    {
        foreach (var (policy, finalizer) in new[] { ("Orphan", "orphan"), ("Foreground", "foregroundDeletion") })
        {
            var path = await MapAsync();
            var marked = await _client.DoAsync("DELETE", $"{path}?propagationPolicy={policy}");
            Assert.Equal([finalizer], ((System.Text.Json.Nodes.JsonArray)marked["metadata"]!["finalizers"]!).Select(f => (string?)f));
            Assert.NotNull(marked["metadata"]!["deletionTimestamp"]);
            Assert.Contains("metadata.finalizers: Forbidden: no new finalizers can be added if the object is being deleted",
                await _client.RefusedAsync(422, "PATCH", path, """{"metadata":{"finalizers":["a.b/c"]}}""", "application/merge-patch+json"));
            await _client.DoAsync("PATCH", path, """{"metadata":{"finalizers":null}}""", "application/merge-patch+json");
            await _client.RefusedAsync(404, "GET", path);
        }
    }
}
